"""A practice's clock as a VTIMEZONE (RFC 5545 3.6.5), for times that recur at their local hour."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

YEARS_AHEAD = 10
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Shift:
    """The clock's change at one instant."""

    name: str
    is_daylight: bool
    offset_from: timedelta
    offset_to: timedelta
    onset: datetime  # what the clock showed until then, as the RFC asks; icalendar's own writes what it shows after


@lru_cache(maxsize=64)
def zone_component(zone: ZoneInfo, *, since: int, year: int) -> Timezone:
    """The zone from the year `since`, the one before anything on the calendar, to ten years after `year`; for ever
    where its rule is yearly."""
    first, last = date(since, 1, 1), date(year + YEARS_AHEAD, 12, 31)
    shifts = sorted(_shifts(zone, first, last), key=_kind)
    component = Timezone()
    component.add("tzid", zone.key)
    if not any(shift.onset.year == since for shift in shifts):
        component.add_component(_beginning(zone, first))
    for observance in _observances(shifts, range(since, last.year + 1)):
        component.add_component(observance)
    return component


def _kind(shift: Shift) -> tuple[bool, str, timedelta, timedelta]:
    return shift.is_daylight, shift.name, shift.offset_from, shift.offset_to


def _shifts(zone: ZoneInfo, first: date, last: date) -> Iterator[Shift]:
    """Every change between the first day and the last, found day by day and then to the minute."""
    before = datetime(first.year, first.month, first.day, tzinfo=UTC)
    while before.date() < last:
        after = before + timedelta(days=1)
        if _state(zone, before) != _state(zone, after):
            yield _shift(zone, before, after)
        before = after


def _shift(zone: ZoneInfo, before: datetime, after: datetime) -> Shift:
    while after - before > timedelta(minutes=1):
        between = before + (after - before) // 2
        before, after = (
            (between, after) if _state(zone, between) == _state(zone, before) else (before, between)
        )
    after = after.replace(second=0, microsecond=0)
    (offset_from, _dst, _name), (offset_to, is_daylight, name) = _state(zone, before), _state(zone, after)
    return Shift(name, is_daylight, offset_from, offset_to, onset=(after + offset_from).replace(tzinfo=None))


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta, bool, str]:
    local = moment.astimezone(zone)
    return local.utcoffset() or timedelta(), bool(local.dst()), local.tzname() or ""


def _beginning(zone: ZoneInfo, first: date) -> TimezoneStandard | TimezoneDaylight:
    offset, is_daylight, name = _state(zone, datetime(first.year, 1, 1, tzinfo=UTC))
    return _observance(Shift(name, is_daylight, offset, offset, datetime.combine(first, time())))


def _observances(shifts: list[Shift], years: range) -> Iterator[TimezoneStandard | TimezoneDaylight]:
    for _same, group in groupby(shifts, key=_kind):
        shift, *others = sorted(group, key=lambda shift: shift.onset)
        observance = _observance(shift)
        if rule := _yearly_rule([shift, *others], years):
            observance.add("rrule", rule)
        elif others:
            observance.add("rdate", [other.onset for other in others])
        yield observance


def _observance(shift: Shift) -> TimezoneStandard | TimezoneDaylight:
    observance = TimezoneDaylight() if shift.is_daylight else TimezoneStandard()
    observance.add("dtstart", shift.onset)
    observance.add("tzoffsetfrom", shift.offset_from)
    observance.add("tzoffsetto", shift.offset_to)
    observance.add("tzname", shift.name)
    return observance


def _yearly_rule(shifts: list[Shift], years: range) -> dict[str, object] | None:
    """ "The second Sunday of March" where that is so in every year; Outlook reads nothing else."""
    onsets = [shift.onset for shift in shifts]
    if [onset.year for onset in onsets] != list(years):
        return None
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) > 1:
        return None
    month, day = onsets[0].month, WEEKDAYS[onsets[0].weekday()]
    if len(nth := {(onset.day - 1) // 7 + 1 for onset in onsets}) == 1:
        return {"freq": "yearly", "bymonth": month, "byday": f"{nth.pop()}{day}"}
    if all(onset.day + 7 > calendar.monthrange(onset.year, onset.month)[1] for onset in onsets):
        return {"freq": "yearly", "bymonth": month, "byday": f"-1{day}"}
    return None
