"""Choosing, field by field, what the one that is kept shall say."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.merging import OFFICE_FIELDS, PROVIDER_FIELDS
from contacts.models import Office, Provider
from practices.shared_rows import as_text

KEEP, DROP, BOTH = "keep", "drop", "both"
JOINED = ("personal_notes", "notes")


@dataclass(frozen=True)
class Side:
    """One row's value of a field, as it is shown and chosen."""

    choice: str
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class Compared:
    """A field of both; `sides` is empty where they agree."""

    name: str
    label: str
    text: str
    sides: tuple[Side, ...] = ()


class MergeForm(forms.Form):
    """A choice for each field in which the two differ; what is blank on one side is filled from the other."""

    fields: dict[str, Any]

    def __init__(
        self, data: Any = None, *, keep: Provider | Office, drop: Provider | Office, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.keep, self.drop = keep, drop
        self.names = PROVIDER_FIELDS if isinstance(keep, Provider) else OFFICE_FIELDS
        for name in self.names:
            mine, theirs = as_text(getattr(keep, name)), as_text(getattr(drop, name))
            if mine != theirs:
                choices = [KEEP, DROP, BOTH] if name in JOINED and mine and theirs else [KEEP, DROP]
                initial = choices[-1] if len(choices) > 2 or not mine else KEEP
                self.fields[name] = forms.ChoiceField(
                    choices=[(choice, choice) for choice in choices], initial=initial, required=False
                )

    def compared(self) -> list[Compared]:
        """Every field that holds something on either side, in the order of the form."""
        rows = [self._compared(name) for name in self.names]
        return [row for row in rows if row.sides or row.text]

    def values(self) -> dict[str, Any]:
        """What the kept one shall take over; call it once the form is valid."""
        values = {}
        for name, field in self.fields.items():
            choice = self.cleaned_data[name] or field.initial
            if choice == DROP:
                values[name] = getattr(self.drop, name)
            elif choice == BOTH:
                values[name] = f"{getattr(self.keep, name)}\n{getattr(self.drop, name)}"
        return values

    def _compared(self, name: str) -> Compared:
        field: Any = self.keep._meta.get_field(name)
        label = str(field.verbose_name)
        if name not in self.fields:
            return Compared(name, label, shown(self.keep, name))
        chosen = self[name].value()
        sides = [
            Side(KEEP, shown(self.keep, name), chosen == KEEP),
            Side(DROP, shown(self.drop, name), chosen == DROP),
        ]
        if len(self.fields[name].choices) > 2:
            sides.append(Side(BOTH, _("both, one below the other"), chosen == BOTH))
        return Compared(name, label, "", tuple(sides))


def shown(row: Provider | Office, name: str) -> str:
    """A field's value as people read it; nothing for a blank."""
    value = getattr(row, f"get_{name}_display", lambda: getattr(row, name))()
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, date):
        return date_format(value, "M j, Y")
    if isinstance(value, list):
        return as_text(value)
    return "" if value is None else str(value)
