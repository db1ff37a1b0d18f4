"""Keys for tests, given as an environment gives them."""

import base64
from typing import Any


def key_of(number: int, *, length: int = 64) -> str:
    """A key, the same for the same number."""
    return base64.b64encode(bytes((number * 7 + place) % 256 for place in range(length))).decode()


def give_keys(settings: Any, patient: list[str] | None = None, index: str | None = None) -> None:
    """Set these instead of those of the test run, and no file."""
    if patient is not None:
        settings.PATIENT_DATA_KEYS, settings.PATIENT_DATA_KEYS_FILE = patient, ""
    if index is not None:
        settings.BLIND_INDEX_KEY, settings.BLIND_INDEX_KEY_FILE = index, ""
