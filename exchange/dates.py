"""Dates as people and systems write them; the order of day and month is inferred from the whole column."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

MDY, DMY = "mdy", "dmy"
MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
# Excel's day 0 for dates after February 1900; five digits reach from 1927 to 2100.
EXCEL_EPOCH = date(1899, 12, 30)

_TIME = r"(?:[T ,]+\d{1,2}[:.h]\d{2}.*)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/. ](\d{{1,2}})[-/. ](\d{{1,2}}){_TIME}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ](\d{{4}}|\d{{2}}){_TIME}", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{4,6})?", re.ASCII)
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?", re.ASCII)
_DAY_MONTH = re.compile(
    rf"(?:[a-z]{{3,9}},? )?(\d{{1,2}})(?:st|nd|rd|th)?[-/. ]+([a-z]{{3,9}})\.?[-/., ]+(\d{{4}}|\d{{2}}){_TIME}",
    re.ASCII | re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"(?:[a-z]{{3,9}},? )?([a-z]{{3,9}})\.?[-/. ]+(\d{{1,2}})(?:st|nd|rd|th)?[-/., ]+(\d{{4}}|\d{{2}}){_TIME}",
    re.ASCII | re.IGNORECASE,
)


def order_of(texts: Iterable[str]) -> str | None:
    """`mdy` or `dmy` when some date of the column allows but one; None when every date reads both ways."""
    for text in texts:
        match = _YEAR_LAST.fullmatch(text.strip())
        if match:
            first, second = int(match[1]), int(match[2])
            if first > 12 >= second:
                return DMY
            if second > 12 >= first:
                return MDY
    return None


def is_ambiguous(texts: Iterable[str]) -> bool:
    """Some date reads as day and month either way, with different results."""
    for text in texts:
        match = _YEAR_LAST.fullmatch(text.strip())
        if match and match[1].lstrip("0") != match[2].lstrip("0"):
            return True
    return False


@lru_cache(maxsize=65536)
def parse_date(text: str, order: str, latest: date) -> date | None:
    """The date, or None. A year of two digits is the last such year not after `latest`'s."""
    try:
        return _iso(text) or _by_form(text, order, latest)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> date | None:
    if len(text) == 10 and text[4] == "-" and text.isascii():
        return date.fromisoformat(text)
    return None


def _by_form(text: str, order: str, latest: date) -> date | None:
    if match := _YEAR_LAST.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        month, day = (first, second) if order == MDY else (second, first)
        return date(_year(match[3], latest), month, day)
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _DAY_MONTH.fullmatch(text):
        return _named(match[3], match[2], match[1], latest)
    if match := _MONTH_DAY.fullmatch(text):
        return _named(match[3], match[1], match[2], latest)
    if (match := _SERIAL.fullmatch(text)) and 10_000 <= int(match[1]) <= 73_050:
        return EXCEL_EPOCH + timedelta(days=int(match[1]))
    return None


def _named(year: str, month: str, day: str, latest: date) -> date | None:
    number = MONTHS.get(month[:3].lower())
    return date(_year(year, latest), number, int(day)) if number else None


def _year(digits: str, latest: date) -> int:
    if len(digits) == 4:
        return int(digits)
    year = latest.year - latest.year % 100 + int(digits)
    return year if year <= latest.year else year - 100
