"""Meetings as their pages write them: a lunch that was, with its cost, and a visit and an in-service to come."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from contacts.models import Office, OfficeContact, Provider
from practices.business_days import add_business_days, business_days_before
from practices.models import Member
from practices.roles import Role
from referralcrm.seeding.days import Days
from touchpoints.gift_ledger import limits_by_year, preview_of, record_gift
from touchpoints.meeting_people import People
from touchpoints.meetings import log_meeting, plan_meeting
from touchpoints.models import Gift, Meeting

Kind = Meeting.Kind
NOON = 240  # minutes after eight
HOUR = timedelta(hours=1)
TO_COME = [(Kind.VISIT, "Hear how reports reach them"), (Kind.IN_SERVICE, "How to send imaging along")]


def write_meetings(days: Days) -> None:
    """Inside the practice's scope, when its network stands."""
    liaison = Member.objects.filter(role=Role.LIAISON).order_by("pk")[0]
    offices = Office.objects.filter(places__provider__state=Provider.State.ACTIVE).distinct().order_by("pk")
    first, *others = offices[: 1 + len(TO_COME)]  # a tiny practice has one
    _lunch(days, first, _people(first, liaison), liaison)
    for number, (office, (kind, purpose)) in enumerate(zip(others, TO_COME, strict=False), start=1):
        at = days.moment(add_business_days(days.until, number), NOON)
        said = _said(kind, at, purpose, office, liaison)
        plan_meeting(people=_people(office, liaison), by=liaison, now=days.now, uid=_uid(number), **said)


def _lunch(days: Days, office: Office, people: People, liaison: Member) -> None:
    at = days.moment(business_days_before(days.until, 3), NOON)
    now = at + 2 * HOUR
    meeting = log_meeting(
        people=people, by=liaison, now=now, uid=_uid(0),
        intel="A partner joins them in spring.", feedback_heard="Reports come quickly of late.",
        materials="Referral pads", **_said(Kind.LUNCH, at, "Meet the front desk", office, liaison),
    )  # fmt: skip
    meal = Gift(
        meeting=meeting, given_on=meeting.held_on, nature=Gift.Nature.MEAL, description="Sandwiches and fruit",
        amount=Decimal("64.30"),
    )  # fmt: skip
    if meal.year in limits_by_year():  # a year to come has no number yet
        seen = preview_of(meal, people).key
        record_gift(meal, people=people, by=liaison, now=now, is_solicited=False, is_cash=False, seen=seen)


def _people(office: Office, liaison: Member) -> People:
    providers = Provider.objects.active().filter(places__office=office).order_by("pk")[:3]
    contacts = OfficeContact.objects.filter(office=office).order_by("pk")[:2]
    return People(tuple(providers), tuple(contacts), (liaison,))


def _said(kind: Kind, at: datetime, purpose: str, office: Office, liaison: Member) -> dict[str, Any]:
    said = {"kind": kind, "starts_at": at, "ends_at": at + HOUR, "purpose": purpose}
    return {**said, "office": office, "owner": liaison}


def _uid(number: int) -> UUID:
    """The same each time, so that the same arguments give the same rows."""
    return uuid5(NAMESPACE_URL, f"referral-crm:demo:meeting:{number}")
