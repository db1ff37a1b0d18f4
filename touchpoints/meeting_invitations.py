"""Invitations to a planned meeting, by mail (iMIP, RFC 6047): sent, sent again when it changes, called off.

Each goes to one person and names nobody but them and who goes: what one office is told of another stays ours.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from icalendar import Event, vCalAddress

from contacts.models import Provider
from practices.models import Member, Practice
from practices.outbox import queue_mail
from touchpoints.calendar_events import meeting_event, new_calendar, plain, where_of
from touchpoints.meeting_people import People
from touchpoints.models import Meeting, MeetingInvitation

State = Meeting.State
SUBJECTS = {
    "invited": gettext_lazy("%(title)s, %(day)s"),
    "changed": gettext_lazy("Changed: %(title)s, %(day)s"),
    "released": gettext_lazy("You need not come: %(title)s, %(day)s"),
    "off": gettext_lazy("Called off: %(title)s, %(day)s"),
}


@dataclass(frozen=True)
class Recipient:
    """Somebody with an e-mail address. Whose address is no longer down for the meeting has no name here."""

    email: str
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.email


@dataclass(frozen=True)
class Invited:
    """How a meeting's invitations stand: who is told the latest, and who is not."""

    new: list[Recipient]
    changed: list[Recipient]
    off: list[Recipient]
    told: list[Recipient]
    without_address: list[str]

    @property
    def to_send(self) -> int:
        return len(self.new) + len(self.changed) + len(self.off)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """For its page: how they stand, and who."""
        groups: list[tuple[Any, list[Any]]] = [
            (_("Invited"), self.told),
            (_("Not invited yet"), self.new),
            (_("Know an earlier plan"), self.changed),
            (_("Invited, and no longer expected"), self.off),
            (_("No e-mail address"), self.without_address),
        ]
        return [(label, "; ".join(map(str, people))) for label, people in groups if people]


def invited_to(meeting: Meeting, *, now: datetime) -> Invited:
    """Who is to be told what. Of a meeting that is over or was held nobody is told anything."""
    if meeting.state == State.HELD or meeting.ends_at <= now:
        return Invited([], [], [], [], [])
    people = [] if meeting.state == State.CANCELLED else _people(meeting)
    wanted = _with_address(people)
    known = {row.email: row for row in MeetingInvitation.objects.standing().filter(meeting=meeting)}
    told = {email for email, row in known.items() if row.told == _digest(meeting)}
    return Invited(
        new=[who for email, who in wanted.items() if email not in known],
        changed=[who for email, who in wanted.items() if email in known and email not in told],
        off=[Recipient(email) for email in sorted(known) if email not in wanted],
        told=[who for email, who in wanted.items() if email in told],
        without_address=[str(person) for person in people if not _email_of(person)],
    )


@transaction.atomic
def send_invitations(meeting: Meeting, *, by: Member, now: datetime) -> Invited:
    """Tell everybody who does not know how it stands; returns who that was. A second press tells nobody again."""
    row = _locked(meeting)
    invited = invited_to(row, now=now)
    for who in invited.new:
        _tell(row, who, "invited", by=by, now=now)
    for who in invited.changed:
        _tell(row, who, "changed", by=by, now=now)
    for who in invited.off:
        _tell(row, who, "off" if row.state == State.CANCELLED else "released", by=by, now=now)
    return invited


def _people(meeting: Meeting) -> list[Any]:
    """Those down for it, without who goes: the invitation is theirs."""
    return [person for person in People.at(meeting) if person != meeting.owner]


def _with_address(people: Iterable[Any]) -> dict[str, Recipient]:
    found = ((_email_of(person), person) for person in people)
    return {email: Recipient(email, _form_of_address(person)) for email, person in found if email}


def _email_of(person: Any) -> str:
    """Nobody who moved away, died or asked not to be contacted is written to."""
    if isinstance(person, Provider) and not person.is_active:
        return ""
    if isinstance(person, Member):
        return "" if person.left_at else person.user.email.lower()
    return person.email.lower()


def _form_of_address(person: Any) -> str:
    return person.address_form if isinstance(person, Provider) else person.name


