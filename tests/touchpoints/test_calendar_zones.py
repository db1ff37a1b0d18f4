"""A VTIMEZONE says what the zone does, read by a library that did not write it."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical

from touchpoints.calendar_zones import zone_component

ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "Europe/London",
    "Africa/Casablanca",
]


def hours_that_happen_once(zone: ZoneInfo, days: list[datetime]) -> list[datetime]:
    """What a clock shows on these days, without the hours that it skips or shows twice."""
    hours = [day + timedelta(minutes=30 * half) for day in days for half in range(48)]
    return [hour for hour in hours if _is_plain(hour, zone)]


def _is_plain(hour: datetime, zone: ZoneInfo) -> bool:
    once, twice = hour.replace(tzinfo=zone, fold=0), hour.replace(tzinfo=zone, fold=1)
    is_there = once.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == hour
    return is_there and once.utcoffset() == twice.utcoffset()


def days_of_change(zone: ZoneInfo, years: range) -> list[datetime]:
    days = [datetime(year, 1, 1) + timedelta(days=number) for year in years for number in range(365)]
    noon = timedelta(hours=12)
    return [
        day + timedelta(days=around)
        for day in days
        if (day - noon).replace(tzinfo=zone).utcoffset() != (day + noon).replace(tzinfo=zone).utcoffset()
        for around in (-1, 0, 1)
    ]


@pytest.mark.parametrize("name", ZONES)
def test_another_library_reads_the_same_clock_around_every_change(name):
    zone = ZoneInfo(name)
    written = zone_component(zone, since=2025, year=2026).to_ical().decode()
    read = tzical(StringIO(written)).get(name)
    days = [*days_of_change(zone, range(2026, 2030)), datetime(2026, 1, 1), datetime(2026, 7, 1)]
    wrong = [
        hour
        for hour in hours_that_happen_once(zone, days)
        if hour.replace(tzinfo=read).utcoffset() != hour.replace(tzinfo=zone).utcoffset()
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ZONES[:-1])
def test_a_zone_with_a_yearly_rule_needs_no_list_of_dates(name):
    written = zone_component(ZoneInfo(name), since=2025, year=2026).to_ical().decode()
    assert "RDATE" not in written
    assert written.count("BEGIN:STANDARD") == 1
