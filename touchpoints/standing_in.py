"""Somebody is away for a while: until then another member has what falls to them, and then it comes back."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from touchpoints.models import Reminder, StandIn
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_acts import HandedOver, hand_over_all
from touchpoints.touchpoint_log import lock_practice


@transaction.atomic
def arrange_stand_in(
    member: Member, *, stand_in: Member, until: date, by: Member, now: datetime
) -> HandedOver:
    """Hand over what is open, and what comes, until that day (the practice's date), which is included.

    Another arrangement for the same member ends.
    """
    lock_practice()
    _give_back(Reminder.objects.filter(handed_over_from=member), now=now)
    said = {"stand_in": stand_in, "until": until, "arranged_at": now, "arranged_by": by}
    StandIn.objects.update_or_create(member=member, defaults=said)
    return hand_over_all(_open_of(member), to=stand_in, by=by, now=now, until=until)


@transaction.atomic
def end_stand_in(member: Member, *, now: datetime) -> None:
    """They are back earlier: what was handed over for them comes back at once."""
    lock_practice()
    StandIn.objects.filter(member=member).delete()
    _give_back(Reminder.objects.filter(handed_over_from=member), now=now)


@transaction.atomic
def keep_stand_ins(*, now: datetime) -> None:
    """What the tick asks for: what fell to somebody who is away goes on, and back to whoever is there again."""
    today = Practice.objects.get(pk=entered_practice_id()).today(now)
    for row in StandIn.objects.on(today).select_related("stand_in__practice", "arranged_by__practice"):
        open_ones = _open_of(row.member_id)
        if open_ones.exists():
            hand_over_all(open_ones, to=row.stand_in, by=row.arranged_by, now=now, until=row.until)
    over = Reminder.objects.filter(handed_over_until__lt=today)
    if over.open().exists():
        lock_practice()
        _give_back(over, now=now)
    StandIn.objects.filter(until__lt=today).delete()


def _open_of(member: Member | int) -> ReminderQuerySet:
    return Reminder.objects.open().filter(member=member)


def _give_back(rows: ReminderQuerySet, *, now: datetime) -> None:
    """In hand, so that the tick leaves it there even if it had been handed over before."""
    found = rows.open().filter(handed_over_until__isnull=False)
    found.filter(handed_over_from__left_at=None).update(
        member=F("handed_over_from"), handed_over_from=None, handed_over_at=now, handed_over_until=None
    )
    found.update(handed_over_until=None)  # who had it has left: it stays where it is
