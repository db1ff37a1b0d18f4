"""Holds figures against bench/budgets.toml."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import Figure

FILE = Path(__file__).with_name("budgets.toml")


@dataclass(frozen=True)
class Verdict:
    """A figure, the bound it is held to in this form (none: it is only told), and whether it is within."""

    figure: Figure
    bound: str
    is_held: bool

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file of results."""
        return {**self.figure.as_json(), "bound": self.bound, "passed": self.is_held}


def judged(figures: Sequence[Figure], *, form: str) -> list[Verdict]:
    """Every figure with its verdict. Raises LookupError for a budget that the file does not name."""
    budgets = tomllib.loads(FILE.read_text(encoding="utf-8"))
    tolerance = budgets.pop("tolerance").get(form, 1.0)
    return [_judged(figure, budgets, form, tolerance) for figure in figures]


def _judged(figure: Figure, budgets: dict[str, Any], form: str, tolerance: float) -> Verdict:
    budget = budgets[figure.budget] if figure.budget else None
    if budget is None or form not in budget["forms"]:
        return Verdict(figure, "", is_held=True)
    times = "" if tolerance == 1 else f" (and {tolerance:g} times that on a shared machine)"
    if "at_least" in budget:
        least = budget["at_least"]
        return Verdict(figure, f"at least {least:g}{times}", figure.value >= least / tolerance)
    most = budget["at_most"]
    return Verdict(figure, f"at most {most:g}{times}", figure.value <= most * tolerance)
