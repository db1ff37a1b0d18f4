"""Patients sent to the network, as their pages record it: one at each step of the way, and one who has to choose."""

from datetime import timedelta
from typing import Any

from django.db.models import Count

from contacts.models import Office, Provider, Specialty
from contacts.senders import main_office
from practices.business_days import business_days_before
from practices.models import Member
from referralcrm.seeding.days import Days
from referralcrm.seeding.words import GIVEN_NAMES, PATIENT_NAMES, SENT_FOR
from touchpoints.return_referral_way import choose, record_report, record_seen, send, suggest

STEPS_TAKEN = (0, 1, 2, 3)  # of sent, seen, report received
SENT_BEFORE = (0, 5, 15, 30)  # business days


def write_return_referrals(days: Days) -> None:
    """Inside the practice's scope, when its network stands."""
    physician = Member.objects.physicians().order_by("pk")[0]
    wanted = Specialty.objects.filter(providers__in=Provider.objects.active())
    specialties = wanted.annotate(n=Count("pk")).order_by("-n", "pk")[: len(STEPS_TAKEN)]
    for number, specialty in enumerate(specialties):
        _write(number, specialty, physician, days)


def _write(number: int, specialty: Specialty, physician: Member, days: Days) -> None:
    at = days.moment(business_days_before(days.until, 1 + SENT_BEFORE[number]), 100)
    row = suggest(by=physician, now=at, **_need(number, specialty, physician))
    if not STEPS_TAKEN[number]:
        return
    provider = Provider.objects.active().filter(specialty=specialty).order_by("pk")[0]
    row = choose(
        row,
        provider=provider,
        office=main_office(provider),
        clinical_reason=SENT_FOR[number % len(SENT_FOR)],
        is_patients_choice=True,
        offered=[],
        known=None,
    )
    row, day = send(row, by=physician, now=at), physician.practice.today(at)
    for record, later in zip((record_seen, record_report), (7, 12), strict=True):
        if STEPS_TAKEN[number] > (1 if record is record_seen else 2):
            row = record(row, on=day + timedelta(days=later), by=physician, now=days.now)


def _need(number: int, specialty: Specialty, physician: Member) -> dict[str, Any]:
    near = Office.objects.current().order_by("pk")[0]
    return {
        "patient_family_name": PATIENT_NAMES[-1 - number],
        "patient_given_name": GIVEN_NAMES[-1 - number],
        "patient_born_on": None,
        "patient_phone": "",
        "physician": physician,
        "specialty": specialty,
        "zip_code": near.zip_code[:5],
        "language": "Spanish" if number == 0 else "",
        "payer": "Medicare" if number % 2 == 0 else "",
        "urgency": "routine",
    }
