"""What is asked on the board of reports back: its filters, and how a referrer was told."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Value
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models.referrals import NoteChannel
from practices.models import Location, Member
from practices.periods import months_until
from practices.roles import Role
from touchpoints.models import Touchpoint

Outcome = Touchpoint.CallOutcome


class BoardFilterForm(forms.Form):
    """Which referrals the board shows. An unknown value counts as none."""

    physician = forms.TypedChoiceField(
        label=gettext_lazy("Physician"), coerce=int, empty_value=None, required=False
    )
    location = forms.TypedChoiceField(
        label=gettext_lazy("Location"), coerce=int, empty_value=None, required=False
    )
    month = forms.TypedChoiceField(
        label=gettext_lazy("Received, or seen, in"),
        coerce=lambda text: date.fromisoformat(f"{text}-01"),
        empty_value=None,
        required=False,
    )
    provider = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        fields: dict[str, Any] = self.fields
        for name, ours in _ours().items():
            fields[name].choices = [("", _("any")), *ours]
        months = [(f"{first:%Y-%m}", date_format(first, "F Y")) for first in reversed(months_until(today))]
        fields["month"].choices = [("", _("any month")), *months]
        for field in fields.values():
            field.widget.attrs["class"] = "form-select"

    def chosen(self) -> dict[str, Any]:
        """What is filtered by, without what was malformed."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value is not None}

    def query(self) -> dict[str, Any]:
        """The same as an address says it."""
        found = self.chosen()
        words = {"month": found["month"].strftime("%Y-%m")} if "month" in found else {}
        return found | words


def _ours() -> dict[str, list[tuple[int, str]]]:
    """Our physicians, those who left too, and our locations, by name; from one query."""
    kind = {"kind": Value("physician")}, {"kind": Value("location")}
    physicians = (
        Member.objects.filter(role=Role.PHYSICIAN).values_list("pk", "user__name").annotate(**kind[0])
    )
    locations = Location.objects.values_list("pk", "name").annotate(**kind[1])
    found: dict[str, list[tuple[int, str]]] = {"physician": [], "location": []}
    for pk, name, of in sorted(
        physicians.order_by().union(locations.order_by(), all=True), key=lambda row: row[1]
    ):
        found[of].append((pk, name))
    return found


class TellForm(forms.Form):
    """How the referrer was told of which patients: a note, a call, or both."""

    referral = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Which patients?"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Tick at least one.")},
    )
    note_channel = forms.ChoiceField(
        label=gettext_lazy("A consult note was sent by"),
        choices=[("", gettext_lazy("no note")), *NoteChannel.choices],
        widget=forms.RadioSelect,
        required=False,
    )
    call_outcome = forms.ChoiceField(
        label=gettext_lazy("They were called"),
        choices=[("", gettext_lazy("no call")), *Outcome.choices],
        widget=forms.RadioSelect,
        required=False,
    )
    note = forms.CharField(
        label=gettext_lazy("What was said"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_thanks = forms.BooleanField(label=gettext_lazy("Thanks were given"), required=False)

    def __init__(self, *args: Any, choices: list[tuple[int, str]], may_call: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["referral"].choices = choices
        if not may_call:
            for name in ("call_outcome", "note", "is_thanks"):
                del fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        is_said = cleaned.get("note_channel") or cleaned.get("call_outcome")
        if not is_said and not {"note_channel", "call_outcome"} & self.errors.keys():
            self.add_error("note_channel", _("Say how they were told: by a note, by a call, or both."))
        return cleaned

    def how(self) -> dict[str, Any]:
        """What the rule takes."""
        names = ["note_channel", *(["call_outcome"] if self.cleaned_data.get("call_outcome") else [])]
        if "call_outcome" in names:
            names += ["note", "is_thanks"]
        return {name: self.cleaned_data[name] for name in names}
