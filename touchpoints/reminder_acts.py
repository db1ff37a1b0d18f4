"""What is done with reminders, one or many in one act; who could take them over; and how an act is undone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from contacts.models import Referral
from practices.models import Member
from practices.roles import MOVES_REFERRALS, RECORDS_FEEDBACK
from touchpoints.models import Reminder, StandIn
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_rules.calls import promises_of
from touchpoints.reminders import remind
from touchpoints.touchpoint_log import lock_practice

State = Reminder.State
UNDONE = [
    "state",
    "closed_at",
    "closed_by",
    "dismissed_reason",
    "snoozed_at",
    "member",
    "handed_over_at",
    "handed_over_by",
    "handed_over_from",
    "handed_over_until",
]


@dataclass(frozen=True)
class HandedOver:
    """How many went over, and how many stay because they are not that member's to do."""

    count: int
    kept: int


def doable_by(rows: ReminderQuerySet, to: Member, *, today: date) -> ReminderQuerySet:
    """Those that this member could act on, were they theirs.

    Cards and issues change hands where they are; a patient one may not see is nobody's errand.
    """
    if to.is_manager:
        return rows
    seen = Referral.objects.visible_to(to, day=today).order_by().values("pk")
    rows = rows.filter(Q(referral=None) | Q(referral__in=seen))
    rows = rows.filter(Q(thank_you_list=None) | Q(thank_you_list__physician=to))
    beyond = ["issues_unresolved"]
    beyond += [] if to.role in MOVES_REFERRALS else ["next_actions", "report_backs"]
    beyond += [] if to.role in RECORDS_FEEDBACK else ["feedback_due"]
    return rows.exclude(rule__in=beyond)


@transaction.atomic
def close_all(rows: ReminderQuerySet, *, by: Member, now: datetime) -> int:
    """They are done. What was closed meanwhile is left alone."""
    found = _locked(rows)
    _update(found, state=State.DONE, closed_at=now, closed_by=by)
    _keep_promises(found, done_at=now)
    return len(found)


@transaction.atomic
def dismiss_all(rows: ReminderQuerySet, *, by: Member, now: datetime, reason: str) -> int:
    """They need not be done, for a reason."""
    found = _locked(rows)
    _update(found, state=State.DISMISSED, closed_at=now, closed_by=by, dismissed_reason=reason)
    return len(found)


@transaction.atomic
def snooze_all(rows: ReminderQuerySet, *, until: date, now: datetime) -> int:
    """Ask again on that day (the practice's date)."""
    found = _locked(rows)
    _update(found, due_on=until, snoozed_at=now)
    return len(found)


@transaction.atomic
def hand_over_all(
    rows: ReminderQuerySet, *, to: Member, by: Member, now: datetime, until: date | None = None
) -> HandedOver:
    """Another member has them from now on, or until that day; what that member could not do stays where it is.

    What somebody has for a while goes back to whoever it came from, on its day, through whose hands it went since.
    """
    others = rows.exclude(member=to)
    found = _locked(doable_by(others, to, today=by.practice.today(now)))
    came_from: Any = F("member")
    if until:
        came_from = Case(When(handed_over_until=None, then=F("member")), default=F("handed_over_from"))
    until_when = Coalesce(F("handed_over_until"), Value(until)) if until else None
    _update(
        found,
        handed_over_from=came_from,
        handed_over_until=until_when,
        member=to,
        handed_over_at=now,
        handed_over_by=by,
    )
    return HandedOver(len(found), kept=others.open().count())


@transaction.atomic
def undo(rows: ReminderQuerySet, *, at: datetime, by: Member, now: datetime) -> int:
    """Take back what was done with them at that moment; what has changed since then stays as it is.

    What was put off is due on its own day again. What was handed over goes back to who had it.
    """
    lock_practice()
    acted = _for_update(acted_at(at, rows))
    found = [row for row in acted if last_act_at(row) == at]
    arranged, _tables = StandIn.objects.filter(arranged_at=at, arranged_by=by).delete()
    put_off = {row.rule for row in found if row.state == State.OPEN and row.snoozed_at == at}
    for row in found:
        _take_back(row, at, by=by, now=now)
    Reminder.objects.bulk_update(found, UNDONE)
    _keep_promises(found, done_at=None)
    if put_off & RULES.keys():
        remind(now=now, only=put_off & RULES.keys())  # the rule knows the day
    return len(found) or arranged


def acted_at(at: datetime, rows: ReminderQuerySet | None = None) -> ReminderQuerySet:
    """Those of them with which something was done at that moment."""
    found = Reminder.objects.all() if rows is None else rows
    return found.filter(Q(closed_at=at) | Q(snoozed_at=at) | Q(handed_over_at=at))


def last_act_at(row: Reminder) -> datetime | None:
    """When somebody last closed it, put it off or handed it over."""
    if row.state != State.OPEN:
        return row.closed_at if row.state != State.GONE else None
    return max(filter(None, [row.snoozed_at, row.handed_over_at]), default=None)


def _take_back(row: Reminder, at: datetime, *, by: Member, now: datetime) -> None:
    if row.state != State.OPEN:
        row.state, row.closed_at, row.closed_by, row.dismissed_reason = State.OPEN, None, None, ""
    elif row.snoozed_at == at:
        row.snoozed_at = None
    elif row.handed_over_from_id:
        # In hand, so that the tick leaves it there even if it had been handed over before.
        row.member_id, row.handed_over_from, row.handed_over_until = row.handed_over_from_id, None, None
        row.handed_over_at, row.handed_over_by = now, by


def _locked(rows: ReminderQuerySet) -> list[Reminder]:
    """The open ones. The practice first, as in the tick, so that neither waits for the other."""
    lock_practice()
    return _for_update(rows.open())


def _for_update(rows: ReminderQuerySet) -> list[Reminder]:
    return list(rows.select_related(None).select_for_update(of=("self",)).order_by("pk"))


def _update(found: Iterable[Reminder], **values: object) -> None:
    Reminder.objects.filter(pk__in=[row.pk for row in found]).update(**values)


def _keep_promises(found: Iterable[Reminder], *, done_at: datetime | None) -> None:
    for row in found:
        if row.rule == "promised_next_steps":
            promises_of(row).update(next_step_done_at=done_at)
