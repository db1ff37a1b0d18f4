"""A file on its way in: what it holds, how it is understood, whom it names, and what came of it."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider
from contacts.models.referrals import Channel
from practices.encryption import (
    BlindIndexField,
    EncryptedBytesField,
    EncryptedTextField,
    blind_index,
    normalised,
)
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Location, Member, PracticeModel, PracticeQuerySet, practice_manager


@dataclass
class Layout:
    """Where the header stands, which field each column fills (or none), and how its dates are written.

    `asks_order` names the date fields that read both ways; `sample` is the first [line, cells] after the header.
    """

    header: list[str]
    header_line: int
    columns: list[str]
    date_orders: dict[str, str] = field(default_factory=dict)
    channel: str = Channel.EHR
    asks_order: list[str] = field(default_factory=list)
    sample: list[tuple[int, list[str]]] = field(default_factory=list)

    def place(self, name: str) -> int | None:
        """The column that fills this field."""
        return self.columns.index(name) if name in self.columns else None


class ImportQuerySet(PracticeQuerySet):
    def waiting(self) -> Self:
        """Handed to the worker and not finished."""
        return self.filter(state__in=Import.WAITING)

    def for_list(self) -> Self:
        return self.defer("added_ids", "layout_text").select_related("uploaded_by__user")


class Import(PracticeModel):
    """One file of referrals, from its upload to what it added."""

    class State(models.TextChoices):
        COLUMNS = "columns", _("columns to confirm")
        CHECKING = "checking", _("being checked")
        REVIEW = "review", _("names to review")
        WRITING = "writing", _("being written")
        DONE = "done", _("brought in")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        FAILED = "failed", _("could not be read")
        EXPIRED = "expired", _("file deleted unused")

    WAITING = (State.CHECKING, State.WRITING, State.UNDOING)
    FILE_KEPT_FOR = timedelta(hours=24)
    REJECTED_KEPT_FOR = timedelta(days=7)
    UNDO_FOR = timedelta(days=30)

    uploaded_by = PracticeForeignKey(Member, related_name="imports")
    uploaded_at = models.DateTimeField()
    file_name = EncryptedTextField()  # a file may be named after a patient
    layout_text = EncryptedTextField()  # a header found wrongly is a patient's row
    state = models.CharField(max_length=10, choices=State.choices, default=State.COLUMNS)
    state_since = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, help_text="Whose day is today for every later pass.")
    failure = models.CharField(max_length=200, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    blank = models.PositiveIntegerField(default=0, help_text="Blank lines, repeated headers and totals.")
    rejected = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    already_there = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    remarks = models.JSONField(
        default=dict, help_text="How many rows were taken with a grain of salt, by why."
    )
    added_ids = ArrayField(models.BigIntegerField(), default=list)
    added_provider_ids = ArrayField(models.BigIntegerField(), default=list)
    added_office_ids = ArrayField(models.BigIntegerField(), default=list)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = PracticeForeignKey(Member, null=True, related_name="+")
    stayed = models.JSONField(default=dict, help_text="What an undo left, by why.")

    objects = practice_manager(ImportQuerySet)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(fields=["practice", "-uploaded_at", "-id"], name="import_newest"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="uploaded_by", name="import_uploaded_by_same_practice"),
            SamePractice(field="undone_by", name="import_undone_by_same_practice"),
            models.CheckConstraint(
                condition=~models.Q(state__in=["done", "undone"])
                | models.Q(
                    rows_read=models.F("blank")
                    + models.F("rejected")
                    + models.F("left_out")
                    + models.F("already_there")
                    + models.F("added")
                ),
                name="import_accounts_for_every_row",
            ),
        ]

    @property
    def layout(self) -> Layout:
        return Layout(**json.loads(self.layout_text))

    @layout.setter
    def layout(self, layout: Layout) -> None:
        self.layout_text = json.dumps(asdict(layout))

    def enter(self, state: str, *, now: datetime, **changes: Any) -> None:
        """Go on to a state, with what is known by then."""
        self.state, self.state_since = state, now
        for name, value in changes.items():
            setattr(self, name, value)
        self.save()

    @property
    def tone(self) -> str:
        """How its state stands out on a page."""
        if self.is_waiting:
            return "open"
        ended = {self.State.DONE: "done", self.State.UNDONE: "quiet", self.State.EXPIRED: "quiet"}
        return ended.get(self.State(self.state), "due")

    @property
    def file_kind(self) -> str:
        """What its name ends in: CSV, XLSX, or simply a file."""
        ending = self.file_name.rpartition(".")[2]
        is_ending = ending != self.file_name and ending.isalnum() and len(ending) <= 4
        return ending.upper() if is_ending else str(_("File"))

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING

    def may_be_undone(self, now: datetime) -> bool:
        if self.state != self.State.DONE or self.finished_at is None:
            return False
        return bool(self.added) and now < self.finished_at + self.UNDO_FOR


class ImportFilePart(PracticeModel):
    """A piece of the compressed file, encrypted."""

    source = PracticeForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    place = models.PositiveSmallIntegerField()
    content = EncryptedBytesField()

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="source", name="import_file_part_source_same_practice"),
            models.UniqueConstraint(fields=["practice", "source", "place"], name="import_file_part_once"),
        ]


class RejectedRows(PracticeModel):
    """Some rejected rows in the file's order: JSON of [line, [[field, reason], …], cells]."""

    source = PracticeForeignKey(Import, on_delete=models.CASCADE, related_name="rejected_rows")
    place = models.PositiveIntegerField()
    rows_text = EncryptedTextField()

    class Meta(PracticeModel.Meta):
        ordering = ["place"]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="source", name="rejected_rows_source_same_practice"),
            models.UniqueConstraint(fields=["practice", "source", "place"], name="rejected_rows_once"),
        ]

    @property
    def rows(self) -> list[tuple[int, list[list[str]], list[str]]]:
        return json.loads(self.rows_text)


