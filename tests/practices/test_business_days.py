from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practices.business_days import (
    add_business_days,
    business_days_before,
    is_business_day,
    shift_business_days,
    states,
)

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
counts = st.integers(0, 15)


def test_state_keeps_holidays_of_its_own():
    assert not is_business_day(date(2026, 4, 20), "MA")  # Patriots' Day
    assert is_business_day(date(2026, 4, 20))
    assert is_business_day(date(2026, 4, 20), "NH")
    assert not is_business_day(date(2026, 11, 26), "MA")  # Thanksgiving, everybody's
    assert add_business_days(date(2026, 4, 17), 1, "MA") == date(2026, 4, 21)
    assert business_days_before(date(2026, 4, 21), 1, "MA") == date(2026, 4, 17)
    assert shift_business_days(date(2026, 4, 21), -1, "MA") == date(2026, 4, 17)
    assert ("MA", "Massachusetts") in states()
    assert len(states()) > 50


def test_weekends_and_federal_holidays_are_no_business_days():
    assert not is_business_day(date(2026, 11, 21))  # Saturday
    assert not is_business_day(date(2026, 11, 26))  # Thanksgiving
    assert not is_business_day(date(2026, 7, 3))  # Independence Day, observed
    assert is_business_day(date(2026, 11, 27))


@pytest.mark.parametrize(
    ("day", "count", "due"),
    [
        (date(2026, 11, 18), 2, date(2026, 11, 20)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 25), 1, date(2026, 11, 27)),
        (date(2026, 11, 21), 0, date(2026, 11, 23)),
        (date(2026, 11, 18), 0, date(2026, 11, 18)),
    ],
)
def test_business_days_are_added(day, count, due):
    assert add_business_days(day, count) == due


@given(day=days, count=counts)
def test_the_day_found_is_a_business_day_that_many_later(day, count):
    due = add_business_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (due - day).days + 1)]
    assert is_business_day(due)
    assert sum(map(is_business_day, between)) == count or (count == 0 and not is_business_day(day))


@given(day=days, count=counts)
def test_looking_back_finds_the_latest_day_whose_business_days_have_passed(day, count):
    start = business_days_before(day, count)

    def passed(since: date) -> int:
        """Business days over by the morning of `day`."""
        return sum(is_business_day(since + timedelta(days=n)) for n in range((day - since).days))

    assert passed(start) == count
    assert count == 0 or passed(start + timedelta(days=1)) < count


@given(day=days, count=counts, other=counts)
def test_a_day_found_by_one_number_is_shifted_to_that_of_another(day, count, other):
    """So that a practice's own number can be counted from a day that was kept."""
    kept = add_business_days(day, count + 1)
    assert shift_business_days(kept, other - count) == add_business_days(day, other + 1)
    assert shift_business_days(day, 0) == day
