"""What a home is made of: sentences with a count, and sections with rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True)
class Kept:
    """What is kept ahead of it all, by who knows of it: `noteworthy` leaves of many providers those whose standing
    may be said here (given what the figures are), `figures` is a column of counts for a query that is asked anyway."""

    noteworthy: Callable[[QuerySet, Any], QuerySet]
    figures: Any


@dataclass(frozen=True)
class Figure:
    """A sentence with a count, that opens its rows."""

    count: int
    text: str
    url: str
    is_counted: bool = True

    @property
    def sentence(self) -> str:
        return self.text % {"n": self.count} if self.is_counted else self.text


@dataclass(frozen=True)
class HomeRow:
    """One thing in a section."""

    title: str
    url: str
    note: str = ""
    label: str = ""
    tone: str = "neutral"
    phone: str = ""
    log_url: str = ""


@dataclass(frozen=True)
class Section:
    """Some rows of one kind, and the way to all of them."""

    id: str
    title: str
    rows: list[HomeRow]
    all_url: str = ""
    is_aside: bool = False


@dataclass
class HomePage:
    """The next thing on top, the figures, the sections that have rows."""

    figures: list[Figure] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    kept: dict[str, Any] | None = None  # what `Kept.figures` came to, where it was asked

    @property
    def next(self) -> Figure | None:
        """The first thing that waits."""
        return next((figure for figure in self.figures if figure.count), None)

    @property
    def others(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.count and figure is not self.next]

    @property
    def filled(self) -> list[Section]:
        return [section for section in self.sections if section.rows]

    @property
    def main(self) -> list[Section]:
        return [section for section in self.filled if not section.is_aside]

    @property
    def aside(self) -> list[Section]:
        return [section for section in self.filled if section.is_aside]
