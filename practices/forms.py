"""The one base of every form over a practice's rows."""

from typing import Any

from django import forms

from practices.isolation import current_practice_id


class PracticeForm(forms.ModelForm):
    """A model form whose choices are read anew in the open scope, and whose unique checks know the practice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.practice_id is None:
            self.instance.practice_id = current_practice_id()
        reread_choices(self)

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"practice"}


def reread_choices(form: forms.BaseForm) -> None:
    """Give each model choice the rows of the open practice; an active-only manager method is used where it is."""
    for field in form.fields.values():
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            rows = field.queryset.model.objects.all()
            field.queryset = rows.current() if hasattr(rows, "current") else rows
