"""What is held against which bound, and what is drawn and written of it."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "bench"))

from budgets import judged
from chart import Bar, chart
from measuring import Figure, Timing, by_turns


def figure(budget: str, value: float) -> Figure:
    return Figure("pages", "home", budget, value, "times", "10 referrals")


@pytest.mark.parametrize(
    ("budget", "value", "form", "is_held"),
    [
        ("page", 4.0, "default", True),
        ("page", 4.01, "default", False),
        ("page", 9.9, "short", True),
        ("page", 10.1, "short", False),
        ("throughput", 0.25, "default", True),
        ("throughput", 0.24, "default", False),
        ("throughput", 0.11, "short", True),
        ("throughput", 0.09, "short", False),
        ("search_10k", 900.0, "short", True),
        ("", 900.0, "default", True),
    ],
)
def test_a_figure_is_held_to_its_bound_in_the_forms_that_check_it(budget, value, form, is_held):
    (verdict,) = judged([figure(budget, value)], form=form)
    assert verdict.is_held == is_held
    assert verdict.as_json()["passed"] == is_held


def test_a_budget_that_the_file_does_not_name_is_an_error():
    with pytest.raises(KeyError):
        judged([figure("pace", 1.0)], form="default")


def test_acts_are_taken_by_turns_and_the_first_rounds_left_out():
    asked = []
    took = by_turns({"floor": lambda: asked.append("floor"), "page": lambda: asked.append("page")}, rounds=5)
    assert asked == ["floor", "page"] * 8
    assert {name: timing.rounds for name, timing in took.items()} == {"floor": 5, "page": 5}


def test_p95_is_the_slowest_but_one_of_forty():
    timing = Timing.of([n / 1000 for n in range(1, 41)])
    assert (timing.median, timing.p95) == (pytest.approx(20.5), pytest.approx(38))


def test_the_chart_marks_what_is_beyond_its_bound():
    svg = chart("Pages", [Bar("home <b>", 3.2, 4.0), Bar("list", 6.1, 4.0)])
    assert svg.count("#b3452c") == 1
    assert "home &lt;b&gt;" in svg and "<b>" not in svg
