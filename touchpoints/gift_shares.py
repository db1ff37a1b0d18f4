"""The arithmetic of gifts to physicians, and nothing else: shares in cents, who counts, the limit, its cure.

After 42 CFR 411.357(k), non-monetary compensation, and 411.351, who is a physician. All money is in US dollars.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

# Social Security Act 1861(r): doctors of medicine or osteopathy, dental medicine, podiatry, optometry, chiropractic.
# MBBS is the doctor of medicine's degree elsewhere: who practises here with it is one.
PHYSICIANS = frozenset({"MD", "MBBS", "DO", "DDS", "DMD", "DPM", "OD", "DC"})
CENT = Decimal("0.01")
CURE_DAYS = timedelta(days=180)
CURE_YEARS = 3
NOT_A_WORD = re.compile(r"[^A-Z]+")
# Words that say money, or what is spent like money.
CASH = re.compile(
    r"\b(cash|money|money\s+order|venmo|zelle|paypal|bitcoin|vouchers?|(gift|prepaid|debit|store|visa)[\s-]*(cards?|certificates?|credit)"
    r"|e-?gifts?|giftcards?|gift\s+codes?|checks?|dollar\s+bills?|(starbucks|dunkin|amazon|target|walmart)\W+cards?)\b"
    r"|\$\s*\d[\d.,]*\s*bills?\b|\$\s*\d.*\bcards?\b|\bcards?\b.*\$\s*\d",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """What one physician was given at one time."""

    given_on: date
    amount: Decimal


@dataclass(frozen=True)
class Return:
    """What one physician gave back on a day."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class Cure:
    """How an excess that was given inadvertently may be made good: 42 CFR 411.357(k)(3)."""

    excess: Decimal
    since: date
    return_by: date
    is_small_enough: bool
    used_on: date | None = None

    @property
    def is_open(self) -> bool:
        return self.is_small_enough and self.used_on is None


def is_physician(credentials: str) -> bool:
    """Whether these credentials make a physician under the law: "M.D., PhD" does, "NP" does not."""
    return not PHYSICIANS.isdisjoint(NOT_A_WORD.split(credentials.upper().replace(".", "")))


def says_cash(text: str) -> bool:
    """Whether the words name cash or what stands in for it."""
    return bool(CASH.search(text))


def split(amount: Decimal, people: int) -> list[Decimal]:
    """Equal shares to the cent that sum to the amount; of the odd cents the first each take one."""
    cents, odd = divmod(int(amount / CENT), people)
    return [(cents + (place < odd)) * CENT for place in range(people)]


def kept(entries: Iterable[Entry], returns: Iterable[Return] = ()) -> Decimal:
    """What counts against the limit: given, less what was given back; never less than nothing."""
    given = sum((entry.amount for entry in entries), Decimal(0))
    return max(given - sum((back.amount for back in returns), Decimal(0)), Decimal(0))


def exceeded_on(entries: Iterable[Entry], limit: Decimal, returns: Iterable[Return] = ()) -> date | None:
    """Since when the year stands over the limit; the limit itself is within it."""
    moves = [(entry.given_on, entry.amount) for entry in entries] + [(row.on, -row.amount) for row in returns]
    total, since = Decimal(0), None
    for day, amount in sorted(moves):  # of one day what was given back comes first: it is below nothing
        total += amount
        since = (since or day) if total > limit else None
    return since


def cure_of(
    entries: Iterable[Entry],
    limit: Decimal,
    *,
    returns: Iterable[Return] = (),
    used_on: Iterable[date] = (),
) -> Cure | None:
    """What the cure asks for the excess of these entries of a year; None: there is none.

    `used_on`: when the physician returned an excess before; once in three years is all there is.
    """
    entries, returns = list(entries), list(returns)
    since = exceeded_on(entries, limit, returns)
    if since is None:
        return None
    excess = kept(entries, returns) - limit
    return Cure(
        excess=excess,
        since=since,
        return_by=min(date(since.year, 12, 31), since + CURE_DAYS),
        is_small_enough=2 * excess <= limit,
        used_on=max((used for used in used_on if _is_within_three_years(used, since)), default=None),
    )


def _is_within_three_years(one: date, other: date) -> bool:
    earlier, later = sorted([one, other])
    return later < _years_after(earlier, CURE_YEARS)


def _years_after(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + years, 3, 1)
    return day.replace(year=day.year + years)
