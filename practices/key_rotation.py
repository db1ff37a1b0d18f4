"""Rewriting all rows under the first key, while people work, until the other keys protect nothing (docs/keys.md).

Which rows are done can be seen from the rows themselves: a ciphertext says its key. So nothing is lost with whoever
did the work, and it may be begun by one process and gone on with by any other. Rows are locked while they are
rewritten, and what somebody else has locked is left for the next time: nobody's change is overwritten, nobody waits.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import connection, models, transaction

from practices.encryption import (
    INDEX_BYTES,
    BlindIndexField,
    EncryptedTextField,
    KeysRefused,
    decrypt_bytes,
    encrypt,
    index_keys,
    index_prefix,
    patient_data_keys,
    writing_keys,
)
from practices.isolation import practice_scope
from practices.models import EncryptionKey, Practice
from practices.second_factors import SECRETS, encrypted_anew

BATCH = 500  # rows of one transaction: some 50 ms in which an edit of one of them waits
AT_ONCE = timedelta(seconds=10)  # of one practice and tick
# Who began before the new key came may still write under the old one: longer than any request or task may take.
OVERLAP = timedelta(minutes=10)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sealed:
    """A table with ciphertexts or blind indexes."""

    model: type[models.Model]
    texts: tuple[EncryptedTextField, ...]
    indexes: tuple[BlindIndexField, ...]

    @property
    def is_shared(self) -> bool:
        """Whether it belongs to no practice's scope."""
        return any(field.shared for field in self.texts)


@cache
def sealed_tables() -> tuple[Sealed, ...]:
    """Every one, found by its columns."""
    found = []
    for model in apps.get_models():
        columns = model._meta.concrete_fields
        texts = tuple(field for field in columns if isinstance(field, EncryptedTextField))
        indexes = tuple(field for field in columns if isinstance(field, BlindIndexField))
        if texts or indexes:
            found.append(Sealed(model, texts, indexes))
    return tuple(found)


def begin(now: datetime) -> None:
    """From now on the tick rewrites what other keys protect, until each writing key is alone."""
    for name in writing_keys():
        others = EncryptionKey.objects.others_than(name).protecting()
        if others.exists():
            others.update(rewriting_since=None)
            EncryptionKey.objects.filter(key_id=name, rewriting_since=None).update(rewriting_since=now)


def is_under_way() -> bool:
    """Whether rows are to be rewritten, and under the keys that this process writes with."""
    return EncryptionKey.objects.filter(rewriting_since__isnull=False, key_id__in=writing_keys()).exists()


def rewrite(practice_id: int | None, *, at_once: timedelta = AT_ONCE) -> int:
    """Rewrite rows of a practice for a while (None: of no practice), and say how many were; 0: none is left."""
    until, done = monotonic() + at_once.total_seconds(), 0
    for work in _works(practice_id):
        after: int | None = 0
        while after is not None and monotonic() < until:
            with _entered(practice_id):
                after, rewritten = work.batch(practice_id, after)
            done += rewritten
    return done


def settle_indexes(practice_id: int) -> None:
    """All blind indexes under the first key now, in the caller's scope: for who compares them in the database."""
    if len(index_keys()) > 1:
        for work in _works(practice_id):
            if isinstance(work, Indexes):
                work.all(practice_id)


def left(practice_id: int | None) -> dict[str, int]:
    """How many rows of each table are under another key than the first. Reads all of them."""
    with _entered(practice_id):
        counts = {(type(work), work.table): work.count(practice_id) for work in _works(practice_id)}
    return {f"{table} ({kind.what})": count for (kind, table), count in counts.items() if count}


def retire(now: datetime) -> list[str]:
    """Say of the keys that protect no row any more that they may be taken out; returns their names."""
    retired: list[str] = []
    for key in EncryptionKey.objects.filter(rewriting_since__lte=now - OVERLAP, key_id__in=writing_keys()):
        kind = Indexes if key.is_of_blind_indexes else Texts
        if not any(_is_left(kind, practice_id) for practice_id in (None, *_practices())):
            others = EncryptionKey.objects.others_than(key.key_id).protecting()
            retired += others.values_list("key_id", flat=True)
            others.update(retired_at=now)
            EncryptionKey.objects.filter(pk=key.pk).update(rewriting_since=None)
    return retired


def _is_left(kind: "type[Texts] | type[Indexes]", practice_id: int | None) -> bool:
    with _entered(practice_id):
        return any(work.is_left(practice_id) for work in _works(practice_id) if isinstance(work, kind))


def _practices() -> Iterable[int]:
    return Practice.objects.order_by("pk").values_list("pk", flat=True)


def _works(practice_id: int | None) -> "list[Texts | Indexes]":
    tables = [sealed for sealed in sealed_tables() if sealed.is_shared == (practice_id is None)]
    texts = [Texts(one) for one in tables if one.texts] + ([SecondFactors()] if practice_id is None else [])
    return texts + [Indexes(one) for one in tables if one.indexes]


def _entered(practice_id: int | None) -> Any:
    return transaction.atomic() if practice_id is None else practice_scope(practice_id)


