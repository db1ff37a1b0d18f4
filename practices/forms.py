"""The one base of every form over a practice's rows."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from practices.isolation import current_practice_id


def plausible(value: date) -> None:
    """A day of a practice's life or a patient's: further off, calendars overflow."""
    if not 1900 <= value.year <= 2199:
        raise ValidationError(_("Enter a date between 1900 and 2199."), code="implausible")


class DayField(forms.DateField):
    """A plausible date."""

    default_validators = [plausible]


class MomentField(forms.DateTimeField):
    """A plausible date and time."""

    default_validators = [plausible]


class PracticeForm(forms.ModelForm):
    """A model form whose choices are read anew in the open scope, and whose unique checks know the practice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.practice_id is None:
            self.instance.practice_id = current_practice_id()
        reread_choices(self)
        for field in self.fields.values():
            if isinstance(field, forms.DateField) and plausible not in field.validators:
                field.validators.append(plausible)

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"practice"}


def reread_choices(form: forms.BaseForm) -> None:
    """Give each model choice the rows of the open practice; an active-only manager method is used where it is."""
    for field in form.fields.values():
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            rows = field.queryset.model.objects.all()
            field.queryset = rows.current() if hasattr(rows, "current") else rows
