"""The one base of every form over a practice's rows, and which dates are believed."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext_lazy as _

from practices.isolation import current_practice_id

TYPED_YEARS = 10  # what is logged by hand came of late: further back, a digit of the year is wrong
TOLD_YEARS = 1  # a call or what was heard of us is taken down while it is remembered
FILED_YEARS = 30  # a file may bring a practice's whole history


def plausible(value: date) -> None:
    """A day of a practice's life or a patient's: further off, calendars overflow."""
    if not 1900 <= value.year <= 2199:
        raise ValidationError(_("Enter a date between 1900 and 2199."), code="implausible")


def zip_code_of(text: str) -> str:
    """What was typed, if it is a ZIP code or nothing."""
    text = text.strip()
    if text and not re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", text):
        raise ValidationError(_("A ZIP code has five digits, or nine: 60302 or 60302-1111."))
    return text


def not_past(value: date | None, *, today: date) -> date | None:
    """What is promised or due comes yet."""
    if value and value < today:
        raise ValidationError(_("Choose today or a day to come."), code="past")
    return value


def of_late(value: date, *, today: date) -> date:
    """What happened and is taken down now: not in the future, and not long ago."""
    if value > today:
        raise ValidationError(_("It can't have been in the future."), code="future")
    if not is_within_years(value, TOLD_YEARS, today=today):
        raise ValidationError(_("That is more than a year ago: is the year right?"), code="long_ago")
    return value


def is_within_years(day: date, years: int, *, today: date) -> bool:
    """Whether a day lies at most so many years back."""
    return (day.year + years, day.month, day.day) >= (today.year, today.month, today.day)


class DayField(forms.DateField):
    """A plausible date."""

    default_validators = [plausible]


class MomentField(forms.DateTimeField):
    """A plausible date and time, which the clock shows once that day."""

    default_validators = [plausible]

    def to_python(self, value: Any) -> datetime | None:
        try:
            return super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone" or not error.params:
                raise
            raise ValidationError(_clock_changes(error.params["datetime"]), code=error.code) from error


def _clock_changes(naive: datetime) -> str:
    """Why the open zone's clock does not show this time once."""
    instant = naive.replace(tzinfo=timezone.get_current_timezone()).astimezone(UTC)
    is_shown = instant.astimezone(timezone.get_current_timezone()).replace(tzinfo=None) == naive
    said = (
        _("The clock shows %(time)s twice that day; choose another time.")
        if is_shown
        else _("The clock jumps over %(time)s that day; choose another time.")
    )
    return said % {"time": time_format(naive.time(), "g:i A")}


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