class ImportNameQuerySet(PracticeQuerySet):
    def undecided(self) -> Self:
        return self.filter(decision="")

    def reviewable(self) -> Self:
        """What a person has to look at: found by likeness, or not at all."""
        return self.exclude(found_by__in=ImportName.SURE)

    def remembered(self) -> Self:
        """What was decided in imports that stand."""
        return self.filter(source__state=Import.State.DONE).exclude(decision="")


class ImportName(PracticeModel):
    """One distinct spelling of a person or place in a file, and who is meant."""

    class Kind(models.TextChoices):
        PROVIDER = "provider", _("referring provider")
        OFFICE = "office", _("office")
        PHYSICIAN = "physician", _("our physician")
        LOCATION = "location", _("our location")

    class FoundBy(models.TextChoices):
        NPI = "npi", _("same NPI")
        REMEMBERED = "remembered", _("decided so before")
        NAME = "name", _("same name")
        LIKENESS = "likeness", _("similar name")
        NOTHING = "nothing", _("not in your network")

    class Decision(models.TextChoices):
        EXISTING = "existing", _("is this one")
        NEW = "new", _("add as new")
        SAME = "same", _("same as another in this file")
        LEAVE_OUT = "leave_out", _("leave these rows out")
        OPEN = "open", _("leave open")

    SURE = (FoundBy.NPI, FoundBy.REMEMBERED, FoundBy.NAME)

    source = PracticeForeignKey(Import, on_delete=models.CASCADE, related_name="names")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = BlindIndexField(help_text="Blind index of the spelling: a wrong column may hold patients.")
    said_text = EncryptedTextField(help_text="JSON: what the file says.")
    rows = models.PositiveIntegerField()
    found_by = models.CharField(max_length=10, choices=FoundBy.choices)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    suggestions = models.JSONField(default=list, help_text="[id, likeness] of rows, nearest first.")
    provider = PracticeForeignKey(Provider, null=True, related_name="import_names")
    office = PracticeForeignKey(Office, null=True, related_name="import_names")
    physician = PracticeForeignKey(Member, null=True, related_name="import_names")
    location = PracticeForeignKey(Location, null=True, related_name="import_names")
    same_as = PracticeForeignKey("self", on_delete=models.CASCADE, null=True, related_name="others")

    objects = practice_manager(ImportNameQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["kind", "-rows", "id"]
        indexes = [models.Index(fields=["practice", "kind", "key"], name="import_name_remembered")]
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "source", "kind", "key"], name="import_name_once"),
            models.CheckConstraint(
                condition=~models.Q(decision="same") | models.Q(same_as__isnull=False),
                name="import_name_same_as_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(decision="existing")
                | models.Q(provider__isnull=False)
                | models.Q(office__isnull=False)
                | models.Q(physician__isnull=False)
                | models.Q(location__isnull=False),
                name="import_name_existing_is_somebody",
            ),
            *[
                SamePractice(field=name, name=f"import_name_{name}_same_practice")
                for name in ("source", "provider", "office", "physician", "location", "same_as")
            ],
        ]

    @property
    def said(self) -> dict[str, str]:
        return json.loads(self.said_text)

    def index_anew(self) -> None:
        """Remember the spelling under the writing key."""
        self.key = index_of_spelling(self.kind, spelling(self.kind, self.said), practice_id=self.practice_id)

    @property
    def target_id(self) -> int | None:
        """The row of ours that is meant, in the table of its kind."""
        return getattr(self, f"{self.kind}_id")


def spelling(kind: str, said: dict[str, str]) -> str:
    """What tells one spelling of a person or place from another: a provider's NPI where there is one."""
    if kind == ImportName.Kind.PROVIDER:
        parts = ("family", "given", "middle", "office", "city")
        return f"npi0{said['npi']}" if said["npi"] else "0".join(normalised(said[part]) for part in parts)
    return "0".join(normalised(said[part]) for part in ("name", "city") if part in said)


def index_of_spelling(kind: str, key: str, *, practice_id: int | None) -> bytes:
    """What a spelling is remembered by."""
    return blind_index(f"import-{kind}", key, practice_id=practice_id) or b""


class RememberedColumn(PracticeModel):
    """What a column of this name meant last time. When the indexes' key changes it is learnt anew."""

    key = BlindIndexField(help_text="Blind index of the header: one found wrongly is a patient's row.")
    field = models.CharField(max_length=30, blank=True)
    date_order = models.CharField(max_length=3, blank=True)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "key"], name="remembered_column_once"),
        ]
