"""Who sent the patient, typed: somebody we know, somebody new, or at least the office."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.merging import standing_for
from contacts.models import Office, Provider
from contacts.npi import validate_npi
from contacts.search import folded
from contacts.senders import (
    Found,
    add_office,
    add_provider,
    main_office,
    offices_like,
    providers_like,
    resolve,
    with_places,
)
from practices.pages import as_id

NEW = "new"
NEW_FIELDS = {
    "provider": ("new_given_name", "new_family_name", "new_credentials", "new_npi"),
    "office": ("new_office_name", "new_office_phone", "new_office_city", "new_office_state"),
}


def typeahead(url_name: str, *, target: str, section: str) -> forms.TextInput:
    """A text field that static/js/typeahead.js makes a combobox of."""
    return forms.TextInput(
        attrs={
            "data-typeahead": reverse_lazy(url_name),
            "data-typeahead-target": target,
            "data-typeahead-new": section,
            "data-count": gettext_lazy("{count} found"),
            "autocomplete": "off",
        }
    )


class SenderForm(forms.Form):
    """With scripting a choice comes as an id; without, the typed text is resolved here, and asked about."""

    provider_text = forms.CharField(
        label=gettext_lazy("Referring provider"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Name, office or NPI. Only the office is known? Leave this empty."),
        widget=typeahead("provider_options", target="id_provider", section="#new-provider"),
    )
    provider = forms.CharField(required=False, widget=forms.HiddenInput)
    provider_choice = forms.CharField(required=False)
    new_family_name = forms.CharField(label=gettext_lazy("Family name"), required=False, max_length=100)
    new_given_name = forms.CharField(label=gettext_lazy("Given name"), required=False, max_length=100)
    new_credentials = forms.CharField(
        label=gettext_lazy("Credentials"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"placeholder": "MD, DO, NP, PA …"}),
    )
    new_npi = forms.CharField(
        label=gettext_lazy("NPI"),
        required=False,
        validators=[validate_npi],
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    office_text = forms.CharField(
        label=gettext_lazy("Office"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Empty: the provider's main office."),
        widget=typeahead("office_options", target="id_office", section="#new-office"),
    )
    office = forms.CharField(required=False, widget=forms.HiddenInput)
    office_choice = forms.CharField(required=False)
    new_office_name = forms.CharField(label=gettext_lazy("Office's name"), required=False, max_length=200)
    new_office_city = forms.CharField(label=gettext_lazy("City"), required=False, max_length=100)
    new_office_state = forms.CharField(label=gettext_lazy("State"), required=False, max_length=2)
    new_office_phone = forms.CharField(label=gettext_lazy("Phone"), required=False, max_length=30)

    known_provider: Provider | None = None
    known_office: Office | None = None
    provider_candidates: list[Provider] = []
    office_candidates: list[Office] = []
    has_twin = False
    may_be_new = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # After an error the first field that has one is where the reader has to be.
        self.fields["provider_text"].widget.attrs["autofocus"] = not self.is_bound

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._find_provider()
        self._find_office()
        if not self._is_named():
            self._ask_who_sent()
        return cleaned

    def known_providers(self) -> QuerySet:
        """Who may be chosen."""
        return Provider.objects.active()

    def _is_named(self) -> bool:
        return bool(self.known_provider or self.known_office or self.adds_provider or self.adds_office)

    @property
    def asks_which_provider(self) -> bool:
        """Whether there is a choice to make, or one that was made to keep."""
        is_new = self.is_bound and self.cleaned_data.get("provider_choice") == NEW
        return bool(self.provider_candidates) or is_new or (self.has_twin and self.may_be_new)

    @property
    def adds_provider(self) -> bool:
        return self.known_provider is None and bool(self.cleaned_data.get("new_family_name"))

    @property
    def adds_office(self) -> bool:
        return self.known_office is None and bool(self.cleaned_data.get("new_office_name"))

    @property
    def shows_new_provider(self) -> bool:
        """Whether the fields of somebody new stand open without scripting."""
        return self._shows_new("provider")

    @property
    def shows_new_office(self) -> bool:
        """The same of a new office."""
        return self._shows_new("office")

    def _shows_new(self, name: str) -> bool:
        """Both at first; once something was asked about one of the two, that one's alone."""
        return not self.is_bound or self._is_asked(name) or not any(map(self._is_asked, NEW_FIELDS))

    def _is_asked(self, name: str) -> bool:
        new = [field for field in NEW_FIELDS[name] if field in self.fields]
        return f"{name}_text" in self.errors or any(
            self[field].errors or self[field].value() for field in new
        )

    def save_sender(self) -> tuple[Provider | None, Office | None]:
        """The provider and office, added where they are new."""
        value = self.cleaned_data
        office = self.known_office and standing_for(self.known_office)
        if self.adds_office:
            office = add_office(
                name=value["new_office_name"],
                city=value["new_office_city"],
                state=value["new_office_state"].upper(),
                phone=value["new_office_phone"],
            )
        provider = self.known_provider and standing_for(self.known_provider)
        if self.adds_provider:
            provider = add_provider(
                family_name=value["new_family_name"],
                given_name=value["new_given_name"],
                credentials=value["new_credentials"],
                npi=value["new_npi"] or None,
                office=office,
            )
        elif provider and office is None:
            office = main_office(provider)
        return provider, office

    def _find_provider(self) -> None:
        value = self.cleaned_data
        if (
            value.get("new_family_name")
            and not value.get("provider")
            and not _is_id(value["provider_choice"])
        ):
            return self._check_new_provider()
        found = self._resolved("provider", with_places(self.known_providers()), providers_like)
        self.known_provider, self.provider_candidates = found.chosen, list(found.candidates)
        return None

    def _find_office(self) -> None:
        value = self.cleaned_data
        if value.get("new_office_name") and not value.get("office") and not _is_id(value["office_choice"]):
            return
        found = self._resolved("office", Office.objects.current(), offices_like)
        self.known_office, self.office_candidates = found.chosen, list(found.candidates)

    def _resolved(self, name: str, rows: Any, like: Any) -> Found:
        text, chosen = self.cleaned_data.get(f"{name}_text", ""), self.cleaned_data[name]
        choice = self.cleaned_data[f"{name}_choice"]
        if choice == NEW:
            self.add_error(self.NEW_NAMES[name], _("Fill in who is new."))
            return Found()
        if _is_id(choice) and (row := rows.filter(pk=choice).first()):
            return Found(chosen=row)
        # Without scripting the id may be of an earlier choice: the text decides what is meant.
        if text and _is_id(chosen) and (row := rows.filter(pk=chosen).first()) and _says(text, row):
            return Found(chosen=row)
        if not text:
            return Found()
        found = resolve(like(text), text)
        if found.chosen is None:
            self.add_error(f"{name}_text", self._question(name, text, has_candidates=bool(found.candidates)))
        return found

    NEW_NAMES = {"provider": "new_family_name", "office": "new_office_name"}

    def _question(self, name: str, text: str, *, has_candidates: bool) -> str:
        if has_candidates:
            return _("Which one is meant by “%(text)s”?") % {"text": text}
        if name == "provider":
            return _(
                "Nobody in your network is called “%(text)s”. Try another spelling, or add them as new."
            ) % {"text": text}
        return _(
            "No office in your network is called “%(text)s”. Try another spelling, or add it as new."
        ) % {"text": text}

    def _check_new_provider(self) -> None:
        value = self.cleaned_data
        everybody = with_places(Provider.objects.current())
        if value.get("new_npi") and (twin := everybody.filter(npi=value["new_npi"]).first()):
            self._meant_twin("new_npi", twin)
        elif value["provider_choice"] != NEW and (
            twin := everybody.filter(
                family_name__iexact=value["new_family_name"],
                given_name__iexact=value.get("new_given_name", ""),
            ).first()
        ):
            self._meant_twin("new_family_name", twin)

    def _meant_twin(self, field: str, twin: Provider) -> None:
        self.has_twin, self.may_be_new = True, field != "new_npi"
        if twin.is_active:
            self.provider_candidates = [twin]
            error = _("%(name)s is in your network already. The same person? Choose below.")
        else:
            error = _("%(name)s is in your network already, but marked “%(state)s”: mend that on their page.")
        self.add_error(field, error % {"name": twin, "state": twin.get_state_display()})

    def _ask_who_sent(self) -> None:
        if not self.errors.keys() & {"provider_text", "office_text", "new_family_name", "new_office_name"}:
            self.add_error(
                "provider_text",
                _("Say who sent the patient; or, where only the office is known, name the office."),
            )


def _is_id(text: str) -> bool:
    return as_id(text) is not None


def _says(text: str, row: Any) -> bool:
    return folded(text) == folded(str(row))
