"""The referrer is told what we found: a consult note was sent, they were called, or both, of several patients at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contacts import referral_way
from contacts.models import Referral, ReferralStep
from contacts.referral_way import NotOnTheWay
from practices.models import Member
from touchpoints.models import Touchpoint
from touchpoints.reminders import remind
from touchpoints.touchpoint_log import NotPossible, lock_practice, log_call, withdraw

REACHED = Touchpoint.CallOutcome.REACHED
RULES = ("report_backs",)


@dataclass(frozen=True)
class Told:
    """The steps that were taken, one for each referral that was not told before; and the call."""

    steps: list[ReferralStep] = field(default_factory=list)
    call: Touchpoint | None = None


@transaction.atomic
def tell(
    referrals: Iterable[Referral],
    *,
    by: Member,
    now: datetime,
    note_channel: str = "",
    call_outcome: str = "",
    **said: Any,
) -> Told:
    """Close the loop of these referrals of one referrer. What was told already stays: a second click changes nothing,
    and of whom was told meanwhile no call is logged.

    `said` is the call's note and is_thanks. A call that reached nobody is logged, and tells nothing by itself.
    Raises NotPossible when it says neither a note nor a call, NotOnTheWay when there is nothing to report yet.
    """
    if not (note_channel or call_outcome):
        raise NotPossible(_("Say how they were told: by a note, by a call, or both."))
    lock_practice()
    rows = _untold(referrals)
    if not rows:
        return Told()
    call = _log(rows[0], call_outcome, by=by, now=now, **said) if call_outcome else None
    was_called = call_outcome == REACHED
    if not (note_channel or was_called):
        return Told(call=call)
    how = {"note_channel": note_channel, "was_called": was_called}
    steps = [step for row in rows if (step := _report(row, by=by, now=now, **how))]
    remind(now=now, only=RULES)
    return Told(steps, call)


@transaction.atomic
def take_back_telling(told: Told, *, by: Member, now: datetime) -> None:
    """It was said in error: the referrer is owed word again, and the call is withdrawn. Twice changes nothing.

    Raises NotOnTheWay when another step has followed.
    """
    lock_practice()
    reason = _("undone at once")
    for step in sorted(told.steps, key=lambda step: step.referral_id):
        referral_way.take_back(step.referral, step_id=step.pk, by=by, now=now, reason=reason)
    if told.call:
        withdraw(told.call, by=by, now=now, reason=reason)
    remind(now=now, only=RULES)


def _untold(referrals: Iterable[Referral]) -> list[Referral]:
    """As they stand now; whoever would tell them too waits."""
    rows = Referral.objects.select_for_update(of=("self",)).select_related("provider", "office")
    return list(rows.filter(pk__in=[row.pk for row in referrals], reported_back_at=None).order_by("pk"))


def _log(referral: Referral, outcome: str, *, by: Member, now: datetime, **said: Any) -> Touchpoint:
    """One call, however many patients it was about: its note is kept from whom the first is."""
    provider, office = referral.provider, referral.office
    return log_call(
        outcome=outcome, by=by, now=now, provider=provider, office=office, referral=referral, **said
    )


def _report(row: Referral, *, by: Member, now: datetime, **how: Any) -> ReferralStep | None:
    """The step taken; none where the referrer knew already."""
    try:
        told = referral_way.report_back(row, by=by, now=now, **how)
    except NotOnTheWay as refusal:
        raise NotOnTheWay(f"{row.reference}: {refusal}") from refusal
    return referral_way.last_step(told) if told.reported_back_at == now else None
