"""Ninety days of an invented practice, as they were planned: who did what on which day. Nothing here knows a rule.

Days are counted from START. Everything is done at nine in the morning, on business days, and the tick comes at noon.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

START = date(2026, 8, 31)  # a Monday; the clock changes on 1 November
DAYS = 90
HOLIDAYS = {date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26)}
FEEDBACK_EVERY = 60  # what this practice has set
TIERS = {"Ada": "A", "Bo": "A", "Cy": "B", "Di": "B", "Eve": "C", "Fay": "A", "Gus": "C", "Quiet": "C"}
UNTOUCHED = ("Uma", "Vic")  # tier A, and nobody is ever in touch with them
PHYSICIANS = ("Chen", "Roy")
HISTORY = [-10 - 7 * n for n in range(12)]  # Quiet used to send a patient each week
BACK_ON = 50  # and does so again


@dataclass
class Patient:
    """One referral: when it came, and each step: day, what, and the day of the appointment or visit."""

    name: str
    provider: str
    physician: str
    urgency: str
    logged: int
    steps: list[tuple[int, str, int]] = field(default_factory=list)


@dataclass
class Card:
    """A row of a list: decided, and for a card written and mailed, each on its day."""

    provider: str
    decided: int
    written: int | None = None
    mailed: int | None = None


@dataclass
class WeekList:
    """A physician's list of the week that begins on `monday`, made a week later."""

    monday: int
    physician: str
    cards: list[Card]

    @property
    def name(self) -> str:
        return f"{self.physician} {self.monday}"


@dataclass
class Touch:
    """Reached, voicemail, a promise for a later day, or a meeting held on the day and said so on the next."""

    day: int
    provider: str
    how: str
    until: int = 0
    done: int = 0


@dataclass
class Complaint:
    provider: str
    day: int
    resolved: int
    told: int


@dataclass
class Story:
    patients: list[Patient]
    lists: list[WeekList]
    touches: list[Touch]
    complaints: list[Complaint]
    asked: list[tuple[int, str]]
    # Day, "dismiss" or "close", and which reminder: rule, subject and the day it is due on.
    answers: list[tuple[int, str, tuple[str, str, int]]] = field(default_factory=list)


def on(day: int) -> date:
    return START + timedelta(days=day)


def works(day: int) -> bool:
    return on(day).weekday() < 5 and on(day) not in HOLIDAYS


def business(day: int, count: int) -> int:
    """So many business days later."""
    while count:
        day += 1
        count -= works(day)
    return day


def next_open(day: int) -> int:
    while not works(day):
        day += 1
    return day


def tell_story(number: int = 90) -> Story:
    chance = Random(number)
    patients = _patients(chance)
    touches = [Touch(0, name, "reached") for name in TIERS]
    for _one in range(30):
        day, name = next_open(chance.randint(3, DAYS - 6)), chance.choice(list(TIERS))
        if any(t.provider == name and abs(t.day - day) < 4 for t in touches):
            continue
        how = chance.choice(["reached", "voicemail", "voicemail", "promise", "meeting"])
        until = next_open(day + chance.randint(2, 12))
        touches.append(Touch(day, name, how, until, next_open(until + chance.randint(0, 5))))
    return Story(
        patients=patients,
        lists=_lists(patients, chance),
        touches=touches,
        complaints=[Complaint("Cy", 18, 28, 31), Complaint("Eve", 43, 45, 52)],
        asked=[(0, "Quiet"), (21, "Bo"), (57, "Di")],
    )


def _patients(chance: Random) -> list[Patient]:
    names = [name for name in TIERS if name != "Quiet"]
    found = []
    for day in filter(works, range(DAYS)):
        for _one in range(chance.choice([0, 1, 1, 2])):
            urgency = chance.choice(["routine", "routine", "urgent", "stat"])
            name, whom = f"r{len(found)}", chance.choice(PHYSICIANS)
            found.append(Patient(name, chance.choice(names), whom, urgency, day))
            found[-1].steps = _steps(day, chance)
    found.append(Patient("rback", "Quiet", "Roy", "routine", BACK_ON))
    return found


def _steps(logged: int, chance: Random) -> list[tuple[int, str, int]]:
    day = next_open(logged + chance.randint(0, 6))
    ending = chance.choice(["left", "unreachable", "declined", "booked", "booked", "booked", "booked"])
    if ending == "left":
        return []
    if ending in ("unreachable", "declined"):
        told = next_open(day + chance.randint(0, 7))
        return [(day, ending, 0), (told, "told", 0)]
    booked = next_open(day + chance.randint(0, 5))
    visit = next_open(booked + chance.randint(1, 25))
    steps = [(day, "contacted", 0), (booked, "scheduled", visit)]
    outcome = next_open(visit + chance.randint(0, 4))
    became = chance.choice(["seen", "seen", "seen", "no_show", "cancelled", "forgotten"])
    if became != "forgotten":
        steps.append((outcome, became, visit))
    if became in ("seen", "no_show") and chance.random() < 0.8:
        steps.append((next_open(outcome + chance.randint(0, 6)), "told", 0))
    return steps


def _lists(patients: list[Patient], chance: Random) -> list[WeekList]:
    found = []
    for monday in range(0, DAYS - 7, 7):
        for physician in PHYSICIANS:
            week = [p for p in patients if p.physician == physician and monday <= p.logged < monday + 7]
            decided = next_open(monday + 7 + chance.choice([1, 2, 3, 6, 9]))
            cards = [_card(name, decided, chance) for name in sorted({p.provider for p in week})]
            if cards:
                found.append(WeekList(monday, physician, cards))
    return found


def _card(provider: str, decided: int, chance: Random) -> Card:
    if chance.random() < 0.3:
        return Card(provider, decided)
    written = next_open(decided + chance.randint(0, 6))
    return Card(provider, decided, written, next_open(written + chance.randint(0, 5)))
