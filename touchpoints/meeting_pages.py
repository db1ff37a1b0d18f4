"""What the meetings' list and one meeting's page show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from practices.models import Member
from touchpoints.gift_ledger import shares_of
from touchpoints.meeting_people import People
from touchpoints.models import Attendee, Gift, Meeting, Touchpoint

NAMED = 3
COMING_SHOWN = 100
TONES = {Meeting.State.PLANNED: "open", Meeting.State.HELD: "done", Meeting.State.CANCELLED: "quiet"}


@dataclass(frozen=True)
class MeetingRow:
    """One meeting as its line shows it."""

    meeting: Meeting
    title: str
    whom: str
    where: str
    label: str
    tone: str


def of_member(member: Member | None) -> QuerySet[Meeting]:
    """Where this member goes or is to be; None: everybody's."""
    rows = Meeting.objects.all()
    if member is not None:
        rows = rows.filter(
            Q(owner=member) | Q(pk__in=Attendee.objects.filter(member=member).values("meeting"))
        )
    people = Attendee.objects.select_related("provider", "office_contact").filter(member=None).order_by("pk")
    shown = rows.select_related("owner__user", "office", "location")
    return shown.prefetch_related(Prefetch("attendees", people, to_attr="theirs"))


def planned(rows: QuerySet[Meeting], *, now: datetime) -> dict[str, list[MeetingRow]]:
    """Those that began and nobody said how they went; and those to come, the next first."""
    found = rows.filter(state=Meeting.State.PLANNED).order_by("starts_at", "pk")[:COMING_SHOWN]
    parts: dict[str, list[MeetingRow]] = {"to_tell": [], "coming": []}
    for meeting in found:
        parts["to_tell" if meeting.starts_at <= now else "coming"].append(row_of(meeting))
    return parts


def rows_of(meetings: Iterable[Meeting]) -> list[MeetingRow]:
    return [row_of(meeting) for meeting in meetings]


def row_of(meeting: Any) -> MeetingRow:
    """The line of a meeting of `of_member`."""
    names = [row.provider.short_name if row.provider else str(row.office_contact) for row in meeting.theirs]
    whom = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        whom = _("%(names)s and %(n)d more") % {"names": whom, "n": len(names) - NAMED}
    return MeetingRow(
        meeting=meeting,
        title=_("%(kind)s, %(day)s") % {"kind": capfirst(meeting.get_kind_display()), "day": when(meeting)},
        whom=whom or str(meeting.office or ""),
        where=where(meeting),
        label=capfirst(meeting.get_state_display()),
        tone=TONES[meeting.state],
    )


def when(meeting: Meeting) -> str:
    """ "Mon, November 23, 2026, 12:00 PM"."""
    return date_format(localtime(meeting.starts_at), "D, F j, Y, g:i A")


def where(meeting: Meeting) -> str:
    """Their office, our location, or the place named; as many as are."""
    return ", ".join(str(found) for found in (meeting.place, meeting.location, meeting.office) if found)


@dataclass(frozen=True)
class Cost:
    """What was given at a meeting, and what it is to each."""

    gift: Gift
    shares: list[Any]


@dataclass(frozen=True)
class MeetingPage:
    """One meeting, and what may be done with it."""

    meeting: Meeting
    title: str
    when: str
    where: str
    label: str
    tone: str
    people: People
    costs: list[Cost]
    touchpoints: list[Touchpoint]
    may_change: bool
    member: Member

    @property
    def owes_next_step(self) -> Touchpoint | None:
        """The touchpoint whose next step waits; one speaks for all."""
        waits = (row for row in self.touchpoints if row.next_step_on and not row.next_step_done_at)
        return next(waits, None)

    @property
    def may_finish(self) -> bool:
        """Whether this reader may say that the next step is done."""
        row, reader = self.owes_next_step, self.member
        people = (row.next_step_owner_id, row.member_id, row.logged_by_id) if row else ()
        return bool(row) and (reader.is_manager or reader.pk in people)

    @property
    def may_cancel(self) -> bool:
        return self.may_change and not self.meeting.is_cancelled and not self.costs


def may_change(meeting: Meeting, member: Member) -> bool:
    """The manager all, everybody else where they go, or what they put down."""
    return member.is_manager or member.pk in (meeting.owner_id, meeting.created_by_id)


def meeting_page(meeting: Meeting, member: Member) -> MeetingPage:
    """Put together what the page shows."""
    people = People.at(meeting)
    gifts = Gift.objects.standing().filter(meeting=meeting).order_by("pk")
    told = Touchpoint.objects.standing().filter(meeting=meeting).select_related("provider", "office")
    return MeetingPage(
        meeting=meeting,
        title=_title(meeting, people),
        when=when(meeting),
        where=where(meeting),
        label=capfirst(meeting.get_state_display()),
        tone=TONES[Meeting.State(meeting.state)],
        people=people,
        costs=[Cost(gift, shares_of(gift)) for gift in gifts],
        touchpoints=list(told.order_by("pk")),
        may_change=may_change(meeting, member),
        member=member,
    )


def _title(meeting: Meeting, people: People) -> str:
    kind = capfirst(meeting.get_kind_display())
    names = [provider.short_name for provider in people.providers] + [str(one) for one in people.contacts]
    whom = names[0] if names else meeting.office
    return _("%(kind)s with %(whom)s") % {"kind": kind, "whom": whom} if whom else kind
