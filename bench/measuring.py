"""Acts timed by turns, so that whatever else the machine does meets all of them alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

WARM_UP = 3  # rounds that fill caches, import what is imported late, and are not counted
FEWEST, MOST_SECONDS = 5, 60


@dataclass(frozen=True)
class Timing:
    """Milliseconds over all counted rounds."""

    median: float
    p95: float
    rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing":
        """The timing of these rounds."""
        ordered = sorted(seconds)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
        return cls(1000 * statistics.median(ordered), 1000 * p95, len(ordered))


@dataclass(frozen=True)
class Figure:
    """One measured value, the budget it is held to, and what it was made of."""

    part: str
    what: str
    budget: str
    value: float
    unit: str
    at: str = ""
    timing: Timing | None = None
    floor: Timing | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file of results."""
        return asdict(self)


def by_turns(acts: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, Timing]:
    """Each act once in every round, in the order given; fewer rounds of what takes minutes."""
    until = perf_counter() + MOST_SECONDS
    took: dict[str, list[float]] = {name: [] for name in acts}
    for turn in range(rounds + WARM_UP):
        if turn >= WARM_UP + FEWEST and perf_counter() > until:
            break
        for name, act in acts.items():
            begun = perf_counter()
            act()
            seconds = perf_counter() - begun
            if turn >= WARM_UP:
                took[name].append(seconds)
    return {name: Timing.of(seconds) for name, seconds in took.items()}


def ratio(
    part: str, what: str, budget: str, *, timing: Timing, floor: Timing, at: str = "", **more: Any
) -> Figure:
    """A figure that says how many times its floor an act took, by the medians."""
    return Figure(part, what, budget, timing.median / floor.median, "times", at, timing, floor, more)
