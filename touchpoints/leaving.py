"""What somebody who leaves the practice still owns, and who takes it over."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from practices.models import Member
from practices.roles import OWNS_ISSUES
from touchpoints import reminder_acts
from touchpoints.models import FeedbackIssue, Meeting, Reminder, Touchpoint
from touchpoints.reminders import remind
from touchpoints.touchpoint_log import lock_practice

RULES = ("issues_unresolved", "promised_next_steps", "meetings_tomorrow", "unreached_calls")


def owned_by(member: Member) -> list[tuple[str, int]]:
    """What is theirs and not done, in words and number; nothing that is none."""
    counts = [
        (_("open issues"), _issues(member).count()),
        (_("planned meetings"), _meetings(member).count()),
        (_("promised next steps"), _next_steps(member).count()),
        (_("open reminders"), _reminders(member).count()),
    ]
    return [(label, count) for label, count in counts if count]


def owned_rows(member: Member) -> dict[str, list[Any]]:
    """The same by their numbers; of a next step, also whose it was said to be."""
    steps = _next_steps(member).values_list("pk", "next_step_owner")
    return {
        "issues": list(_issues(member).values_list("pk", flat=True)),
        "meetings": list(_meetings(member).values_list("pk", flat=True)),
        "next_steps": [list(step) for step in steps],
        "reminders": list(_reminders(member).values_list("pk", flat=True)),
    }


def successors_of(member: Member) -> QuerySet[Member]:
    """Who may take all of it over: whoever may own an issue."""
    others = Member.objects.active().filter(role__in=OWNS_ISSUES).exclude(pk=member.pk)
    return others.select_related("user").order_by("user__name")


@transaction.atomic
def hand_over_all(member: Member, *, to: Member, by: Member, now: datetime) -> None:
    """From now on it is the other's. What was done stays under the name of who did it.

    A reminder that the other could not act on falls to whom its rule names, at the next tick.
    """
    lock_practice()
    _issues(member).update(owner=to)
    _meetings(member).update(owner=to, sequence=F("sequence") + 1, changed_at=now)
    _next_steps(member).update(next_step_owner=to)
    reminder_acts.hand_over_all(_reminders(member), to=to, by=by, now=now)
    remind(now=now, only=RULES)


def _issues(member: Member) -> Any:
    open_ones = FeedbackIssue.objects.filter(pk__in=FeedbackIssue.objects.open().values("pk"))
    return open_ones.filter(owner=member)


def _meetings(member: Member) -> Any:
    return Meeting.objects.filter(owner=member, state=Meeting.State.PLANNED)


def _next_steps(member: Member) -> Any:
    theirs = Q(next_step_owner=member) | Q(next_step_owner=None, member=member)
    return Touchpoint.objects.standing().filter(
        theirs, next_step_on__isnull=False, next_step_done_at__isnull=True
    )


def _reminders(member: Member) -> Any:
    return Reminder.objects.open().filter(member=member)
