"""What a rule of the reminders is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import ngettext

from practices.roles import Role
from touchpoints.reminder_rules.asked import Asked
from touchpoints.reminder_rules.due import Due


@dataclass(frozen=True)
class Number:
    """A number of days, or of business days, that a practice may set."""

    name: str
    label: Any
    default: int
    least: int = 1
    most: int = 365
    are_business_days: bool = False

    def in_words(self, count: int) -> str:
        """ "4 business days"."""
        if self.are_business_days:
            return ngettext("%(n)d business day", "%(n)d business days", count) % {"n": count}
        return ngettext("%(n)d day", "%(n)d days", count) % {"n": count}


@dataclass(frozen=True)
class Rule:
    """One rule: what it finds due in the open practice, and how a manager reads and tunes it.

    `sentence` names its numbers as %(name)s, which says their unit too. `owners` are the roles that have what nobody has by themselves, the
    likeliest first; with several of them the practice may choose the member. `apart`: each number is at least so many
    days more than the one before it.
    """

    key: str
    title: Any
    sentence: Any
    falls_to: Any
    find: Callable[[Asked], Iterable[Due]]
    numbers: tuple[Number, ...] = ()
    owners: tuple[Role, ...] = (Role.MANAGER,)
    apart: int | None = None

    @property
    def lets_choose_owner(self) -> bool:
        return len(self.owners) > 1

    def numbers_of(self, given: Mapping[str, int]) -> dict[str, int]:
        """Each of its numbers, as given or by default."""
        return {number.name: given.get(number.name, number.default) for number in self.numbers}

    def in_words(self, given: Mapping[str, int]) -> str:
        """The sentence with these numbers."""
        counts = self.numbers_of(given)
        return self.sentence % {number.name: number.in_words(counts[number.name]) for number in self.numbers}
