"""The days of an invented practice: its business days, its hours, and on which weekday how much arrives."""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from practices.business_days import is_business_day
from practices.weeks import Week

ZONE = ZoneInfo("America/New_York")
WEEKS = 104
WEEKS_SINCE_START = 12
MORNING = time(7)  # the hour at which everything invented ends
EARLIEST, LATEST = -60, 540  # minutes from eight o'clock: an early fax, the last call of a day

# An assumption: nobody publishes when in a week referrals arrive. Fuller after the weekend, thin on Friday.
WEEKDAY_WEIGHTS = (1.15, 1.10, 1.05, 1.00, 0.85, 0.08, 0.04)
HOLIDAY_WEIGHT = 0.04
MORNING_WEIGHT = 0.5  # what the fax holds when the last day begins


@cache
def days_until(until: date) -> "Days":
    """The same days for everybody in a process: what was looked up once is known."""
    return Days(until)


def last_morning(now: datetime) -> date:
    """The newest date whose seven o'clock has struck on the practices' clock."""
    local = now.astimezone(ZONE)
    return local.date() if local.time() >= MORNING else local.date() - timedelta(days=1)


class Days:
    """The days from `first` until the morning of `until`; moments are aware, in UTC."""

    def __init__(self, until: date) -> None:
        self.until = until
        self.first = Week.of(until).monday - timedelta(weeks=WEEKS)
        self.starts_on = Week.of(until).monday - timedelta(weeks=WEEKS_SINCE_START)
        self._opening: dict[date, datetime] = {}
        self._business: dict[tuple[date, int], date] = {}

    @cached_property
    def now(self) -> datetime:
        """The morning on which everything invented ends."""
        return datetime.combine(self.until, MORNING, ZONE).astimezone(ZoneInfo("UTC"))

    @cached_property
    def arrivals(self) -> list[date]:
        """The days on which referrals may arrive."""
        return [self.first + timedelta(days=n) for n in range((self.until - self.first).days + 1)]

    @cached_property
    def _arrival_weights(self) -> list[float]:
        """How much has arrived before each of `arrivals`, in days of average weight; and in the end."""
        return list(accumulate((self._weight(day) for day in self.arrivals), initial=0.0))

    def draw_arrivals(self, rng: Random, first: date, last: date, count: int) -> list[date]:
        """So many days between the two, both included, by how much arrives on each."""
        weights = self._arrival_weights
        start = weights[(first - self.first).days]
        span = weights[(last - self.first).days + 1] - start
        drawn = (bisect_right(weights, start + rng.random() * span) - 1 for _ in range(count))
        return [self.arrivals[place] for place in drawn]

    def moment(self, day: date, minutes: int) -> datetime:
        """So many minutes after eight o'clock on the practice's clock."""
        opening = self._opening.get(day)
        if opening is None:
            opening = datetime.combine(day, time(8), ZONE).astimezone(ZoneInfo("UTC"))
            self._opening[day] = opening
        return opening + timedelta(minutes=minutes)

    def business_day(self, day: date, count: int) -> date:
        """The business day that many after `day`; 0 is the day itself or the next that is one."""
        key = (day, count)
        found = self._business.get(key)
        if found is None:
            found = day
            while count or not is_business_day(found):
                found += timedelta(days=1)
                if count and is_business_day(found):
                    count -= 1
            self._business[key] = found
        return found

    def _weight(self, day: date) -> float:
        if day == self.until:
            return MORNING_WEIGHT
        if day.weekday() < 5 and not is_business_day(day):
            return HOLIDAY_WEIGHT
        return WEEKDAY_WEIGHTS[day.weekday()]
