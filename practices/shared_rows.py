"""Two people with the same row open: what the other changed meanwhile is kept, or asked about.

A page carries no copy of the row but its version: for each field a keyed fingerprint of what stood there when the
page was opened, bound to the row and its practice. It tells what was changed since, and by whom it was touched here;
what stood there can't be read from it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.forms import model_to_dict
from django.http import HttpRequest, QueryDict
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format, time_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from practices.forms import PracticeForm
from practices.models import AuditEntry, Member

SALT = "practices.shared_rows"
LENGTH = 16


class SharedRow:
    """Mixed into a form over a row that others change too; its page includes `_row_version.html`.

    The view reads the row for a POST under a lock, so that what is compared is what is saved over.
    """

    fields: dict[str, Any]
    row: models.Model | None = None
    version_name = "version"
    columns: ClassVar[dict[str, str]] = {}  # the model's field, where the form's goes by another name

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mark, self.stands = "", dict[str, Any]()
        self.kept: list[str] = []
        self.clashes: list[str] = []
        instance, options = getattr(self, "instance", None), getattr(self, "_meta", None)
        if instance is not None and options is not None and instance.pk:
            self.open_over(instance, model_to_dict(instance, options.fields))

    def open_over(self, row: models.Model, stands: Mapping[str, Any], *, key: Any = None) -> None:
        """The row this is about and what stands there, by field. `key` names a row that is made by saving it."""
        self.row, self.stands = row, {**self.stands, **stands}
        self.mark = _mark(row._meta.label_lower, key or row.pk, _practice_of(row))

    @property
    def version(self) -> str:
        """The row as this page knows it: as it stands, but for what was typed over something older."""
        if not self.mark:
            return ""
        was = self.was()
        prints = {
            name: was[name] if was.get(name) and name not in self.clashes else self._print(name, value)
            for name, value in self.stands.items()
        }
        return " ".join([self.mark, *(f"{name}:{value}" for name, value in prints.items())])

    @property
    def is_behind(self) -> bool:
        """Whether what was kept for its author was typed over what somebody has changed since."""
        was = self.was()
        return any(was.get(name, now) != now for name, now in self._prints().items())

    @property
    def are_unread(self) -> bool:
        """Whether nothing is known of what stood there when the page was opened, and all that differs is asked."""
        return not any(self.was().values())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data  # type: ignore[misc,attr-defined]  # a form's
        for name, was in self.was().items():
            if name in self.stands and name in cleaned and not self.fields[name].disabled:
                self.reconcile(name, was, cleaned)
        return cleaned

    def saved(self, text: str) -> str:
        """What was done, and what a colleague changed meanwhile that was kept."""
        if not self.kept:
            return text
        names = ", ".join(self.label_of(name) for name in self.kept)
        kept = _("Somebody else changed this meanwhile, and it was kept: %(fields)s.") % {"fields": names}
        return f"{text} {kept}"

    def label_of(self, name: str) -> str:
        """What the field is called."""
        return str(self.fields[name].label)

    def mine(self, name: str, cleaned: dict[str, Any]) -> Any:
        """What this form would have there."""
        return cleaned[name]

    def take_over(self, name: str, cleaned: dict[str, Any]) -> None:
        """Leave it as the other left it. Raises ValidationError where that could not be chosen here."""
        cleaned[name] = self.fields[name].clean(self.stands[name])

    def changed_by(self, name: str) -> tuple[str, datetime] | None:
        """Who last changed the field, and when, where the audit trail knows."""
        row: Any = self.row
        rows = AuditEntry.objects.filter(table_name=row._meta.db_table, row_id=row.pk)
        touched = Q(operation="update", changes__has_key=self.column_of(name))
        last = rows.filter(touched | Q(operation="insert")).first()
        who = Member.objects.select_related("user").filter(pk=last.member_id).first() if last else None
        return (who.name, last.at) if last and who else None

    def column_of(self, name: str) -> str:
        """Which column of the row keeps the field."""
        names: Any = self.row._meta if self.row else None
        try:
            return names.get_field(self.columns.get(name, name)).column
        except FieldDoesNotExist:
            return name

    def reconcile(self, name: str, was: str, cleaned: dict[str, Any]) -> None:
        """Compare one field with what was shown: keep the other's change, or ask about it."""
        now, mine = self._print(name, self.stands[name]), self._print(name, self.mine(name, cleaned))
        if now in (was, mine):
            return
        if mine == was:
            try:
                self.take_over(name, cleaned)
                self.kept.append(name)
                return
            except ValidationError:  # what the other chose is no choice any more: ask
                pass
        self.clashes.append(name)
        asked = self._asked_about(name) if was else self._asked_unread(name)
        if name in self.fields:
            self.add_error(name, asked)  # type: ignore[attr-defined]  # a form's
        else:
            self.add_error(None, f"{capfirst(self.label_of(name))}: {asked}")  # type: ignore[attr-defined]  # a form's

    def _asked_about(self, name: str) -> str:
        words = {"value": self.in_words(name)}
        if found := self.changed_by(name):
            words |= {"who": found[0], "at": time_format(localtime(found[1]), "g:i A")}
            return (
                _(
                    "%(who)s changed this to “%(value)s” at %(at)s while you were typing. Save again to keep yours."
                )
                % words
            )
        return (
            _("Somebody changed this to “%(value)s” while you had the page open. Save again to keep yours.")
            % words
        )

    def _asked_unread(self, name: str) -> str:
        said = _(
            "This says “%(value)s” now, and may have changed while you were typing. Save again to keep yours."
        )
        return said % {"value": self.in_words(name)}

    def in_words(self, name: str) -> str:
        """What stands there, as people read it."""
        return in_words(self.stands[name], row=self.row, name=name, field=self.fields[name])

    def was(self) -> dict[str, str]:
        """The fingerprints that the page, or the draft, brings back; none where a draft's are of another row.

        What a form says of its version and can't be read agrees with nothing: its fields are asked about.
        """
        is_sent: bool = self.is_bound  # type: ignore[attr-defined]  # a form's
        given: Any = self.data if is_sent else self.initial  # type: ignore[attr-defined]  # a form's
        said = str(given.get(self.version_name) or "")
        mark, _space, prints = said.partition(" ")
        is_ours = mark == self.mark
        if not self.mark or not said or not (is_ours or is_sent):
            return {}
        known = dict(part.split(":", 1) for part in prints.split() if ":" in part) if is_ours else {}
        return {name: known.get(name, "") for name in self.stands} if is_sent else known

    def _prints(self) -> dict[str, str]:
        return {name: self._print(name, value) for name, value in self.stands.items()}

    def _print(self, name: str, value: Any) -> str:
        return _mac(f"{self.mark} {name} {as_text(value)}")


