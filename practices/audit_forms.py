"""What of the logs is asked for."""

from datetime import date
from typing import Any

from django import forms
from django.apps import apps
from django.utils.translation import gettext_lazy as _

from practices.audit_trail import THE_SYSTEM, looked_through
from practices.forms import DayField
from practices.models import AuditEntry, Member, PatientAccess, Practice, PracticeModel, SignInEvent
from practices.settings_forms import day_input


def kinds_of_rows() -> list[tuple[str, str]]:
    """Every table that a change may be of, by what its rows are called."""
    models = [model for model in apps.get_models() if issubclass(model, PracticeModel) or model is Practice]
    named = ((model._meta.db_table, str(model._meta.verbose_name)) for model in models)
    return sorted(named, key=lambda kind: kind[1])


class LogFilterForm(forms.Form):
    """Whose acts, from which day to which."""

    member = forms.ChoiceField(label=_("Who"), required=False)
    since = DayField(label=_("From"), required=False, widget=day_input())
    until = DayField(label=_("Until"), required=False, widget=day_input())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seats = Member.objects.select_related("user").order_by("user__name")
        people = [(str(seat.pk), seat.name) for seat in seats]
        self.fields["member"].choices = [("", _("anybody")), *people]
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"

    def asked(self) -> dict[str, Any]:
        """What was chosen; a malformed wish is none."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class AuditFilterForm(LogFilterForm):
    """Changes of what, too; `row` with a kind is one row's story."""

    what = forms.ChoiceField(label=_("What"), required=False)
    operation = forms.ChoiceField(
        label=_("Act"), required=False, choices=[("", _("any")), *AuditEntry.Operation.choices]
    )
    row = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput())
    field_order = ("member", "operation", "what", "since", "until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member"].choices = [*self.fields["member"].choices, (THE_SYSTEM, _("nobody of ours"))]
        self.fields["what"].choices = [("", _("everything")), *kinds_of_rows()]


class SignInFilterForm(LogFilterForm):
    """Sign-ins of one kind."""

    act = forms.ChoiceField(
        label=_("What"), required=False, choices=[("", _("everything")), *SignInEvent.Act.choices]
    )
    field_order = ("member", "act", "since", "until")


class AccessFilterForm(LogFilterForm):
    """Sight of patients of one kind, or of the patient of one referral or return referral."""

    act = forms.ChoiceField(
        label=_("What"), required=False, choices=[("", _("everything")), *PatientAccess.Act.choices]
    )
    referral = forms.IntegerField(label=_("Referral (R-)"), required=False, min_value=1, max_value=2**63 - 1)
    return_referral = forms.IntegerField(
        label=_("Return referral (RR-)"), required=False, min_value=1, max_value=2**63 - 1
    )
    field_order = ("member", "act", "referral", "return_referral", "since", "until")

    def asked_by(self, today: date) -> dict[str, Any]:
        """What was chosen; of one patient, in a year's days at most."""
        asked = self.asked()
        if "referral" in asked or "return_referral" in asked:
            days = looked_through(asked.get("since"), asked.get("until"), today=today)
            asked["since"], asked["until"] = days
        return asked
