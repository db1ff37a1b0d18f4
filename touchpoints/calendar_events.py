"""What goes on a calendar, as RFC 5545 writes it: a meeting, a reminder, the weekly hour for writing cards.

A calendar leaves the house: no purpose, note or outcome of a meeting stands in it, so no patient can.
"""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from contacts.models import Provider
from practices.models import Member, Practice
from practices.weeks import list_slot
from touchpoints.models import Meeting, Reminder

PRODUCT = "-//Referral CRM//Referral CRM//EN"
NAMED = 2  # people in a title; the description names them all
AN_HOUR = timedelta(hours=1)


def new_calendar() -> Calendar:
    """An empty one that says who wrote it."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    return calendar


def plain(text: str) -> str:
    """One line without control characters, which calendars do not allow; the library escapes the rest."""
    return "".join(letter for letter in " ".join(text.split()) if unicodedata.category(letter) != "Cc")


def uid_of(what: str, number: int) -> str:
    """A name that stays, for what has no UUID of its own."""
    return f"{what}-{number}@{urlsplit(settings.SITE_URL).hostname}"


def meeting_event(meeting: Meeting, *, summary: str, description: str, stamp: datetime) -> Event:
    """The meeting at its moment. `stamp`: when this was written (an invitation), or last changed (a feed)."""
    is_off = meeting.state == Meeting.State.CANCELLED
    event = _event(str(meeting.uid), stamp=stamp, summary=summary, description=description)
    event.add("sequence", meeting.sequence)
    event.add("last-modified", meeting.changed_at.astimezone(UTC))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    if where := where_of(meeting):
        event.add("location", plain(where))
    return event


def reminder_event(reminder: Reminder) -> Event:
    """A reminder, on the whole of its day and in nobody's way."""
    stamp = reminder.snoozed_at or reminder.made_at
    event = _event(uid_of("reminder", reminder.pk), stamp=stamp, summary=reminder.reason)
    event.add("dtstart", reminder.due_on)
    event.add("transp", "TRANSPARENT")
    event.add("url", settings.SITE_URL + reverse("reminder", args=[reminder.pk]))
    return event


def writing_event(member: Member, *, now: datetime) -> Event:
    """The hour after the weekly list's, at its hour of the practice's clock all year round."""
    practice = member.practice
    slot = list_slot(now, practice.zone, practice.list_weekday, practice.list_hour)
    summary, description = _("Write the week's thank-you cards"), settings.SITE_URL + reverse("thank_you")
    event = _event(
        uid_of("writing-time", member.pk), stamp=slot, summary=str(summary), description=description
    )
    start = _first_writing_hour(practice, now)
    event.add("dtstart", start.replace(tzinfo=practice.zone))
    event.add("duration", AN_HOUR)
    event.add("rrule", {"freq": "weekly"})
    return event


def writes_since(practice: Practice, *, now: datetime) -> int:
    """The year in which the calendar's weekly hours begin."""
    return max(practice.starts_on.year, practice.today(now).year - 1)


def _first_writing_hour(practice: Practice, now: datetime) -> datetime:
    """Without a zone. Weeks long past need not recur on a calendar."""
    first = max(practice.starts_on, date(writes_since(practice, now=now), 1, 1))
    day = first + timedelta(days=(practice.list_weekday - first.weekday()) % 7)
    return datetime.combine(day, time(practice.list_hour)) + AN_HOUR


def where_of(meeting: Meeting) -> str:
    """The place named, otherwise our location, otherwise their office: with the address to drive to."""
    office, location = meeting.office, meeting.location
    if meeting.place:
        return meeting.place
    if location:
        return ", ".join(filter(None, [location.name, location.address_line]))
    if office is None or meeting.kind == Meeting.Kind.AT_OURS:
        return ""
    street = " ".join(filter(None, [office.street, office.suite]))
    town = " ".join(filter(None, [office.state, office.zip_code]))
    return ", ".join(filter(None, [office.name, street, office.city, town]))


def title_of(meeting: Meeting, people: Sequence[Any]) -> str:
    """ "Lunch: Dr. Okafor, Ida Brandt and 2 more". `people`: theirs who are down for it."""
    kind = capfirst(meeting.get_kind_display())
    names = [person.short_name if isinstance(person, Provider) else person.name for person in people]
    whom = ", ".join(names[:NAMED]) or str(meeting.office or "")
    if more := len(names[NAMED:]):
        whom = _("%(names)s and %(count)d more") % {"names": whom, "count": more}
    return f"{kind}: {whom}" if whom else kind


def _event(uid: str, *, stamp: datetime, summary: str, description: str = "") -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("summary", plain(summary))
    if description:
        event.add("description", description)
    return event
