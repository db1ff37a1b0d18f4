"""Who is to be, or was, there: boxes to tick for whom the office and the practice have, others found by typing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.senders import SenderForm, typeahead
from contacts.models import Office
from contacts.search import folded
from practices.models import Member
from practices.shared_rows import SharedRow
from touchpoints.meeting_people import People, add_to_office, key_of, person_meant, place_of, staff_of
from touchpoints.models import Meeting

NEWCOMER = ("new_contact", "new_contact_job")
SOMEBODY_ELSE = ("person_text", "person", "person_choice")
OFFICE = {"office_text", "office", "office_choice"}


@dataclass(frozen=True)
class Box:
    """Somebody to tick."""

    key: str
    label: str
    place: str
    is_ticked: bool


class PresentForm(SharedRow, SenderForm):
    """Works without scripting: what was typed is resolved here, and the button Add shows the page with them ticked.

    `down`: whom the boxes are ticked for at first. `also`: who may stay chosen though they could not be any more.
    """

    version_name = "version_of_people"

    person_text = forms.CharField(
        label=gettext_lazy("Somebody else of theirs"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Name or office, then Add."),
        widget=forms.TextInput(
            attrs={
                "data-typeahead": reverse_lazy("meeting_people_options"),
                "data-typeahead-target": "id_person",
                "data-count": gettext_lazy("{count} found"),
                "autocomplete": "off",
            }
        ),
    )
    person = forms.CharField(required=False, widget=forms.HiddenInput)
    person_choice = forms.CharField(required=False)
    new_contact = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)
    new_contact_job = forms.CharField(
        label=gettext_lazy("Job"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("Referral coordinator, front desk …"),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        down: People,
        also: People | None = None,
        office: Office | None = None,
        asks_office: bool = True,
        is_fixed: bool = False,
        meeting: Meeting | None = None,
    ) -> None:
        at = {"office": office.pk, "office_text": str(office)} if office else {}
        super().__init__(data, initial=at)
        also = also or down
        ticked = down.keys if data is None else set(data.getlist("people"))
        everybody = People.chosen(also.keys | ticked, also=also)
        self.also, self.down = everybody.only(also.keys), everybody.only(ticked)
        self.first_office, self.is_fixed = office, is_fixed
        self.person_candidates: list[Any] = []
        dropped = SenderForm.base_fields.keys() - (OFFICE if asks_office else set())
        for name in (*dropped, *([] if asks_office else NEWCOMER), *(SOMEBODY_ELSE if is_fixed else [])):
            del self.fields[name]
        if asks_office:
            self._ask_office()
        if meeting:
            self.open_over(meeting, {"people": sorted(also.keys), "office_text": meeting.office_id})

    def _ask_office(self) -> None:
        field = self.fields["office_text"]
        field.label, field.help_text = _("Which office"), _("Then tick who was there, or is to be.")
        widget = typeahead("office_options", target="id_office", section="")
        widget.attrs["data-typeahead"] = f"{reverse_lazy('office_options')}?known=1"
        del widget.attrs["data-typeahead-new"]
        field.widget = widget

    def said_office(self) -> Office | None:
        """The office named, once it is valid; at first the one that was given."""
        is_asked = "office_text" in self.fields
        return self.known_office if self.is_bound and is_asked else self.first_office

    def theirs(self) -> list[Box]:
        """Who is down for it, and who else works at that office."""
        office = self.said_office()
        others = [] if self.is_fixed or office is None else staff_of(office)
        return self._boxes([*(self.also if self.is_fixed else self.down).theirs, *others], at=office)

    def ours(self) -> list[Box]:
        if self.is_fixed:
            return []
        members = Member.objects.active().select_related("user").order_by("user__name")
        return self._boxes([*self.down.members, *members])

    def _boxes(self, people: Iterable[Any], *, at: Office | None = None) -> list[Box]:
        each = {key_of(person): person for person in people}
        return [
            Box(key, str(person), place_of(person, at=at), key in self.down.keys)
            for key, person in each.items()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if was := self.was().get("people"):
            self.reconcile("people", was, cleaned)
        return cleaned

    def mine(self, name: str, cleaned: dict[str, Any]) -> Any:
        return sorted(self.down.keys) if name == "people" else self.known_office

    def take_over(self, name: str, cleaned: dict[str, Any]) -> None:
        if name == "people":
            self.down = self.also
        else:
            self.known_office = self.first_office

    def in_words(self, name: str) -> str:
        there = map(str, self.also) if name == "people" else [str(self.first_office or "")]
        return ", ".join(filter(None, there)) or _("empty")

    def label_of(self, name: str) -> str:
        return str(_("who is there")) if name == "people" else super().label_of(name)

    def _find_provider(self) -> None:
        """Whoever was typed joins those ticked."""
        text = self.cleaned_data.get("person_text", "")
        if not text:
            return
        person = self._person(text)
        if person is None:
            self.add_error("person_text", self._whose(text))
            return
        self._tick(person)
        self._clear("person_text", "person")

    def add_newcomer(self) -> None:
        """Put whoever is new at the office into its address book, once, and tick them."""
        name, office = self.cleaned_data.get("new_contact"), self.known_office
        if not name or office is None:
            return
        self._tick(add_to_office(office, name=name, job=self.cleaned_data["new_contact_job"]))
        self._clear(*NEWCOMER)

    def _tick(self, person: Any) -> None:
        self.down = People.chosen({*self.down.keys, key_of(person)}, also=self.also)

    def _clear(self, *names: str) -> None:
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        for name in names:
            data[name] = ""
        self.data = data

    def _person(self, text: str) -> Any:
        for key in (self.cleaned_data["person_choice"], self.cleaned_data["person"]):
            chosen = next(iter(People.chosen([key]).theirs), None)
            if chosen and (key == self.cleaned_data["person_choice"] or folded(str(chosen)) == folded(text)):
                return chosen
        found = person_meant(text)
        self.person_candidates = list(found.candidates)
        return found.chosen

    def _whose(self, text: str) -> str:
        if self.person_candidates:
            return _("Which one is meant by “%(text)s”?") % {"text": text}
        return _("Nobody in your network is called “%(text)s”. Try another spelling.") % {"text": text}

    def candidate_boxes(self) -> list[Box]:
        return self._boxes(self.person_candidates)

    def _find_office(self) -> None:
        if "office_text" not in self.fields:
            return
        super()._find_office()
        if self.cleaned_data.get("new_contact") and self.known_office is None and not self.office_candidates:
            self.add_error("new_contact", _("Name their office above."))

    def _is_named(self) -> bool:
        return True  # the rule asks whether anybody is

    def _question(self, name: str, text: str, *, has_candidates: bool) -> str:
        if has_candidates:
            return super()._question(name, text, has_candidates=True)
        return _("No office in your network is called “%(text)s”. Try another spelling.") % {"text": text}
