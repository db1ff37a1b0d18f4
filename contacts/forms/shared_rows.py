"""Two people with the same row open: what the other changed meanwhile is kept, or asked about."""

import json
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from practices.forms import PracticeForm


class SharedRowForm(PracticeForm):
    """A form that knows what its page showed. The template puts `{{ form.seen }}` into a hidden input `seen`.

    The view reads the row for a POST under a lock, so that what is compared is what is saved over.
    """

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = {name: as_text(self.initial.get(name)) for name in self._meta.fields or ()}
        self.changed_meanwhile: list[str] = []

    @property
    def seen(self) -> str:
        """The row as it stands now, for the page to bring back."""
        return json.dumps(self.now)

    def was_seen(self) -> dict[str, Any]:
        """The row as the page showed it; empty for one that was just made up."""
        try:
            found = json.loads(self.data.get(self.add_prefix("seen"), ""))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        for name, was in self.was_seen().items():
            if name in self.fields and name in self.now and was != self.now[name] and name in cleaned:
                self._reconcile(name, was, cleaned)
        return cleaned

    def _reconcile(self, name: str, was: str, cleaned: dict[str, Any]) -> None:
        mine = as_text(cleaned[name])
        if mine == was:
            cleaned[name] = self.fields[name].clean(self.initial.get(name))
            self.changed_meanwhile.append(str(self.fields[name].label))
        elif mine != self.now[name]:
            self.add_error(name, self._both_changed(name))

    def _both_changed(self, name: str) -> ValidationError:
        value = getattr(self.instance, f"get_{name}_display", lambda: getattr(self.instance, name))()
        shown = (
            _("empty") if value in (None, "", []) else as_text(value) if isinstance(value, list) else value
        )
        return ValidationError(
            _(
                "Somebody changed this while you had the page open; it is now: %(value)s. Save again to keep yours."
            ),
            params={"value": shown},
        )


def as_text(value: Any) -> str:
    """One spelling for a value of a row and of a form."""
    if value is None:
        return ""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value).replace("\r\n", "\n")
