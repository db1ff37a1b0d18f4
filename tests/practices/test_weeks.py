from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practices.weeks import Week, due_week, list_slot

zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
weekdays, hours = st.integers(0, 6), st.integers(0, 23)


def next_slot(slot: datetime, zone: ZoneInfo, weekday: int, hour: int) -> datetime:
    """Found from outside: the first moment, hour by hour, at which the last slot is another one."""
    later = slot + timedelta(days=6)
    while list_slot(later, zone, weekday, hour) == slot:
        later += timedelta(minutes=15)
    return list_slot(later, zone, weekday, hour)


@given(now=moments, zone=zones, weekday=weekdays, hour=hours)
def test_the_slot_has_struck_and_the_next_has_not(now, zone, weekday, hour):
    slot = list_slot(now, zone, weekday, hour)
    assert slot <= now < next_slot(slot, zone, weekday, hour)


@given(now=moments, zone=zones, weekday=weekdays, hour=hours)
def test_slots_lie_seven_local_days_apart(now, zone, weekday, hour):
    slot = list_slot(now, zone, weekday, hour)
    later = next_slot(slot, zone, weekday, hour)
    days = later.astimezone(zone).date() - slot.astimezone(zone).date()
    # Samoa left out a day, and Kwajalein before: where the day itself is missing, the slot falls beside it.
    assert timedelta(days=6) <= days <= timedelta(days=8)


@given(
    now=moments,
    later=st.timedeltas(timedelta(0), timedelta(days=400)),
    zone=zones,
    weekday=weekdays,
    hour=hours,
)
def test_slots_and_weeks_never_go_back(now, later, zone, weekday, hour):
    assert list_slot(now, zone, weekday, hour) <= list_slot(now + later, zone, weekday, hour)
    assert due_week(now, zone, weekday, hour) <= due_week(now + later, zone, weekday, hour)


@given(now=moments, zone=zones, weekday=weekdays, hour=hours)
def test_a_due_week_has_wholly_ended(now, zone, weekday, hour):
    assert due_week(now, zone, weekday, hour).has_ended(now.astimezone(zone).date())


@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_week_reads_back_from_its_name(day):
    week = Week.of(day)
    assert Week.parse(str(week)) == week
    assert week.monday <= day <= week.sunday
    assert week.next().previous() == week


def test_the_days_at_the_edge_of_a_year_belong_to_the_iso_year():
    assert str(Week.of(date(2027, 1, 3))) == "2026-W53"
    assert str(Week.of(date(2024, 12, 30))) == "2025-W01"
    assert str(Week.parse("2026-W53").next()) == "2027-W01"


@pytest.mark.parametrize("text", ["2025-W53", "2026-W00", "2026-W54", "2026-47", "2026-W4", "", "2026-W47x"])
def test_what_is_no_week_is_refused(text):
    with pytest.raises(ValueError):
        Week.parse(text)


def test_a_week_starts_on_monday():
    with pytest.raises(ValueError, match="not a Monday"):
        Week(date(2026, 11, 17))


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        # Clocks went forward on Sunday, March 8, and back on Sunday, November 1.
        (datetime(2026, 3, 9, 9, 59, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC)),
        (datetime(2026, 3, 9, 10, tzinfo=UTC), datetime(2026, 3, 9, 10, tzinfo=UTC)),
        (datetime(2026, 11, 2, 10, 59, tzinfo=UTC), datetime(2026, 10, 26, 10, tzinfo=UTC)),
        (datetime(2026, 11, 2, 11, tzinfo=UTC), datetime(2026, 11, 2, 11, tzinfo=UTC)),
    ],
)
def test_monday_six_oclock_keeps_to_the_clock_on_the_wall(now, slot):
    assert list_slot(now, NEW_YORK, 0, 6) == slot


def test_an_hour_that_the_clock_leaves_out_still_strikes_once():
    slots = {
        list_slot(datetime(2026, 3, 8, tzinfo=UTC) + timedelta(minutes=15 * n), NEW_YORK, 6, 2)
        for n in range(4 * 48)
    }
    assert len(slots) == 2
    assert all(timedelta(days=6, hours=22) < b - a for a, b in pairwise(sorted(slots)))