class _Work(ABC):
    """The columns of one kind in one table: which rows are under another key, and what becomes of them."""

    what = ""

    def __init__(self, sealed: Sealed, columns: Iterable[models.Field]) -> None:
        self.model = sealed.model
        quote = connection.ops.quote_name
        self.table = sealed.model._meta.db_table
        self.columns = [quote(str(column.column)) for column in columns]
        self.own = "" if sealed.is_shared else "practice_id = %(practice)s AND "

    @abstractmethod
    def stale(self) -> tuple[str, dict[str, Any]]:
        """The condition of a row under another key, and what it compares with."""

    @abstractmethod
    def rewritten(self, rows: list[tuple[Any, ...]], practice_id: int | None) -> int:
        """Rewrite rows of `id, columns…` that are locked; returns how many."""

    def batch(self, practice_id: int | None, after: int, *, wait: bool = False) -> tuple[int | None, int]:
        """Rewrite the next rows after that id; returns the last one's (None: there was none) and how many."""
        columns, locked = ", ".join(["id", *self.columns]), "" if wait else " SKIP LOCKED"
        order = f" AND id > %(after)s ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE{locked}"
        rows = self._ask(columns, practice_id, order, after=after)
        return (rows[-1][0], self.rewritten(rows, practice_id)) if rows else (None, 0)

    def all(self, practice_id: int | None) -> None:
        """Rewrite every row, waiting for those that somebody holds."""
        after: int | None = 0
        while after is not None:
            after, _rewritten = self.batch(practice_id, after, wait=True)

    def update(self, values: list[tuple[Any, ...]]) -> None:
        """Write rows of `id, columns…` in one statement."""
        line = f"(%s, {', '.join(['%s::bytea'] * len(self.columns))})"
        sql = (
            f"UPDATE {self.table} SET {', '.join(f'{c} = anew.{c}' for c in self.columns)}"  # noqa: S608  # our own names
            f" FROM (VALUES {', '.join([line] * len(values))}) AS anew (id, {', '.join(self.columns)})"
            f" WHERE {self.table}.id = anew.id"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for row in values for value in row])

    def count(self, practice_id: int | None) -> int:
        return self._ask("count(*)", practice_id)[0][0]

    def is_left(self, practice_id: int | None) -> bool:
        return bool(self._ask("1", practice_id, " LIMIT 1"))

    def _ask(self, what: str, practice_id: int | None, then: str = "", **also: Any) -> list[tuple[Any, ...]]:
        stale, values = self.stale()
        sql = f"SELECT {what} FROM {self.table} WHERE {self.own}({stale}){then}"  # noqa: S608  # our own names
        with connection.cursor() as cursor:
            cursor.execute(sql, {"practice": practice_id, **values, **also})
            return cursor.fetchall()


class Texts(_Work):
    """Ciphertexts."""

    what = "texts"

    def __init__(self, sealed: Sealed) -> None:
        super().__init__(sealed, sealed.texts)
        self.labels = [field.label for field in sealed.texts]

    def stale(self) -> tuple[str, dict[str, Any]]:
        prefix = next(iter(patient_data_keys())).encode() + b":"
        other = "({0} <> ''::bytea AND substring({0} FROM 1 FOR %(length)s) <> %(prefix)s)"
        return " OR ".join(map(other.format, self.columns)), {"prefix": prefix, "length": len(prefix)}

    def rewritten(self, rows: list[tuple[Any, ...]], practice_id: int | None) -> int:
        values = [
            (row_id, *(self._anew(*one, practice_id) for one in zip(self.labels, stored, strict=True)))
            for row_id, *stored in rows
        ]
        self.update(values)
        return len(values)

    def _anew(self, label: str, stored: Any, practice_id: int | None) -> bytes | None:
        if stored is None:
            return None
        try:
            clear = decrypt_bytes(bytes(stored), practice_id=practice_id, field=label)
        except KeysRefused:  # it stays, keeps its key from being retired, and does not hold up the others
            logger.error("a value of %s does not open", label)
            return bytes(stored)
        return encrypt(clear, practice_id=practice_id, field=label)


class SecondFactors(Texts):
    """The secrets within allauth's JSON, which practices.second_factors encrypts."""

    def __init__(self) -> None:
        self.model, self.table, self.columns, self.own = (
            Authenticator,
            Authenticator._meta.db_table,
            ["data"],
            "",
        )

    def stale(self) -> tuple[str, dict[str, Any]]:
        prefix = f"{next(iter(patient_data_keys()))}:"
        other = (
            "EXISTS (SELECT FROM unnest(%(names)s) AS name"
            " WHERE data ? name AND left(data ->> name, %(length)s) <> %(prefix)s)"
        )
        return other, {"names": list(SECRETS), "prefix": prefix, "length": len(prefix)}

    def rewritten(self, rows: list[tuple[Any, ...]], practice_id: int | None) -> int:
        for factor in Authenticator.objects.filter(pk__in=[row_id for row_id, *_ in rows]):
            try:
                factor.data = encrypted_anew(factor.data)
            except KeysRefused:
                logger.error("a second factor does not open")
            else:
                factor.save(update_fields=["data"])
        return len(rows)


class Indexes(_Work):
    """Blind indexes."""

    what = "blind indexes"

    def __init__(self, sealed: Sealed) -> None:
        super().__init__(sealed, sealed.indexes)
        self.names = [field.name for field in sealed.indexes]

    def stale(self) -> tuple[str, dict[str, Any]]:
        prefix = index_prefix(next(iter(index_keys())))
        other = (
            "({0} <> ''::bytea AND (substring({0} FROM 1 FOR %(length)s) <> %(prefix)s"
            " OR octet_length({0}) <> %(whole)s))"
        )
        lengths = {"length": len(prefix), "whole": len(prefix) + INDEX_BYTES}
        return " OR ".join(map(other.format, self.columns)), {"prefix": prefix, **lengths}

    def rewritten(self, rows: list[tuple[Any, ...]], practice_id: int | None) -> int:
        """From what the rows say; what can't be computed from its row is forgotten."""
        found = self.model._base_manager.filter(pk__in=[row_id for row_id, *_ in rows])
        if not hasattr(self.model, "index_anew"):
            found.delete()
            return len(rows)
        instances: list[Any] = list(found)
        for instance in instances:
            instance.index_anew()
        self.update([(one.pk, *(getattr(one, name) for name in self.names)) for one in instances])
        return len(instances)
