"""Calls of the last business day, as their page logs them: one that reached nobody, one that promised something."""

from django.db.models import Exists, OuterRef

from contacts.models import Provider, Referral
from practices.business_days import add_business_days, business_days_before
from practices.models import Member
from practices.roles import Role
from referralcrm.seeding.days import Days
from touchpoints.models import Touchpoint
from touchpoints.touchpoint_log import log_call

Outcome = Touchpoint.CallOutcome
TWO_HOURS = 120  # minutes


def write_calls(days: Days) -> None:
    """Inside the practice's scope, when its referrals stand."""
    physician = Member.objects.physicians().order_by("pk")[0]
    liaison = Member.objects.filter(role=Role.LIAISON).order_by("pk")[0]
    at = days.moment(business_days_before(days.until, 1), TWO_HOURS)
    day = physician.practice.today(at)
    calls = [
        {"outcome": Outcome.VOICEMAIL, "by": physician, "note": "Left word with the front desk."},
        {
            "outcome": Outcome.REACHED,
            "by": liaison,
            "note": "Asked how to send imaging along.",
            "next_step": "Bring the one-page guide to sending imaging.",
            "next_step_on": add_business_days(day, 2),
        },
    ]
    refers = Referral.objects.filter(provider=OuterRef("pk"))
    senders = Provider.objects.active().filter(Exists(refers)).order_by("pk")
    for provider, call in zip(senders[: len(calls)], calls, strict=False):  # a tiny practice has one
        log_call(provider=provider, now=at, **call)
