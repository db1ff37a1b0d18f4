"""ISO weeks, and when a practice's list is due. Pure functions of what they are given."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo


@dataclass(frozen=True, order=True)
class Week:
    """An ISO 8601 week, kept as its Monday."""

    monday: date

    def __post_init__(self) -> None:
        if self.monday.weekday():
            raise ValueError(f"{self.monday} is not a Monday")

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-W47`. Raises ValueError for anything else, week 53 of a year without one included."""
        match = re.fullmatch(r"(\d{4})-W(\d{2})", text)
        if not match:
            raise ValueError(f"{text!r} is not a week such as 2026-W47")
        return cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def year(self) -> int:
        """The ISO year, which at its edges is not the calendar's."""
        return self.monday.isocalendar().year

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    def next(self) -> "Week":
        return Week(self.monday + timedelta(days=7))

    def previous(self) -> "Week":
        return Week(self.monday - timedelta(days=7))

    def has_ended(self, today: date) -> bool:
        return self.sunday < today

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02d}"


class WeekConverter:
    """`<week:week>` in URLs."""

    regex = r"(?:19|20|21)\d{2}-W\d{2}"  # further off, calendars overflow

    def to_python(self, value: str) -> Week:
        return Week.parse(value)

    def to_url(self, value: Week) -> str:
        return str(value)


def list_slot(now: datetime, zone: ZoneInfo, weekday: int, hour: int) -> datetime:
    """The last moment, not after `now`, that was `weekday` (Monday 0) at `hour` on the practice's clock; in UTC."""
    local_day = now.astimezone(zone).date()
    day = local_day - timedelta(days=(local_day.weekday() - weekday) % 7)
    slot = _moment(day, hour, zone)
    return slot if slot <= now else _moment(day - timedelta(days=7), hour, zone)


def due_week(now: datetime, zone: ZoneInfo, weekday: int, hour: int) -> Week:
    """The week whose lists are due: the last one wholly ended when the slot struck."""
    slot = list_slot(now, zone, weekday, hour)
    return Week.of(slot.astimezone(zone).date()).previous()


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
