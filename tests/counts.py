"""How often a property is tried: fewer by `make test`, all by `make test-full`."""

import os

IS_FULL = os.environ.get("TEST_COUNTS") == "full"


def examples(count: int, *, full: int) -> int:
    return full if IS_FULL else count
