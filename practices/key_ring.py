"""The keys as they are given by now: by the environment, or by a file that is read again when it changes.

So a new key reaches every running process without a restart. What has left the file stays usable for whoever
runs, since rows may still be under it; the next start goes by the file alone.
"""

import base64
import binascii
import logging
from functools import cache
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from practices.secret_files import value_in_file

LOOK_AGAIN_AFTER = 1.0  # seconds

logger = logging.getLogger(__name__)


class KeysRefused(ImproperlyConfigured):
    """The keys given do not open what the database holds."""


class KeyFile:
    """The list of keys in the file that `<name>_FILE` names, as it stands now."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._pairs: tuple[str, ...] = ()
        self._stamp: tuple[str, int, int, int] | None = None
        self._path, self._looked_at = "", 0.0

    def pairs(self) -> tuple[str, ...]:
        """What it lists; it is looked at once a second."""
        path = getattr(settings, f"{self.name}_FILE")
        if not path:
            return ()
        if path != self._path or monotonic() - self._looked_at > LOOK_AGAIN_AFTER:
            self.look()
        return self._pairs

    def look(self) -> None:
        """Read it where it changed. One that can't be read or understood leaves the keys as they are."""
        self._path, self._looked_at = getattr(settings, f"{self.name}_FILE"), monotonic()
        try:
            stat = Path(self._path).stat()
            stamp = (self._path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._stamp:
                pairs = split(value_in_file(self._path, self.name))
                PARSERS[self.name](pairs)
                self._pairs, self._stamp = pairs, stamp
        except (OSError, ValueError, KeysRefused) as error:
            logger.error("%s: %s; going on with the keys as they were", self._path, type(error).__name__)


def split(text: str) -> tuple[str, ...]:
    """The parts of a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


@cache
def _patient_keys(pairs: tuple[str, ...]) -> dict[str, AESSIV]:
    keys: dict[str, AESSIV] = {}
    for pair in pairs:
        key_id, _, encoded = pair.partition(":")
        try:
            keys.setdefault(key_id, AESSIV(base64.b64decode(encoded, validate=True)))
        except (ValueError, binascii.Error) as error:
            raise KeysRefused("PATIENT_DATA_KEYS must read id:base64 of 64 bytes[,id:base64 …]") from error
    if not keys:
        raise KeysRefused("PATIENT_DATA_KEYS is empty")
    return keys


@cache
def _index_keys(pairs: tuple[str, ...]) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for pair in pairs:
        key_id, _, encoded = pair.rpartition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if len(key) < 32:
            raise KeysRefused(
                "BLIND_INDEX_KEY must be the base64 of 32 bytes or more, or id:base64[,id:base64 …]"
            )
        keys.setdefault(key_id, key)
    if not keys:
        raise KeysRefused("BLIND_INDEX_KEY must be the base64 of 32 bytes or more")
    return keys


PARSERS = {"PATIENT_DATA_KEYS": _patient_keys, "BLIND_INDEX_KEY": _index_keys}
PATIENT_FILE, INDEX_FILE = KeyFile("PATIENT_DATA_KEYS"), KeyFile("BLIND_INDEX_KEY")


def patient_data_keys() -> dict[str, AESSIV]:
    """The keys by id, the writing one first. Raises KeysRefused naming a malformed setting."""
    return _patient_keys((*PATIENT_FILE.pairs(), *settings.PATIENT_DATA_KEYS))


def index_keys() -> dict[str, bytes]:
    """The keys of the blind indexes by id ("" for one without), the writing one first. Raises KeysRefused."""
    return _index_keys((*INDEX_FILE.pairs(), *split(settings.BLIND_INDEX_KEY)))


def look_again() -> None:
    """Somebody met a key that is not known here: it may have come this second."""
    if settings.PATIENT_DATA_KEYS_FILE:
        PATIENT_FILE.look()
