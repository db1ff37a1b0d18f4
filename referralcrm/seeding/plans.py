"""How large an invented practice is, and when each of its providers refers."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import cycle
from random import Random

from contacts.models import Provider
from referralcrm.seeding.days import Days

REFERRALS_OF_DEMO = 3_860  # about 160 a month over two years
LARGEST_PRACTICE = 40  # physicians


@dataclass(frozen=True)
class Plan:
    """The size of one practice. `domain` is that of its members' addresses; empty: one by its number."""

    name: str
    physicians: int
    locations: int
    offices: int
    referring: int
    prospects: int
    referrals: int
    domain: str = ""
    manager_email: str = ""


DEMO_PLANS = (
    Plan("Harborview Specialists", 4, 3, 60, 120, 40, REFERRALS_OF_DEMO, domain="demo.example"),
    Plan(
        "Millbrook Specialty Care",
        2,
        1,
        12,
        16,
        4,
        480,
        domain="second.demo.example",
        manager_email="stranger@demo.example",
    ),
)


def plans_of(*, practices: int, referrals: int) -> list[Plan]:
    """Practices of like size, each in the proportions of the demo."""
    each, over = divmod(referrals, practices)
    return [_plan(number, each + (number <= over)) for number in range(1, practices + 1)]


def _plan(number: int, referrals: int) -> Plan:
    scale = referrals / REFERRALS_OF_DEMO
    physicians = min(max(round(4 * scale), 1), LARGEST_PRACTICE)
    return Plan(
        f"Invented Practice {number}",
        physicians,
        locations=max(1, physicians * 3 // 4),
        offices=max(6, round(60 * scale)),
        referring=min(max(12, round(120 * scale)), referrals),
        prospects=max(4, round(40 * scale)),
        referrals=referrals,
    )


class Habit(StrEnum):
    """Why a provider refers when they do."""

    STEADY = "steady"
    NEW = "new"
    DECLINING = "declining"
    LAPSED = "lapsed"
    GONE = "gone"


HABIT_BY_RANK = {5: Habit.DECLINING, 11: Habit.LAPSED, 13: Habit.NEW, 17: Habit.GONE}  # of every twenty
GONE_STATES = (
    Provider.State.MOVED,
    Provider.State.RETIRED,
    Provider.State.DECEASED,
    Provider.State.DO_NOT_CONTACT,
)
TOP_SHARE = 0.71  # the top fifth's, before some of them fall quiet: what remains is about 0.70


@dataclass
class Career:
    """From when to when a provider refers, and how many patients."""

    habit: Habit
    first: date
    last: date
    count: int = 0
    state: str = Provider.State.ACTIVE
    tier: str = Provider.Tier.C


def careers(plan: Plan, days: Days, rng: Random) -> list[Career]:
    """One for each referring provider, the largest senders first; their counts add up to the plan's."""
    weights = _weights(plan.referring)
    states = cycle(GONE_STATES)
    found = [_career(rank, weights[rank] * plan.referrals, days, rng) for rank in range(plan.referring)]
    for rank, career in enumerate(found):
        career.tier = _tier(rank, plan.referring)
        if career.habit == Habit.GONE:
            career.state = next(states)
    _share_out(plan.referrals, found, weights, days)
    return found


def _weights(count: int) -> list[float]:
    """The top fifth's share falls gently by rank, and so does the others'."""
    top = max(1, count // 5)
    first = [1 / (rank + 12) for rank in range(top)]
    others = [1 / (rank + 40) for rank in range(count - top)]
    shares = [TOP_SHARE * weight / sum(first) for weight in first]
    return shares + [(1 - TOP_SHARE) * weight / sum(others) for weight in others]


def _tier(rank: int, count: int) -> str:
    """12, 30 and 78 of 120."""
    if rank * 10 < count:
        return Provider.Tier.A
    return Provider.Tier.B if rank * 20 < count * 7 else Provider.Tier.C


def _career(rank: int, expected: float, days: Days, rng: Random) -> Career:
    habit = HABIT_BY_RANK.get(rank % 20, Habit.STEADY)
    length = (days.until - days.first).days
    gap = length / max(expected, 1)
    ago = {
        Habit.STEADY: 0,
        Habit.NEW: 0,
        Habit.DECLINING: min(round(6.5 * gap), length // 2),  # beyond 4.6 gaps, within ten
        Habit.LAPSED: rng.randint(380, 450),
        Habit.GONE: rng.randint(120, 400),
    }[habit]
    first = days.first
    if habit == Habit.NEW:
        first = days.until - timedelta(days=rng.randint(20, 80))
    elif habit == Habit.STEADY and rng.random() < 0.2:
        first += timedelta(days=rng.randint(60, 420))
    return Career(habit, first, days.until - timedelta(days=ago))


def _share_out(total: int, found: list[Career], weights: list[float], days: Days) -> None:
    """By weight and length of career, largest remainders first; everybody has one at least."""
    if not found:
        return
    length = (days.until - days.first).days + 1
    parts = [
        weight * ((career.last - career.first).days + 1) / length
        for weight, career in zip(weights, found, strict=True)
    ]
    scale = (total - len(found)) / sum(parts)
    exact = [scale * part for part in parts]
    for career, share in zip(found, exact, strict=True):
        career.count = 1 + int(share)
    by_remainder = sorted(range(len(found)), key=lambda i: (int(exact[i]) - exact[i], i))
    for i in by_remainder[: total - sum(career.count for career in found)]:
        found[i].count += 1
