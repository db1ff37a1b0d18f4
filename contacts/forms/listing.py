"""The filters of the lists of providers and offices: they live in the address, and a wrong one is passed over."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider, Specialty
from contacts.standing import Standing
from practices.models import Member

ANY = [("", _("any"))]


class FilterForm(forms.Form):
    """Filters of a list. `chosen` holds those that make sense."""

    fields: dict[str, Any]

    q = forms.CharField(
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "class": "form-control"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, forms.TypedChoiceField):
                field.widget.attrs["class"] = "form-select"
            if name == "liaison":
                field.choices = [*ANY, *_liaisons()]
            if name == "specialty":
                field.choices = [*ANY, *Specialty.objects.values_list("pk", "name")]

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class OfficeFilterForm(FilterForm):
    """Filters of the list of offices."""

    liaison = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label=_("Liaison"))


class ProviderFilterForm(OfficeFilterForm):
    """Filters of the list of providers."""

    standing = forms.TypedChoiceField(required=False, coerce=Standing, empty_value=None, label=_("Standing"))
    tier = forms.TypedChoiceField(required=False, choices=[*ANY, *Provider.Tier.choices], label=_("Tier"))
    specialty = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label=_("Specialty"))
    state = forms.TypedChoiceField(required=False, choices=Provider.State.choices, label=_("State"))
    territory = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ["q", "standing", "tier", "specialty", "liaison", "state"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["standing"].choices = [*ANY, *[(one.value, one.label) for one in Standing]]


def _liaisons() -> list[tuple[int, str]]:
    """Whoever has a territory."""
    # By member, who are few: all that are somebody's territory would be thousands in a large practice.
    offices = Office.objects.filter(liaison=OuterRef("pk"))
    providers = Provider.objects.filter(liaison=OuterRef("pk"))
    seats = Member.objects.filter(Exists(offices) | Exists(providers))
    return list(seats.order_by("user__name").values_list("pk", "user__name"))
