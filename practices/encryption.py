"""Patient data at rest: AES-SIV under keys by id, blind indexes under a key of their own.

The practice and the field are associated data, so a ciphertext moved to another practice or column does not
open. AES-SIV is deterministic (RFC 5297): equal values of one field and practice have equal ciphertexts.
"""

import base64
import binascii
import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django import forms
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from practices.isolation import current_practice_id

CHECK_TEXT = b"these are the right keys"
BLIND_INDEX_KEY_ID = "blind-index"


class KeysRefused(ImproperlyConfigured):
    """The keys given do not open what the database holds."""


@cache
def patient_data_keys() -> dict[str, AESSIV]:
    """The configured keys by id, the writing one first. Raises KeysRefused naming a malformed setting."""
    keys = {}
    for pair in settings.PATIENT_DATA_KEYS:
        key_id, _, encoded = pair.partition(":")
        try:
            keys[key_id] = AESSIV(base64.b64decode(encoded, validate=True))
        except (ValueError, binascii.Error) as error:
            raise KeysRefused("PATIENT_DATA_KEYS must read id:base64 of 64 bytes[,id:base64 …]") from error
    if not keys:
        raise KeysRefused("PATIENT_DATA_KEYS is empty")
    return keys


@cache
def blind_index_key() -> bytes:
    """The key of the blind indexes. Raises KeysRefused when it is malformed."""
    try:
        key = base64.b64decode(settings.BLIND_INDEX_KEY, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) < 32:
        raise KeysRefused("BLIND_INDEX_KEY must be the base64 of 32 bytes or more")
    return key


def encrypt(text: str | bytes, *, practice_id: int | None, field: str) -> bytes:
    """The key's id, a colon, the ciphertext. An empty text stays empty."""
    return encryptor(practice_id=practice_id, field=field)(text)


def encryptor(*, practice_id: int | None, field: str) -> Callable[[str | bytes], bytes]:
    """`encrypt` for many values of one field."""
    key_id, key = next(iter(patient_data_keys().items()))
    prefix, associated = key_id.encode() + b":", _associated(practice_id, field)

    def encrypt_one(text: str | bytes) -> bytes:
        clear = text.encode() if isinstance(text, str) else text
        return prefix + key.encrypt(clear, associated) if clear else b""

    return encrypt_one


def decrypt_bytes(stored: bytes, *, practice_id: int | None, field: str) -> bytes:
    """The reverse of `encrypt`. Raises KeysRefused when no key given opens it."""
    if not stored:
        return b""
    key_id, _, ciphertext = stored.partition(b":")
    try:
        return patient_data_keys()[key_id.decode()].decrypt(ciphertext, _associated(practice_id, field))
    except (KeyError, InvalidTag) as error:
        raise KeysRefused(f"no key given opens {field}") from error


def decrypt(stored: bytes, *, practice_id: int | None, field: str) -> str:
    """`decrypt_bytes`, as text."""
    return decrypt_bytes(stored, practice_id=practice_id, field=field).decode()


def _associated(practice_id: int | None, field: str) -> list[bytes]:
    return [str(practice_id).encode(), field.encode()]


_NEITHER_LETTER_NOR_DIGIT = {code: None for code in range(128) if not chr(code).isalnum()}


def normalised(text: str) -> str:
    """As blind indexes compare: NFKD, marks stripped, casefolded, letters and digits only."""
    if text.isascii():
        return text.translate(_NEITHER_LETTER_NOR_DIGIT).lower()  # as below, at a sixth of the cost
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


def blind_index(kind: str, *parts: str, practice_id: int | None) -> bytes | None:
    """16 bytes that equal values share, or None when a part is missing (RFC 2104, SHA-256, truncated)."""
    cleaned = [normalised(part) for part in parts]
    if not all(cleaned):
        return None
    message = "\x1f".join([str(practice_id), kind, *cleaned])
    return hmac.digest(blind_index_key(), message.encode(), hashlib.sha256)[:16]


class EncryptedTextField(models.Field):
    """Text that is ciphertext in the database and clear on the instance, inside its practice's scope.

    `shared` fields belong to no practice (the outbox) and are read outside a scope.
    """

    def __init__(self, *args: Any, shared: bool = False, **kwargs: Any) -> None:
        self.shared = shared
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "shared": True} if self.shared else kwargs

    def get_internal_type(self) -> str:
        return "BinaryField"

    @property
    def label(self) -> str:
        """The field's name in the associated data. Renaming a column needs its rows encrypted anew."""
        return f"{self.model._meta.label_lower}.{self.name}"

    def _practice_id(self) -> int | None:
        return None if self.shared else current_practice_id()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        return self.to_python(decrypt(bytes(value), practice_id=self._practice_id(), field=self.label))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        text = self.as_text(value)
        return connection.Database.Binary(encrypt(text, practice_id=self._practice_id(), field=self.label))

    def as_text(self, value: Any) -> str:
        return str(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError(f"{self.name} is encrypted: look it up by its blind index")
        return super().get_lookup(lookup_name)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.CharField, **kwargs})


class EncryptedDateField(EncryptedTextField):
    """A date, kept as encrypted ISO text; None stays None."""

    def to_python(self, value: Any) -> date | None:
        return date.fromisoformat(value) if isinstance(value, str) and value else value or None

    def as_text(self, value: date) -> str:
        return value.isoformat()

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.DateField, **kwargs})


def check_values() -> dict[str, bytes]:
    """What tells each key given from another, by its id, without telling the key. Raises KeysRefused."""
    given = {BLIND_INDEX_KEY_ID: hmac.digest(blind_index_key(), CHECK_TEXT, hashlib.sha256)}
    return given | {key_id: key.encrypt(CHECK_TEXT, None) for key_id, key in patient_data_keys().items()}


def verify_keys() -> None:
    """Refuse a start with missing or wrong keys; write down the check of a key that is new.

    Raises KeysRefused, before anything else is written.
    """
    from practices.models import EncryptionKey

    known = {row.key_id: bytes(row.check_value) for row in EncryptionKey.objects.all()}
    given = check_values()
    if missing := known.keys() - given.keys():
        raise KeysRefused(
            f"the database holds data under keys that were not given: {', '.join(sorted(missing))}{_whence()}"
        )
    if wrong := [key_id for key_id, check in known.items() if given[key_id] != check]:
        raise KeysRefused(
            f"not the keys this database was written with: {', '.join(sorted(wrong))}{_whence()}"
        )
    EncryptionKey.objects.bulk_create(
        [EncryptionKey(key_id=key_id, check_value=given[key_id]) for key_id in given.keys() - known.keys()],
        ignore_conflicts=True,
    )


def _whence() -> str:
    file = settings.KEYS_FILE
    return f" (read from {file}: put back the file that belongs to this database)" if file else ""
