"""Addresses of our pages, as Django's `reverse` gives them.

A list of rows names hundreds: to look each up among all patterns costs as much as to read the rows.
"""

from functools import cache
from typing import Any

from django.urls import reverse

NUMBER = 1234567890


@cache
def _around(name: str) -> tuple[str, str]:
    before, _number, after = reverse(name, args=[NUMBER]).partition(str(NUMBER))
    return before, after


@cache
def page_url(name: str) -> str:
    """A page without a number in its address."""
    return reverse(name)


def row_url(name: str, number: Any) -> str:
    """The page of a row; `number` is its primary key. Raises NoReverseMatch for what names no page of one row."""
    if type(number) is not int or number < 0:
        return reverse(name, args=[number])
    before, after = _around(name)
    return f"{before}{number}{after}"
