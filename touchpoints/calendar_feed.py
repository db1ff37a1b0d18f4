"""A member's calendar as their calendar program reads it: their meetings, the writing hour, their reminders.

The same rows give the same bytes, so that a program which has them already is told so and nothing more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from practices.models import Member
from touchpoints.calendar_events import (
    meeting_event,
    new_calendar,
    plain,
    reminder_event,
    title_of,
    uid_of,
    writes_since,
    writing_event,
)
from touchpoints.calendar_zones import zone_component
from touchpoints.models import Attendee, Meeting, Reminder

SHOWN_AFTERWARDS = timedelta(days=90)
CANCELLED_SHOWN = timedelta(days=30)  # long enough for every program to have seen it
SAID_ALREADY = "meetings_tomorrow"  # by the meeting itself
COLOR = "teal"  # by name, as RFC 7986 asks


def feed_of(member: Member, *, now: datetime) -> bytes:
    """The calendar, inside the member's practice."""
    calendar = _headed(member)
    for part in _parts(member, now):
        calendar.add_component(part)
    return calendar.to_ical()


def _headed(member: Member) -> Calendar:
    """The address itself is secret and stands nowhere in it."""
    name = plain(f"{member.practice.name}: {member.name}")
    calendar = new_calendar()
    for property_name, value in {
        "uid": uid_of("calendar", member.pk),
        "name": name,
        "x-wr-calname": name,
        "x-wr-timezone": member.practice.time_zone,
        "color": COLOR,
        "x-published-ttl": "PT1H",
    }.items():
        calendar.add(property_name, value)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    return calendar


def _parts(member: Member, now: datetime) -> Iterator[Event]:
    practice = member.practice
    # Always there: a calendar without any part is not one (RFC 5545 3.6).
    yield zone_component(
        practice.zone, since=writes_since(practice, now=now) - 1, year=practice.today(now).year
    )
    if member.is_physician:
        yield writing_event(member, now=now)
    for meeting in _meetings(member, now):
        yield _meeting(meeting)
    for reminder in Reminder.objects.open().filter(member=member).exclude(rule=SAID_ALREADY):
        yield reminder_event(reminder)


def _meetings(member: Member, now: datetime) -> QuerySet[Meeting]:
    """Where the member goes or is to be, of late and to come; cancelled ones for a while."""
    people = Attendee.objects.select_related("provider", "office_contact", "member__user").order_by("pk")
    goes = Exists(Attendee.objects.filter(meeting=OuterRef("pk"), member=member))
    stands = ~Q(state=Meeting.State.CANCELLED) | Q(changed_at__gt=now - CANCELLED_SHOWN)
    mine = Meeting.objects.filter(Q(owner=member) | goes, stands, ends_at__gt=now - SHOWN_AFTERWARDS)
    return mine.select_related("office", "location").prefetch_related(Prefetch("attendees", people))


def _meeting(meeting: Meeting) -> Event:
    rows = meeting.attendees.all()
    title = title_of(meeting, [row.person for row in rows if not row.member_id])
    if meeting.state == Meeting.State.CANCELLED:  # some programs show it like any other
        title = _("Cancelled: %(title)s") % {"title": title}
    url = settings.SITE_URL + reverse("meeting", args=[meeting.pk])
    names = plain(", ".join(str(row.person) for row in rows))
    description = "\n".join(filter(None, [names, url]))
    event = meeting_event(meeting, summary=title, description=description, stamp=meeting.changed_at)
    event.add("url", url)
    return event
