"""How many patients came each month, as a line drawn by the server: no script, no inline style."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices.periods import months_until

MONTHS = 24
STEP, HEIGHT, MARGIN = 10, 40, 2


@dataclass(frozen=True)
class Sparkline:
    """Counts by month, oldest first; the last is the current, unfinished one."""

    months: list[date]
    counts: list[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def width(self) -> int:
        return STEP * (len(self.counts) - 1)

    @property
    def height(self) -> int:
        return HEIGHT

    @cached_property
    def points(self) -> list[tuple[int, float]]:
        top = max([*self.counts, 1])
        span = HEIGHT - 2 * MARGIN
        return [
            (STEP * place, round(HEIGHT - MARGIN - span * count / top, 1))
            for place, count in enumerate(self.counts)
        ]

    @property
    def line(self) -> str:
        return "M" + " L".join(f"{x} {y}" for x, y in self.points)

    @property
    def area(self) -> str:
        return f"{self.line} L{self.width} {HEIGHT} L0 {HEIGHT} Z"

    @property
    def sentence(self) -> str:
        """ "41 patients in 24 months; most in May 2026, with 6."""
        patients = ngettext("%(n)d patient", "%(n)d patients", self.total) % {"n": self.total}
        if not self.total:
            return _("No patient in %(months)d months.") % {"months": len(self.counts)}
        best = max(self.counts)
        month = date_format(self.months[self.counts.index(best)], "F Y")
        words = {"patients": patients, "months": len(self.counts), "month": month, "best": best}
        return _("%(patients)s in %(months)d months; most in %(month)s, with %(best)d.") % words

    @property
    def table(self) -> list[tuple[date, int]]:
        """Newest first."""
        return list(zip(reversed(self.months), reversed(self.counts), strict=True))


def sparkline(days: Mapping[date, int], *, today: date) -> Sparkline:
    """Draw the counts by day of the last 24 months."""
    by_month: Counter[tuple[int, int]] = Counter()
    for day, count in days.items():
        by_month[day.year, day.month] += count
    months = months_until(today, MONTHS)
    return Sparkline(months, [by_month[month.year, month.month] for month in months])
