"""The gift ledger: what is recorded, refused, shown before, cured and withdrawn."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import OfficeContact
from practices.roles import Role
from tests import make
from tests.counts import examples
from touchpoints.gift_ledger import (
    NotSeen,
    accounts,
    count_earlier,
    limits_by_year,
    preview_of,
    record_gift,
    return_excess,
    take_return_back,
    withdraw_gift,
)
from touchpoints.meeting_people import People
from touchpoints.meetings import hold_meeting, plan_meeting
from touchpoints.models import Gift, GiftLimit, GiftShare
from touchpoints.touchpoint_log import NotPossible

NOW = make.NOW
TODAY = date(2026, 11, 18)


@pytest.fixture
def desk(harbor):
    office = make.office("Lakeside")
    return SimpleNamespace(
        practice=harbor,
        liaison=make.member(Role.LIAISON, harbor, name="Lia Roy"),
        office=office,
        okafor=make.provider("Okafor", at=office),
        nurse=make.provider("Lindqvist", at=office, credentials="NP"),
        contact=OfficeContact.objects.create(office=office, name="Maria Sole"),
    )


def given_to(desk, *people, amount="40.00", nature="item", on=TODAY, reason="", now=NOW, **answers):
    """Record it, having looked at what it does."""
    present = People(
        tuple(one for one in people if one in (desk.okafor, desk.nurse)),
        tuple(one for one in people if one == desk.contact),
        tuple(one for one in people if one == desk.liaison),
    )
    gift = Gift(
        nature=nature, description="Fruit", amount=Decimal(amount), given_on=on, over_limit_reason=reason
    )
    asked = {"is_solicited": False, "is_cash": False, "by": desk.liaison, "now": now, **answers}
    return record_gift(gift, people=present, seen=preview_of(gift, present).key, **asked)


def shares(gift):
    return {str(row.person): (row.amount, row.counts) for row in GiftShare.objects.filter(gift=gift)}


def total(desk, year=2026):
    return {account.provider: account.total for account in accounts(year)}.get(desk.okafor)


def test_a_meal_is_divided_by_everybody_and_physicians_take_the_odd_cents(desk):
    gift = given_to(desk, desk.liaison, desk.contact, desk.nurse, desk.okafor, amount="50.02", nature="meal")
    assert shares(gift) == {
        "Amara Okafor, MD": (Decimal("12.51"), True),
        "Amara Lindqvist, NP": (Decimal("12.51"), False),
        "Maria Sole": (Decimal("12.50"), False),
        "Lia Roy": (Decimal("12.50"), False),
    }
    assert total(desk) == Decimal("12.51")


def test_a_thing_counts_whole_to_each_of_theirs(desk):
    gift = given_to(desk, desk.liaison, desk.contact, desk.okafor, amount="30.00")
    assert shares(gift) == {
        "Amara Okafor, MD": (Decimal("30.00"), True),
        "Maria Sole": (Decimal("30.00"), False),
    }


@pytest.mark.parametrize("answers", [{"is_solicited": True}, {"is_cash": True}])
def test_solicited_and_cash_are_refused(desk, answers):
    with pytest.raises(NotPossible):
        given_to(desk, desk.okafor, **answers)
    assert not Gift.objects.exists()


def test_a_gift_card_is_refused_by_its_words(desk):
    people = People((desk.okafor,))
    gift = Gift(nature="item", description="Coffee gift card", amount=Decimal(10), given_on=TODAY)
    with pytest.raises(NotPossible, match="gift cards"):
        record_gift(gift, people=people, by=desk.liaison, now=NOW, is_solicited=False, is_cash=False)


def test_nothing_is_recorded_before_the_running_total_was_shown(desk):
    given_to(desk, desk.okafor, amount="100.00")
    people = People((desk.okafor,))
    gift = Gift(nature="item", description="Book", amount=Decimal(25), given_on=TODAY)
    asked = {"people": people, "by": desk.liaison, "now": NOW, "is_solicited": False, "is_cash": False}
    with pytest.raises(NotSeen) as first:
        record_gift(gift, **asked)
    (part,) = first.value.preview.parts
    assert (part.before.total, part.after.total, part.after.left) == (100, 125, 410)

    given_to(desk, desk.okafor, amount="5.00")  # somebody else, meanwhile
    with pytest.raises(NotSeen) as again:
        record_gift(gift, **asked, seen=first.value.preview.key)
    assert again.value.preview.parts[0].after.total == 130
    record_gift(gift, **asked, seen=again.value.preview.key)
    assert total(desk) == 130


def test_a_second_press_records_once_and_the_same_for_somebody_else_is_another(desk):
    first = given_to(desk, desk.okafor)
    assert given_to(desk, desk.okafor) == first
    assert given_to(desk, desk.nurse) != first
    assert given_to(desk, desk.okafor, now=NOW + timedelta(minutes=2)) != first


def test_the_limit_may_be_reached_and_going_over_it_asks_why(desk):
    given_to(desk, desk.okafor, amount="535.00")
    with pytest.raises(NotPossible, match="say why"):
        given_to(desk, desk.okafor, amount="0.01")
    gift = given_to(desk, desk.okafor, amount="0.01", reason="Parking was paid for us all")
    assert gift.over_limit_reason == "Parking was paid for us all"
    (account,) = accounts(2026)
    assert (account.is_over, account.cure.excess, account.left) == (True, Decimal("0.01"), 0)


def test_who_does_not_count_has_no_limit(desk):
    given_to(desk, desk.nurse, desk.contact, amount="900.00")
    assert accounts(2026) == []


def test_a_year_without_its_number_asks_for_it_and_borrows_none(desk):
    GiftLimit.objects.create(year=2026, amount=535, source="Federal Register")
    assert set(limits_by_year()) == {2026}
    with pytest.raises(NotPossible, match="2025"):
        given_to(desk, desk.okafor, on=date(2025, 12, 31))
    given_to(desk, desk.nurse, on=date(2025, 12, 31))
    GiftLimit.objects.create(year=2025, amount=10, source="Federal Register")
    with pytest.raises(NotPossible, match="over the limit"):
        given_to(desk, desk.okafor, on=date(2025, 12, 31))


def test_a_new_practice_has_the_limits_that_are_known_and_the_newest_ask_to_be_checked(desk):
    limits = limits_by_year()
    assert (min(limits), max(limits), limits[2024].amount) == (2014, 2026, 507)
    assert [year for year, limit in limits.items() if not limit.is_checked] == [2026, 2025]
    assert {limit.practice for limit in limits.values()} == {desk.practice}


def test_each_calendar_year_starts_anew(desk):
    given_to(desk, desk.okafor, amount="519.00", on=date(2025, 12, 31))
    given_to(desk, desk.okafor, amount="535.00", on=date(2026, 1, 1))
    assert (total(desk, 2025), total(desk, 2026)) == (519, 535)
    assert total(desk, 2024) is None


ZONES = ["America/New_York", "Pacific/Honolulu", "Pacific/Auckland", "Asia/Kolkata"]


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=examples(5, full=100), deadline=None)
@given(minutes=st.integers(min_value=-26 * 60, max_value=26 * 60))
def test_a_meal_is_of_the_year_it_is_where_the_practice_is(zone, minutes):
    from zoneinfo import ZoneInfo

    from touchpoints.models import Meeting

    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    meeting = Meeting(practice=make_practice_in(zone), starts_at=at)
    assert Gift(given_on=meeting.held_on).year == at.astimezone(ZoneInfo(zone)).year


def make_practice_in(zone):
    from practices.models import Practice

    return Practice(time_zone=zone)


def test_a_new_years_eve_dinner_counts_to_the_old_year(desk):
    at = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)  # ten in the evening of December 31
    people = People((desk.okafor,))
    said = {"kind": "event", "starts_at": at, "ends_at": at + timedelta(hours=1), "purpose": "Dinner"}
    by = {"by": desk.liaison, "now": NOW}
    meeting = plan_meeting(people=people, owner=desk.liaison, office=None, **by, **said)
    meeting = hold_meeting(meeting, people=people, **by)
    gift = Gift(
        meeting=meeting, nature="meal", description="Dinner", amount=Decimal(60), given_on=meeting.held_on
    )
    record_gift(
        gift, people=people, seen=preview_of(gift, people).key, is_solicited=False, is_cash=False, **by
    )
    assert (total(desk, 2025), total(desk, 2026)) == (60, None)


def test_a_meeting_still_to_come_has_no_costs(desk):
    said = {"kind": "lunch", "starts_at": NOW, "ends_at": NOW + timedelta(hours=1), "purpose": "Lunch"}
    people = People((desk.okafor,))
    meeting = plan_meeting(people=people, by=desk.liaison, now=NOW, owner=desk.liaison, **said)
    gift = Gift(meeting=meeting, nature="meal", description="Lunch", amount=Decimal(60), given_on=TODAY)
    with pytest.raises(NotPossible, match="how the meeting went"):
        record_gift(gift, people=people, by=desk.liaison, now=NOW, is_solicited=False, is_cash=False)


def over_by(desk, amount, *, on=date(2026, 3, 2)):
    given_to(desk, desk.okafor, amount="535.00", on=date(2026, 1, 5))
    given_to(desk, desk.okafor, amount=amount, on=on, reason="Two of us booked")


def cured(desk, *, on, year=2026, now=NOW):
    return return_excess(desk.okafor, year=year, on=on, by=desk.liaison, now=now)


def test_the_excess_returned_in_time_is_within_the_limit_again(desk):
    over_by(desk, "20.00")
    assert cured(desk, on=date(2026, 8, 29)).amount == 20
    (account,) = accounts(2026)
    assert (account.given, account.returned, account.total, account.is_over) == (555, 20, 535, False)
    with pytest.raises(NotPossible, match="Nothing is over"):
        cured(desk, on=date(2026, 8, 29))


def test_a_return_outlives_the_gift_it_was_for_and_its_cure_stays_used(desk):
    over_by(desk, "20.00")
    cured(desk, on=date(2026, 3, 9))
    wrong = Gift.objects.get(given_on=date(2026, 3, 2))
    withdraw_gift(wrong, by=desk.liaison, now=NOW, reason="The wrong amount")
    given_to(desk, desk.okafor, amount="25.00", on=date(2026, 3, 2), reason="Two of us booked")
    (account,) = accounts(2026)
    assert (account.given, account.returned, account.total) == (560, 20, 540)
    with pytest.raises(NotPossible, match="once in three years"):
        cured(desk, on=date(2026, 3, 10))


def test_a_return_taken_back_with_a_reason_frees_the_cure(desk):
    over_by(desk, "20.00")
    back = cured(desk, on=date(2026, 3, 9))
    take_return_back(back, by=desk.liaison, now=NOW, reason="It was the tenth")
    back = take_return_back(back, by=desk.liaison, now=NOW, reason="Twice")
    assert (accounts(2026)[0].total, back.withdrawn_reason) == (555, "It was the tenth")
    assert cured(desk, on=date(2026, 3, 10)).amount == 20


def test_it_is_not_returned_before_the_excess_arose(desk):
    over_by(desk, "20.00")
    with pytest.raises(NotPossible, match="before 03/02/2026"):
        cured(desk, on=date(2026, 3, 1))
    assert cured(desk, on=date(2026, 3, 2)).amount == 20


def test_whoever_is_known_as_a_physician_later_is_told_of_until_it_counts(desk):
    given_to(desk, desk.nurse, amount="900.00")
    desk.nurse.credentials = "MD"
    desk.nurse.save()
    (account,) = accounts(2026)
    assert (account.total, account.uncounted) == (0, 900)
    gift = Gift(nature="item", description="Atlas", amount=Decimal(535), given_on=TODAY)
    assert preview_of(gift, People((desk.nurse,))).parts[0].before.uncounted == 900

    count_earlier(desk.nurse, year=2026)
    (account,) = accounts(2026)
    assert (account.total, account.uncounted, account.is_over) == (900, 0, True)


@pytest.mark.parametrize(
    ("amount", "on", "why"),
    [
        ("20.00", date(2026, 8, 30), "returned by 08/29/2026"),
        ("267.51", date(2026, 3, 9), "more than half"),
        ("20.00", date(2026, 11, 19), "future"),
    ],
)
def test_where_the_cure_does_not_reach_counsel_decides(desk, amount, on, why):
    over_by(desk, amount)
    with pytest.raises(NotPossible, match=why):
        cured(desk, on=on)
    assert accounts(2026)[0].is_over


def test_the_cure_is_used_once_in_three_years_for_each_physician(desk):
    other = make.provider("Byrne", at=desk.office)
    over_by(desk, "20.00")
    cured(desk, on=date(2026, 3, 9))
    given_to(desk, desk.okafor, amount="1.00", on=date(2026, 4, 1), reason="Again")
    with pytest.raises(NotPossible, match="once in three years"):
        cured(desk, on=date(2026, 4, 2))
    desk.okafor = other
    over_by(desk, "20.00")
    assert cured(desk, on=date(2026, 3, 9)).amount == 20


def test_withdrawn_it_counts_no_more_and_stays_on_the_record(desk):
    gift = given_to(desk, desk.okafor)
    withdraw_gift(gift, by=desk.liaison, now=NOW, reason="It was another office")
    row = withdraw_gift(gift, by=desk.liaison, now=NOW, reason="Twice")
    assert (total(desk), row.withdrawn_reason) == (None, "It was another office")
    assert GiftShare.objects.filter(gift=gift).count() == 1


def test_what_is_shown_knows_nothing_of_tiers_and_referrals(desk):
    gift = Gift(nature="item", description="Atlas", amount=Decimal(60), given_on=TODAY)
    before = preview_of(gift, People((desk.okafor, desk.nurse)))
    for _patient in range(5):
        make.referral(by=desk.liaison, provider=desk.okafor)
    desk.okafor.tier = "A"
    desk.okafor.save()
    after = preview_of(gift, People((desk.okafor, desk.nurse)))
    assert after.key == before.key
    assert [part.after and part.after.left for part in after.parts] == [Decimal(475), None]