class SharedRowForm(SharedRow, PracticeForm):
    """A model form over a row of the practice that others change too."""


def for_change(request: HttpRequest, rows: QuerySet) -> QuerySet:
    """Saving locks the row, so that two people who save at once are compared with each other."""
    return rows.select_for_update(of=("self",), no_key=True) if request.method == "POST" else rows


def typed_over(post: QueryDict, *, practice_id: int) -> list[tuple[str, str]] | None:
    """The words typed over a row that was there when the page was opened, by label; None: no page of ours says so."""
    mark, _space, prints = post.get("version", "").partition(" ")
    label, _slash, key = mark.rpartition("/")[0].partition("/")
    if not mark or _mark(label, key, practice_id) != mark:
        return None
    names = [part.split(":", 1)[0] for part in prints.split()]
    found = [(_label_of(label, name), post[name].strip()) for name in names if name in post]
    return [(name, text) for name, text in found if name and text]


def in_words(value: Any, *, row: Any, name: str, field: Any) -> str:
    """A field's value as people read it."""
    if value in (None, "", []):
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if shown := getattr(row, f"get_{name}_display", None):
        return str(shown())
    if isinstance(value, datetime):
        return date_format(value, "M j, Y, g:i A")
    if isinstance(value, date):
        return date_format(value, "M j, Y")
    if isinstance(value, time):
        return time_format(value, "g:i A")
    choices = dict(_flat(getattr(field, "choices", None) or ()))
    return choices.get(as_text(value)) or as_text(value)


def as_text(value: Any) -> str:
    """One spelling for a value of a row and of a form."""
    if value is None:
        return ""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).replace("\r\n", "\n").strip()


def _flat(choices: Any) -> list[tuple[str, str]]:
    flat = []
    for value, label in choices:
        grouped = isinstance(label, list | tuple)
        flat += _flat(label) if grouped else [(str(value), str(label))]
    return flat


def _practice_of(row: Any) -> int:
    return getattr(row, "practice_id", None) or row.pk


def _mark(label: str, key: Any, practice_id: int) -> str:
    return f"{label}/{key}/{_mac(f'{practice_id} {label} {key}')}"


def _mac(text: str) -> str:
    return salted_hmac(SALT, text, algorithm="sha256").hexdigest()[:LENGTH]


def _label_of(label: str, name: str) -> str:
    """What a text field is called; nothing for a choice, which is quickly made again."""
    try:
        field: Any = apps.get_model(label)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return ""
    is_words = isinstance(field, models.CharField | models.TextField) or "Text" in type(field).__name__
    return capfirst(str(field.verbose_name)) if is_words and not field.choices else ""
