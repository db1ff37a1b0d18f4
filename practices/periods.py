"""Periods that end today, the same a year before, and the months that a chart shows. Pure functions of a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from practices.weeks import Week


def months_until(today: date, count: int = 12) -> list[date]:
    """The first days of the last twelve months, or so many, oldest first; the last is the current one."""
    number = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number - count + 1, number + 1)]


class Span(StrEnum):
    """How far back a period reaches; each ends today."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


SPANS = {Span.WEEK: _("This week"), Span.MONTH: _("This month"), Span.YEAR: _("12 months")}


@dataclass(frozen=True)
class Period:
    """Some days, the last included."""

    span: Span
    first: date
    last: date

    @classmethod
    def of(cls, span: Span, today: date) -> "Period":
        """The ISO week, the month, or this month and the eleven before it, until today."""
        firsts = {
            Span.WEEK: Week.of(today).monday,
            Span.MONTH: today.replace(day=1),
            Span.YEAR: months_until(today)[0],
        }
        return cls(span, firsts[span], today)

    @classmethod
    def month(cls, first: date) -> "Period":
        """A calendar month, to its last day."""
        following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        return cls(Span.MONTH, first, following - timedelta(days=1))

    @property
    def label(self) -> str:
        return str(SPANS[self.span])

    @property
    def year_before(self) -> "Period":
        """As many days, a year earlier: a week on the same weekdays, the others from the same date.

        Twelve months that hold all of a leap year have no such twin: theirs ends the day before they begin.
        """
        is_week = self.span == Span.WEEK
        first = self.first - timedelta(weeks=52) if is_week else self.first.replace(year=self.first.year - 1)
        last = min(first + (self.last - self.first), self.first - timedelta(days=1))
        return Period(self.span, first, last)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last
