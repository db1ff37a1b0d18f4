"""Forms of providers, offices and the people at the front desk."""

import re
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.accepting import listed
from contacts.models import Office, OfficeContact, Provider
from contacts.places import set_places
from contacts.search import folded, nearest, refresh_search
from practices.models import Member
from practices.pages import as_id
from practices.roles import Role
from practices.shared_rows import SharedRowForm

STATE_CONSEQUENCES = {
    Provider.State.ACTIVE: gettext_lazy("Appears in lists, suggestions and reminders."),
    Provider.State.MOVED: gettext_lazy("Leaves lists, suggestions and reminders; the history stays."),
    Provider.State.RETIRED: gettext_lazy("Leaves lists, suggestions and reminders; the history stays."),
    Provider.State.DECEASED: gettext_lazy("Nobody is asked to write, call or visit any more."),
    Provider.State.DO_NOT_CONTACT: gettext_lazy(
        "Referrals are still logged; nobody writes, calls or visits."
    ),
}


def liaison_choices(chosen_id: int | None) -> Any:
    """Active members who visit offices, and whoever is chosen already."""
    seats = Member.objects.select_related("user").order_by("user__name")
    return seats.active().filter(role__in=[Role.LIAISON, Role.MANAGER]) | seats.filter(
        pk__in=[chosen_id] if chosen_id else []
    )