def _digest(meeting: Meeting) -> str:
    """What a change must touch to be worth a mail."""
    facts = [
        meeting.starts_at.astimezone(UTC).isoformat(),
        meeting.ends_at.astimezone(UTC).isoformat(),
        _title(meeting),
        where_of(meeting),
        meeting.owner.user.email,
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _title(meeting: Meeting) -> str:
    """As the other side reads it. Purpose and notes are ours."""
    is_ours = meeting.kind == Meeting.Kind.AT_OURS
    words = {
        "practice": meeting.practice.name,
        "kind": _("visit at our practice") if is_ours else meeting.get_kind_display(),
        "name": meeting.owner.name,
    }
    return _("%(practice)s: %(kind)s with %(name)s") % words


def _tell(meeting: Meeting, who: Recipient, what: str, *, by: Member, now: datetime) -> None:
    context = {**_words(meeting), "name": who.name, "what": what}
    method = "REQUEST" if what in ("invited", "changed") else "CANCEL"
    queue_mail(
        to=who.email,
        subject=SUBJECTS[what] % context,
        text=render_to_string("touchpoints/email/meeting_invitation.txt", context),
        html=render_to_string("touchpoints/email/meeting_invitation.html", context),
        headers={"Reply-To": meeting.owner.user.email},
        practice=meeting.practice,
        calendar=_calendar(meeting, who, method=method, now=now),
        calendar_method=method,
        now=now,
    )
    MeetingInvitation.objects.update_or_create(
        meeting=meeting,
        email=who.email,
        defaults={
            "sequence": meeting.sequence,
            "told": _digest(meeting),
            "sent_at": now,
            "sent_by": by,
            "cancelled_at": now if method == "CANCEL" else None,
        },
    )


def _words(meeting: Meeting) -> dict[str, Any]:
    starts = meeting.starts_at.astimezone(meeting.practice.zone)
    return {
        "title": _title(meeting),
        "day": date_format(starts, "l, F j"),
        "practice": meeting.practice,
        "host": meeting.owner.user,
        "when": when_of(meeting, meeting.practice),
        "where": where_of(meeting),
    }


def when_of(meeting: Meeting, practice: Practice) -> str:
    """ "Thursday, November 19, 2026, 12:00 PM to 1:00 PM (EST)", on the practice's clock."""
    starts, ends = (at.astimezone(practice.zone) for at in (meeting.starts_at, meeting.ends_at))
    ends_format = "g:i A" if starts.date() == ends.date() else "l, F j, Y, g:i A"
    return _("%(starts)s to %(ends)s (%(zone)s)") % {
        "starts": date_format(starts, "l, F j, Y, g:i A"),
        "ends": date_format(ends, ends_format),
        "zone": ends.tzname(),
    }


def _calendar(meeting: Meeting, who: Recipient, *, method: str, now: datetime) -> str:
    event = meeting_event(meeting, summary=_title(meeting), description="", stamp=now)
    if method == "CANCEL" and meeting.state != State.CANCELLED:
        del event["status"]  # it takes place, without them: RFC 5546 3.2.5
    _add_people(event, meeting, who)
    calendar = new_calendar()
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def _add_people(event: Event, meeting: Meeting, who: Recipient) -> None:
    host = _address(meeting.owner.user.email, meeting.owner.name)
    if sender := parseaddr(settings.DEFAULT_FROM_EMAIL)[1]:
        host.params["SENT-BY"] = _mailto(sender)
    event.add("organizer", host)
    guest = _address(who.email, who.name)
    guest.params["ROLE"] = "REQ-PARTICIPANT"
    guest.params["PARTSTAT"] = "NEEDS-ACTION"
    guest.params["RSVP"] = "TRUE"
    event.add("attendee", guest)


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(_mailto(email))
    if name:
        address.params["CN"] = plain(name).replace('"', "'")
    return address


def _mailto(email: str) -> str:
    return f"mailto:{quote(email, safe='@!#$&*+/=?^_`{|}~.-')}"


def _locked(meeting: Meeting) -> Meeting:
    rows: Any = Meeting.objects.select_for_update(of=("self",))
    return rows.select_related("owner__user", "office", "location", "practice").get(pk=meeting.pk)
