"""How one invented referral goes, from the day it is logged: a story told step by step, as long as one listens.

The steps follow contacts/referral_way.py; tests replay them through it.
"""

from collections.abc import Iterator
from datetime import date, datetime
from random import Random
from types import SimpleNamespace
from typing import NamedTuple

from contacts.models import ReferralStep
from contacts.models.referrals import Urgency
from referralcrm.seeding.days import Days

# Plain texts: writing an enumeration's members out took longer than the story.
Act = SimpleNamespace(**{act.name: act.value for act in ReferralStep.Act})
MOST_BOOKINGS = 2
NO_SHOWS = 0.23  # of booked visits
CANCELLED_VISITS = 0.05
# What becomes of a referral before anything is booked; the rest gets an appointment.
DECLINED, UNREACHABLE, CANCELLED = 0.06, 0.08, 0.20


class Step(NamedTuple):
    """What happens, when, and to which appointment or on which day it was seen."""

    act: str
    at: datetime
    appointment_at: datetime | None = None
    seen_on: date | None = None


class Teller:
    """Tells the ways of referrals to one physician."""

    def __init__(self, days: Days, rng: Random, *, wait_days: int) -> None:
        self.days, self.rng, self.wait_days = days, rng, wait_days

    def tell(self, logged_on: date, logged_at: datetime, urgency: str) -> Iterator[Step]:
        """The steps after it was logged, in order of time, to its end."""
        random = self.rng.random
        day = self.days.business_day(logged_on, self._contact_delay(urgency))
        at = self._at(day, after=logged_at)
        if random() < 0.1:
            yield Step(Act.ATTEMPTED, at)
            day, at = self._later(day, 1)
        fate = random()
        if fate < DECLINED:
            yield Step(Act.DECLINED, at)
            yield from self._tell_referrer(day)
        elif fate < DECLINED + UNREACHABLE:
            yield from self._given_up(day, at)
        elif fate < DECLINED + UNREACHABLE + CANCELLED:
            yield Step(Act.CANCELLED, at)
        else:
            if random() < 0.15:
                yield Step(Act.CONTACTED, at)
                day, at = self._later(day, 1 + int(random() * 2))
            yield from self._booked(day, at, self._wait(urgency), MOST_BOOKINGS)

    def _booked(self, day: date, at: datetime, wait: int, bookings: int) -> Iterator[Step]:
        random = self.rng.random
        visit = self.days.business_day(date.fromordinal(day.toordinal() + max(wait, 1)), 0)
        visit_at = self.days.moment(visit, 15 * int(random() * 34))
        yield Step(Act.SCHEDULED, at, appointment_at=visit_at)
        outcome = random()
        day, at = self._recorded(visit)
        if outcome >= NO_SHOWS + CANCELLED_VISITS:
            yield Step(Act.SEEN, at, seen_on=visit)
            yield from self._tell_referrer(day)
            return
        came_not = outcome < NO_SHOWS
        yield Step(Act.NO_SHOW if came_not else Act.CANCELLED, at)
        if bookings > 1 and random() < 0.55:
            day, at = self._later(day, 1)
            if random() < 0.15:
                yield Step(Act.ATTEMPTED, at)
                day, at = self._later(day, 1)
            if random() < 0.2:
                yield Step(Act.CONTACTED, at)
                day, at = self._later(day, 1)
            yield from self._booked(day, at, max(wait // 2, 1), bookings - 1)
        elif came_not:
            yield from self._tell_referrer(day)

    def _given_up(self, day: date, at: datetime) -> Iterator[Step]:
        yield Step(Act.ATTEMPTED, at)
        day, at = self._later(day, 3)
        yield Step(Act.UNREACHABLE, at)
        yield from self._tell_referrer(day)

    def _tell_referrer(self, day: date) -> Iterator[Step]:
        random = self.rng.random
        delay = int(random() * 3) if random() < 0.8 else 3 + int(random() * 6)
        _day, at = self._later(day, delay + 1)
        yield Step(Act.REPORTED_BACK, at)

    def _recorded(self, visit: date) -> tuple[date, datetime]:
        """At the end of the day; now and then only days after."""
        if self.rng.random() < 0.9:
            return visit, self.days.moment(visit, 530 + int(self.rng.random() * 40))
        return self._later(visit, 1 + int(self.rng.random() * 3))

    def _contact_delay(self, urgency: str) -> int:
        """Business days until somebody first takes it up: mostly in time, now and then late."""
        random = self.rng.random()
        if urgency == Urgency.ROUTINE:
            return int(random * 5 / 2) if random < 0.92 else 4 + int(self.rng.random() * 4)
        return 0 if random < 0.85 else 1 + int(self.rng.random() * 2)

    def _wait(self, urgency: str) -> int:
        """Days until the appointment, about their mean; urgent patients are seen sooner."""
        mean = {Urgency.ROUTINE: self.wait_days, Urgency.URGENT: 5, Urgency.STAT: 1}[Urgency(urgency)]
        spread = (self.rng.random() + self.rng.random()) / 2
        return round(mean * (0.4 + 1.2 * spread) - 0.8)  # visits at the weekend move to Monday

    def _later(self, day: date, count: int) -> tuple[date, datetime]:
        day = self.days.business_day(day, count)
        return day, self.days.moment(day, 20 + int(self.rng.random() * 500))

    def _at(self, day: date, *, after: datetime) -> datetime:
        at = self.days.moment(day, 20 + int(self.rng.random() * 500))
        return at if at > after else self.days.moment(day, 545)
