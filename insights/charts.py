"""Twelve months as bars that the server draws: no script, no inline style."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

STEP, BAR, HEIGHT = 26, 18, 100
LEFT, ABOVE, BELOW = 4, 16, 18


@dataclass(frozen=True)
class Bar:
    """One month: where it stands, and how many."""

    month: date
    count: int
    before: int | None
    x: int
    y: float
    height: float
    before_y: float

    @property
    def middle(self) -> float:
        return self.x + BAR / 2

    @property
    def right(self) -> int:
        return self.x + BAR


@dataclass(frozen=True)
class MonthChart:
    """Counts by month, oldest first, each beside that of a year before where there is one."""

    counts: Mapping[date, int]
    before: Mapping[date, int]
    sentence: str

    @property
    def width(self) -> int:
        return 2 * LEFT + STEP * len(self.counts) - (STEP - BAR)

    @property
    def height(self) -> int:
        return ABOVE + HEIGHT + BELOW

    @property
    def ground(self) -> int:
        return ABOVE + HEIGHT

    @property
    def label_y(self) -> int:
        return self.height - 4

    @cached_property
    def bars(self) -> list[Bar]:
        top = max([*self.counts.values(), *self.before.values(), 1])
        return [self._bar(place, month, top) for place, month in enumerate(self.counts)]

    @property
    def highest(self) -> Bar | None:
        """The month with most, which bears its count."""
        return max(self.bars, key=lambda bar: bar.count) if any(self.counts.values()) else None

    def _bar(self, place: int, month: date, top: int) -> Bar:
        count, before = self.counts[month], self.before.get(month)
        height = round(HEIGHT * count / top, 1)
        return Bar(
            month=month,
            count=count,
            before=before,
            x=LEFT + STEP * place,
            y=round(self.ground - height, 1),
            height=height,
            before_y=round(self.ground - HEIGHT * (before or 0) / top, 1),
        )
