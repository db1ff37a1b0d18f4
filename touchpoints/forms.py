"""The forms of thank-you rows."""

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models import Referral
from practices.forms import DayField
from practices.models import Member
from practices.shared_rows import SharedRow
from touchpoints.models import ThankYou
from touchpoints.own_line import names_on


class Act(forms.Form):
    """A press of a button: nothing to fill in."""


class CardForm(SharedRow, forms.Form):
    """A card, with a line of one's own."""

    submit_label = _("A card with this line")
    personal_line = forms.CharField(
        label=_("A line of your own"),
        max_length=500,
        required=False,
        help_text=_("Goes on the card. Never name a patient."),
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
    )
    means_others = forms.BooleanField(label=_("The name means somebody else, no patient"), required=False)

    def __init__(self, *args: Any, row: ThankYou, patients: list[Referral], kept: dict[str, Any]) -> None:
        said = {"personal_line": row.personal_line, "means_others": bool(row.line_means_others)}
        super().__init__(*args, initial=kept or said)
        self.open_over(row, {"personal_line": row.personal_line})
        text = (self.data if self.is_bound else self.initial).get("personal_line", "")
        self.named = names_on(text, row=row, patients=patients)
        if self.named.sure or not self.named.maybe:
            del self.fields["means_others"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.named.sure:
            text = gettext("This line names a patient: %(names)s. Take the name out.")
            self.add_error("personal_line", text % {"names": _shown(self.named.sure)})
        elif self.named.maybe and not cleaned.get("means_others"):
            text = gettext(
                "This line may name a patient: %(names)s. Take the name out, or tick that it means somebody else."
            )
            self.add_error("personal_line", text % {"names": _shown(self.named.maybe)})
        return cleaned

    def line(self) -> str | None:
        """What was typed; None when the form did not ask, so that a line once written stays."""
        return self.cleaned_data["personal_line"] if "personal_line" in self.data else None

    def said(self) -> dict[str, Any]:
        """What the rule takes."""
        return {"personal_line": self.line(), "means_others": " ".join(self.named.maybe)}


def _shown(names: frozenset[str]) -> str:
    return ", ".join(sorted(name.capitalize() for name in names))


class CallForm(forms.Form):
    """They were called: what was said, whether we thanked, on whom we reported back."""

    submit_label = _("They were called")
    is_a_call = True
    note = forms.CharField(
        label=_("What was said"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )
    is_thanks = forms.BooleanField(label=_("Thanks were given"), required=False, initial=True)
    reported_on = forms.TypedMultipleChoiceField(
        label=_("Reported back on"), required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, reports: list[Referral], names: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reports = reports
        told: Any = self.fields["reported_on"]
        told.choices = [(referral.pk, self._patient(referral, names=names)) for referral in reports]
        if not reports:
            del self.fields["reported_on"]

    def said(self) -> dict[str, Any]:
        """What the rule takes."""
        told = self.cleaned_data.get("reported_on", [])
        return {
            "note": self.cleaned_data["note"],
            "is_thanks": self.cleaned_data["is_thanks"],
            "reported_on": [referral for referral in self.reports if referral.pk in told],
        }

    @staticmethod
    def _patient(referral: Referral, *, names: bool) -> str:
        label = referral.patient_name if names else referral.patient_initials
        return f"{label or referral.reference}, {referral.get_status_display()}"


class SkipForm(forms.Form):
    """No thanks this time, and why."""

    submit_label = _("Skip")
    READY = [
        ("", _("Choose a reason …")),
        ("in_person", _("Thanked in person")),
        ("colleague", _("A colleague thanked them")),
        ("unwanted", _("They asked for no thanks")),
        ("not_theirs", _("The referral is not theirs")),
        ("other", _("Another reason")),
    ]
    ready = forms.ChoiceField(
        label=_("Reason"), choices=READY, required=False, widget=forms.Select(attrs={"autofocus": True})
    )
    words = forms.CharField(label=_("In your own words"), max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        ready, words = data.get("ready"), data.get("words", "").strip()
        if not words and ready in ("", "other"):
            field = "words" if ready == "other" else "ready"
            self.add_error(field, _("Say why, so that nobody wonders later."))
        return data

    @property
    def reason(self) -> str:
        """The reason in words."""
        ready = self.cleaned_data["ready"]
        chosen = "" if ready in ("", "other") else str(dict(self.READY)[ready])
        return ": ".join(filter(None, [chosen, self.cleaned_data["words"].strip()]))


class HandOverForm(SharedRow, forms.Form):
    """Who writes and mails it."""

    columns: ClassVar[dict[str, str]] = {"to": "assignee"}

    submit_label = _("Hand over")
    to = forms.ModelChoiceField(
        label=_("Who writes and mails it"),
        queryset=Member._base_manager.none(),
        empty_label=None,
        widget=forms.Select(attrs={"autofocus": True}),
    )

    def __init__(self, *args: Any, row: ThankYou, **kwargs: Any) -> None:
        self.physician = physician = row.list.physician
        stands = {"to": row.assignee_id or physician.pk}
        super().__init__(*args, initial=stands, **kwargs)
        self.open_over(row, stands)
        everybody = Member.objects.active() | Member.objects.filter(pk=physician.pk)
        to: Any = self.fields["to"]
        to.queryset = everybody.select_related("user").order_by("user__name")

    @property
    def assignee(self) -> Member | None:
        """Whom it is handed to; None: back to the physician whose list it is."""
        chosen: Member = self.cleaned_data["to"]
        return None if chosen == self.physician else chosen


class MailedForm(forms.Form):
    """On which day the card was mailed; today unless said."""

    submit_label = _("Mailed")
    on = DayField(
        label=_("Mailed on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autofocus": True}),
    )

    def __init__(self, *args: Any, earliest: date, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.earliest, self.today = earliest, today
        self.fields["on"].initial = today.isoformat()
        self.fields["on"].widget.attrs |= {"min": earliest.isoformat(), "max": today.isoformat()}

    def clean_on(self) -> date | None:
        on: date | None = self.cleaned_data["on"]
        if on and on > self.today:
            raise forms.ValidationError(_("A card can't have been mailed in the future."))
        if on and on < self.earliest:
            raise forms.ValidationError(
                _("A card can't have been mailed before it was decided on and written.")
            )
        return on
