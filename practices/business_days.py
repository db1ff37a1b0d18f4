"""Business days: Monday to Friday without the public holidays of a US state (package `holidays`, offline).

`state` is a state's two letters; empty: the federal holidays alone.
"""

from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _holidays(state: str) -> holidays.HolidayBase:
    return holidays.country_holidays("US", subdiv=state or None, observed=True)


@cache
def states() -> tuple[tuple[str, str], ...]:
    """The states, and what else has holidays of its own: letters and name, by name."""
    names = holidays.country_holidays("US").subdivisions_aliases.items()  # type: ignore[attr-defined]  # of the class it makes
    return tuple(sorted(((letters, name) for name, letters in names), key=lambda state: state[1]))


def is_business_day(day: date, state: str = "") -> bool:
    return day.weekday() < 5 and day not in _holidays(state)


def add_business_days(day: date, count: int, state: str = "") -> date:
    """The business day that many business days after `day`; 0 is the day itself or the next one that is."""
    while count or not is_business_day(day, state):
        day += timedelta(days=1)
        if count and is_business_day(day, state):
            count -= 1
    return day


def business_days_before(day: date, count: int, state: str = "") -> date:
    """The latest date whose `count` business days have all passed on `day`."""
    while count:
        day -= timedelta(days=1)
        count -= is_business_day(day, state)
    return day


def shift_business_days(day: date, count: int, state: str = "") -> date:
    """So many business days later, or earlier when `count` is below zero; 0 is the day itself."""
    if count > 0:
        return add_business_days(day, count, state)
    while count:
        day -= timedelta(days=1)
        count += is_business_day(day, state)
    return day
