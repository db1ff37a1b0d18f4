"""How far it is from one ZIP code to another: between their centres, as the crow flies, asking nobody."""

from functools import lru_cache
from math import asin, cos, radians, sin, sqrt

import zipcodes

EARTH_RADIUS = 3958.8  # miles, the mean


def miles_between(one: str, other: str) -> float | None:
    """Miles between two ZIP codes (five digits, or nine); None where one is unknown."""
    here, there = _centre(one.strip()[:5]), _centre(other.strip()[:5])
    if here is None or there is None:
        return None
    (north, east), (other_north, other_east) = here, there
    half = sin((other_north - north) / 2) ** 2
    half += cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


def is_known(zip_code: str) -> bool:
    """Whether there is such a ZIP code, as far as the package knows."""
    return _centre(zip_code.strip()[:5]) is not None


@lru_cache(maxsize=20_000)
def _centre(zip_code: str) -> tuple[float, float] | None:
    """Latitude and longitude in radians."""
    # The package cuts at bytes: a digit of another script makes it panic, past every `except Exception`.
    if not (len(zip_code) == 5 and zip_code.isascii() and zip_code.isdigit()):
        return None
    found = next(iter(zipcodes.matching(zip_code)), None)
    if not found or not found["lat"] or not found["long"]:
        return None
    return radians(float(found["lat"])), radians(float(found["long"]))