class WordsField(SimpleArrayField):
    """Words separated by commas: each once, without the spaces around it."""

    def to_python(self, value: Any) -> Any:
        words = value if isinstance(value, list) else str(value or "").split(",")
        kept: dict[str, str] = {}
        for word in super().to_python([" ".join(word.split()) for word in words if word.strip()]):
            kept.setdefault(word.casefold(), word)
        return list(kept.values())

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class ProviderForm(SharedRowForm):
    """One provider, and the offices they work in."""

    languages = WordsField(forms.CharField(max_length=40), label=gettext_lazy("Languages"), required=False)
    payers = WordsField(forms.CharField(max_length=100), label=gettext_lazy("Payers"), required=False)

    class Meta:
        model = Provider
        fields = [
            "given_name",
            "middle_name",
            "family_name",
            "credentials",
            "form_of_address",
            "npi",
            "specialty",
            "phone",
            "fax",
            "email",
            "preferred_contact",
            "days_in_office",
            "is_accepting_patients",
            "accepting_confirmed_on",
            "languages",
            "payers",
            "tier",
            "liaison",
            "state",
            "personal_notes",
        ]
        widgets = {
            "personal_notes": forms.Textarea(attrs={"rows": 4}),
            "accepting_confirmed_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "is_accepting_patients": forms.NullBooleanSelect,
            "state": forms.RadioSelect,
            "npi": forms.TextInput(attrs={"inputmode": "numeric"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["liaison"].queryset = liaison_choices(self.instance.liaison_id)
        self.fields["is_accepting_patients"].widget.choices = [
            ("unknown", _("not known")),
            ("true", _("yes")),
            ("false", _("no")),
        ]
        self.fields["state"].choices = [
            (state.value, format_html("{}<br><small>{}</small>", state.label, STATE_CONSEQUENCES[state]))
            for state in Provider.State
        ]
        for name in ("languages", "payers"):
            so_far = ", ".join(listed(name, limit=8)) or _("none yet")
            self.fields[name].help_text = _("Separated by commas. In your network: %(words)s") % {
                "words": so_far
            }
        self.fields["npi"].max_length = None  # spaces and dashes are taken out before it is measured
        self.fields["npi"].validators = []

    def clean_npi(self) -> str | None:
        """Ten digits whatever stands between them, not those of another provider of the network."""
        npi = re.sub(r"[\s.-]", "", self.cleaned_data["npi"] or "")
        if not npi:
            return None
        for validate in Provider._meta.get_field("npi").validators:
            validate(npi)
        holder = Provider.objects.current().filter(npi=npi).exclude(pk=self.instance.pk).first()
        if holder:
            raise ValidationError(
                format_html(
                    '{} <a href="{}">{}</a>',
                    _("This NPI is in your network already:"),
                    reverse("provider", args=[holder.pk]),
                    holder,
                )
            )
        return npi


class OfficeForm(SharedRowForm):
    """One office."""

    class Meta:
        model = Office
        fields = ["name", "street", "suite", "city", "state", "zip_code", "phone", "fax", "liaison", "notes"]
        widgets = {"notes": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "liaison" in self.fields:
            self.fields["liaison"].queryset = liaison_choices(self.instance.liaison_id)

    def clean_state(self) -> str:
        return self.cleaned_data["state"].upper()

    def clean_zip_code(self) -> str:
        value = self.cleaned_data["zip_code"].strip()
        if value and not re.fullmatch(r"\d{5}(-?\d{4})?", value):
            raise ValidationError(_("A ZIP code has five digits, or nine."))
        return value


class OfficeContactForm(SharedRowForm):
    """A person at an office who is no provider."""

    class Meta:
        model = OfficeContact
        fields = ["name", "job", "phone", "email", "notes"]
        widgets = {"notes": forms.Textarea(attrs={"rows": 2})}


class NewOfficeForm(OfficeForm):
    """An office added in place: what stands on a letterhead."""

    use_required_attribute = False  # without scripting it stands open, and most who save add none

    class Meta(OfficeForm.Meta):
        fields = ["name", "street", "suite", "city", "state", "zip_code", "phone", "fax"]

    def add_prefix(self, field_name: str) -> str:
        """As the type-ahead fills them: the provider's form has a telephone too."""
        return f"new_office_{field_name}"


class PlacesForm(forms.Form):
    """Which offices a provider works in: those so far, and one to add, found or new.

    `office` is what the type-ahead chose; without scripting `office_text` is resolved here, and what it may mean
    is offered as `candidates`. Offices that a colleague added meanwhile are not touched.
    """

    data: Any

    office = forms.IntegerField(required=False, widget=forms.HiddenInput)
    office_text = forms.CharField(required=False, max_length=200, label=gettext_lazy("Add an office"))
    is_main = forms.BooleanField(required=False, label=gettext_lazy("This is the main office"))

    def __init__(self, data: Any = None, *, provider: Provider) -> None:
        super().__init__(data)
        places = provider.places.select_related("office").order_by("-is_main", "id") if provider.pk else []
        self.so_far: list[Office] = [place.office for place in places]
        self.main_id: int | None = next((place.office_id for place in places if place.is_main), None)
        self.candidates: list[Office] = []
        is_new = any(value for name, value in (data or {}).items() if name.startswith("new_office_"))
        self.new_office = NewOfficeForm(data if is_new else None)

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        self.added = Office.objects.current().filter(pk=cleaned.get("office")).first()
        text = cleaned.get("office_text", "").strip()
        if self.added is None and text and not self.new_office.is_bound:
            self.added = self._resolve(text)
        elif self.added is None and self.new_office.is_bound and not self.new_office.is_valid():
            raise ValidationError(_("See the new office below."))
        return cleaned

    def save(self, provider: Provider) -> None:
        """Write where this provider works."""
        if self.added is None and self.new_office.is_bound:
            self.added = self.new_office.save()
            refresh_search(offices=[self.added.pk])
        left = {int(pk) for pk in self._posted("place_shown")} - {int(pk) for pk in self._posted("place")}
        offices = [office for office in self.so_far if office.pk not in left]
        if self.added:
            offices.append(self.added)
        set_places(provider, offices=offices, main=self._main(offices))

    def _main(self, offices: list[Office]) -> Office | None:
        if self.added and self.cleaned_data["is_main"]:
            return self.added
        chosen = set(self._posted("main")) - set(self._posted("main_shown"))  # untouched: as it stands by now
        return next((office for office in offices if str(office.pk) in chosen), None)

    def _posted(self, name: str) -> list[str]:
        return [value for value in self.data.getlist(name) if as_id(value) is not None]

    def _resolve(self, text: str) -> Office | None:
        found = nearest(Office.objects.current(), text, limit=5)
        exact = [office for office in found if folded(office.name) == folded(text)]
        if len(exact) == 1:
            return exact[0]
        self.candidates = exact or found
        self.add_error(
            "office_text",
            _("Choose the office you mean, or add it as new below.")
            if self.candidates
            else _("No office is called that. Add it as new below."),
        )
        return None
