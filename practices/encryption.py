"""Patient data at rest: AES-SIV under keys by id, blind indexes under a key of their own.

The practice and the field are associated data, so a ciphertext moved to another practice or column does not
open. AES-SIV is deterministic (RFC 5297): equal values of one field and practice have equal ciphertexts.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from django import forms
from django.conf import settings
from django.db import models

from practices.isolation import current_practice_id
from practices.key_ring import KeysRefused, index_keys, look_again, patient_data_keys

CHECK_TEXT = b"these are the right keys"
BLIND_INDEX_KEY_ID = "blind-index"
INDEX_BYTES = 16


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
    written_under, _, ciphertext = stored.partition(b":")
    key_id = written_under.decode(errors="replace")
    if key_id not in patient_data_keys():
        look_again()
    try:
        return patient_data_keys()[key_id].decrypt(ciphertext, _associated(practice_id, field))
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
    """What equal values share, under the writing key; None when a part is missing."""
    message = _index_message(kind, parts, practice_id)
    return _index(message, *next(iter(index_keys().items()))) if message else None


def blind_indexes(kind: str, *parts: str, practice_id: int | None) -> list[bytes]:
    """The same under every key, the writing one first: what to search by, since rows may be under any of them."""
    message = _index_message(kind, parts, practice_id)
    return [_index(message, key_id, key) for key_id, key in index_keys().items()] if message else []


def index_prefix(key_id: str) -> bytes:
    """What an index under that key begins with: its id and a colon, or nothing for a key without an id."""
    return f"{key_id}:".encode() if key_id else b""


def _index_message(kind: str, parts: tuple[str, ...], practice_id: int | None) -> bytes:
    cleaned = [normalised(part) for part in parts]
    return "\x1f".join([str(practice_id), kind, *cleaned]).encode() if all(cleaned) else b""


def _index(message: bytes, key_id: str, key: bytes) -> bytes:
    """RFC 2104, SHA-256, truncated."""
    return index_prefix(key_id) + hmac.digest(key, message, hashlib.sha256)[:INDEX_BYTES]


class BlindIndexField(models.BinaryField):
    """A blind index. Bytes to the database and its migrations: the class is for key_rotation to find it by."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs


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
        stored = decrypt_bytes(bytes(value), practice_id=self._practice_id(), field=self.label)
        return self.to_python(self.from_bytes(stored))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        clear = self.as_text(value)
        return connection.Database.Binary(encrypt(clear, practice_id=self._practice_id(), field=self.label))

    def as_text(self, value: Any) -> str | bytes:
        return str(value)

    def from_bytes(self, stored: bytes) -> Any:
        return stored.decode()

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


class EncryptedBytesField(EncryptedTextField):
    """Bytes that are ciphertext in the database: a file. Bytes to its migrations."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs

    def as_text(self, value: bytes) -> bytes:
        return bytes(value)

    def from_bytes(self, stored: bytes) -> bytes:
        return stored


def index_key_name(key_id: str) -> str:
    """Under which name the check of a blind index key is kept, apart from the patient keys' ids."""
    return f"{BLIND_INDEX_KEY_ID}:{key_id}" if key_id else BLIND_INDEX_KEY_ID


def check_values() -> dict[str, bytes]:
    """What each key given makes of a known text: tells the right key from a wrong one, and opens nothing."""
    checks = {key_id: key.encrypt(CHECK_TEXT, None) for key_id, key in patient_data_keys().items()}
    for key_id, key in index_keys().items():
        checks[index_key_name(key_id)] = hmac.digest(key, CHECK_TEXT, hashlib.sha256)
    return checks


def writing_keys() -> tuple[str, str]:
    """The names of the two keys that write: the patients' data's, the blind indexes'."""
    return next(iter(patient_data_keys())), index_key_name(next(iter(index_keys())))


def verify_keys(*, knows_retired: bool = True) -> None:
    """Refuse a start with missing or wrong keys; write down the check of a key that is new.

    Raises KeysRefused, before anything else is written. A key that was retired (docs/keys.md) may be missing, and
    writes no more. A database older than that knows of none.
    """
    from practices.models import EncryptionKey

    given = check_values()
    known = {name: bytes(check) for name, check in EncryptionKey.objects.values_list("key_id", "check_value")}
    retired = (
        set(EncryptionKey.objects.retired().values_list("key_id", flat=True)) if knows_retired else set()
    )
    if missing := known.keys() - given.keys() - retired:
        raise KeysRefused(
            f"the database holds data under keys that were not given: {', '.join(sorted(missing))}{_whence()}"
        )
    if wrong := [name for name, check in known.items() if given.get(name, check) != check]:
        raise KeysRefused(
            f"not the keys this database was written with: {', '.join(sorted(wrong))}{_whence()}"
        )
    if idle := retired.intersection(writing_keys()):
        raise KeysRefused(f"retired, and writes no more: {', '.join(idle)}; put a newer key first{_whence()}")
    if knows_retired:
        new = given.keys() - known.keys()
        EncryptionKey.objects.bulk_create(
            [EncryptionKey(key_id=name, check_value=given[name]) for name in new], ignore_conflicts=True
        )


def _whence() -> str:
    file = settings.KEYS_FILE
    return f" (read from {file}: put back the file that belongs to this database)" if file else ""
