"""Business days: Monday to Friday without the US federal holidays (package `holidays`, offline)."""

from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("US", observed=True)


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _holidays()


def add_business_days(day: date, count: int) -> date:
    """The business day that many business days after `day`; 0 is the day itself or the next one that is."""
    while count or not is_business_day(day):
        day += timedelta(days=1)
        if count and is_business_day(day):
            count -= 1
    return day


def business_days_before(day: date, count: int) -> date:
    """The latest date whose `count` business days have all passed on `day`."""
    while count:
        day -= timedelta(days=1)
        count -= is_business_day(day)
    return day


def shift_business_days(day: date, count: int) -> date:
    """So many business days later, or earlier when `count` is below zero; 0 is the day itself."""
    if count > 0:
        return add_business_days(day, count)
    while count:
        day -= timedelta(days=1)
        count += is_business_day(day)
    return day
