"""The forms of the card queue, of printing, and of the stationery."""

from typing import Any

from django import forms
from django.forms import model_to_dict
from django.utils.translation import gettext_lazy as _

from practices.forms import zip_code_of
from practices.models import Member
from practices.shared_rows import SharedRowForm
from touchpoints.models import Stationery
from touchpoints.printing.documents import Document, Kind
from touchpoints.printing.fonts import unprintable
from touchpoints.printing.labels import SHEETS

HAND_OVER = "hand_over"
ACTS = [
    ("written", _("Written")),
    ("mailed", _("Mailed today")),
    (HAND_OVER, _("Hand over")),
    *[(kind.value, kind.value) for kind in Kind],
]


class CardsForm(forms.Form):
    """Several cards: written or mailed in one sitting, handed over, or printed."""

    act = forms.ChoiceField(choices=ACTS)
    row = forms.TypedMultipleChoiceField(coerce=int)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        # Any number may come; the view acts on those that are this member's alone.
        row: Any = self.fields["row"]
        row.choices = [
            (value, value) for value in data.getlist("row") if value.isdecimal() and len(value) < 19
        ]


class HandOverSeveralForm(forms.Form):
    """Who writes and mails the chosen cards; empty: the physician whose list each is on."""

    to = forms.ModelChoiceField(
        label=_("Hand over to"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=_("The physician whose card it is"),
    )

    def __init__(self, data: Any = None, *, members: list[Member]) -> None:
        super().__init__(data)
        to: Any = self.fields["to"]
        to.queryset = Member.objects.filter(pk__in=[member.pk for member in members]).select_related("user")
        to.choices = [("", to.empty_label), *[(member.pk, member.name) for member in members]]


class PrintForm(forms.Form):
    """On which sheet from which label on, and in which envelope; what is not said is as the stationery has it."""

    sheet = forms.ChoiceField(label=_("Label sheet"), choices=Stationery.Labels.choices, required=False)
    start = forms.IntegerField(
        label=_("First free label"),
        min_value=1,
        required=False,
        initial=1,
        help_text=_("On a sheet used before, counted along the rows."),
    )
    envelope = forms.ChoiceField(label=_("Envelope"), choices=Stationery.Envelope.choices, required=False)

    def __init__(self, data: Any = None, *, stationery: Stationery) -> None:
        super().__init__(data)
        self.stationery = stationery
        self.fields["sheet"].initial = stationery.labels
        self.fields["envelope"].initial = stationery.envelope

    def clean_sheet(self) -> str:
        return self.cleaned_data["sheet"] or self.stationery.labels

    def clean_envelope(self) -> str:
        return self.cleaned_data["envelope"] or self.stationery.envelope

    def clean_start(self) -> int:
        start = self.cleaned_data["start"] or 1
        count = SHEETS[self.cleaned_data.get("sheet", self.stationery.labels)].count
        if start > count:
            raise forms.ValidationError(_("This sheet has %(count)d labels."), params={"count": count})
        return start

    def document(self, kind: Kind) -> Document:
        """What is to be printed."""
        return Document(kind=kind, stationery=self.stationery, **self.cleaned_data)


class StationeryForm(SharedRowForm):
    """Return address, sheet, envelope and printer offset."""

    class Meta:
        model = Stationery
        fields = (
            "return_name",
            "return_street",
            "return_city",
            "return_state",
            "return_zip_code",
            "labels",
            "envelope",
            "offset_right_mm",
            "offset_down_mm",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stands = model_to_dict(self.instance, self._meta.fields)
        self.open_over(self.instance, stands, key="stationery")  # the first to save makes the row

    def clean_return_state(self) -> str:
        return self.cleaned_data["return_state"].upper()

    def clean_return_zip_code(self) -> str:
        return zip_code_of(self.cleaned_data["return_zip_code"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("return_name", "return_street", "return_city"):
            if letters := unprintable(cleaned.get(name, "")):
                self.add_error(name, _("Our typeface has no %(letters)s.") % {"letters": " ".join(letters)})
        return cleaned
