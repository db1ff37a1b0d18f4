"""Addresses of our pages, as Django's `reverse` gives them.

A list of rows names hundreds: to look each up among all patterns costs as much as to read the rows.
"""

from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse

NUMBER = 1234567890


# What a request says of where we are mounted is part of the key: it holds for that request alone.
@lru_cache(maxsize=1000)
def _around(name: str, prefix: str) -> tuple[str, str]:
    before, _number, after = reverse(name, args=[NUMBER]).partition(str(NUMBER))
    return before, after


@lru_cache(maxsize=1000)
def _page(name: str, prefix: str) -> str:
    return reverse(name)


def page_url(name: str) -> str:
    """A page without a number in its address. Raises NoReverseMatch where there is none of that name."""
    return _page(name, get_script_prefix())


def row_url(name: str, number: Any) -> str:
    """The page of a row; `number` is its primary key. Raises NoReverseMatch for what names no page of one row."""
    if type(number) is not int or number < 0:
        return reverse(name, args=[number])
    before, after = _around(name, get_script_prefix())
    return f"{before}{number}{after}"
