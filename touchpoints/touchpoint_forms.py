"""The forms of touchpoints: a call, a card sent by hand, a correction, a withdrawal."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.senders import SenderForm
from contacts.models import Referral
from practices.forms import DayField, not_past, of_late
from practices.models import Member
from practices.shared_rows import SharedRow
from touchpoints.models import Touchpoint

Outcome = Touchpoint.CallOutcome
WHOM = {"provider_text", "provider", "provider_choice"}


class WhomForm(SenderForm):
    """Whom we reached out to, where the page does not know: somebody of the network."""

    may_be_new = False
    knows_whom = False

    def __init__(self, *args: Any, knows_whom: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.knows_whom = knows_whom
        asked: set[str] = set() if knows_whom else WHOM
        for name in SenderForm.base_fields.keys() - asked:
            del self.fields[name]
        if knows_whom:
            return
        field = self.fields["provider_text"]
        field.label, field.help_text = _("Whom?"), _("Name, office or NPI.")
        del field.widget.attrs["data-typeahead-new"]

    def _find_provider(self) -> None:
        if not self.knows_whom:
            super()._find_provider()

    def _find_office(self) -> None:
        """It is the provider's main one."""

    def _is_named(self) -> bool:
        return self.knows_whom or self.known_provider is not None

    def _ask_who_sent(self) -> None:
        if "provider_text" not in self.errors:
            self.add_error("provider_text", _("Say whom."))

    def _question(self, name: str, text: str, *, has_candidates: bool) -> str:
        if has_candidates:
            return super()._question(name, text, has_candidates=True)
        return _("Nobody in your network is called “%(text)s”. Try another spelling.") % {"text": text}


def _day(label: Any, **options: Any) -> forms.DateField:
    return DayField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **options)


class SaidForm(forms.Form):
    """When it was, what was said, what was promised. Whoever may not see the patient writes no note about them."""

    happened_on = _day(gettext_lazy("On"))
    note = forms.CharField(
        label=gettext_lazy("What was said"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    is_thanks = forms.BooleanField(label=gettext_lazy("Thanks were given"), required=False)
    next_step = forms.CharField(label=gettext_lazy("Next step"), max_length=300, required=False)
    next_step_on = _day(gettext_lazy("By"), required=False)
    next_step_owner = forms.ModelChoiceField(
        label=gettext_lazy("Who does it"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("whoever reached out"),
    )

    def __init__(self, *args: Any, today: date, writes_notes: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["happened_on"].initial = today
        self.fields["happened_on"].widget.attrs["max"] = today.isoformat()
        owner: Any = self.fields["next_step_owner"]
        owner.queryset = Member.objects.active().select_related("user").order_by("user__name")
        if not writes_notes:
            del self.fields["note"], self.fields["next_step"]

    def clean_happened_on(self) -> date:
        on: date = self.cleaned_data["happened_on"]
        return on if on == self.initial.get("happened_on") else of_late(on, today=self.today)

    def clean_next_step_on(self) -> date | None:
        on: date | None = self.cleaned_data["next_step_on"]
        return on if on == self.initial.get("next_step_on") else not_past(on, today=self.today)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("next_step") and not cleaned.get("next_step_on") and "next_step_on" not in self.errors:
            self.add_error("next_step_on", _("Say by when, so that it comes back to you."))
        return cleaned

    def said(self) -> dict[str, Any]:
        """What the rule takes: the fields this form has."""
        own = [*SaidForm.base_fields, "call_outcome"]
        return {name: self.cleaned_data[name] for name in own if name in self.fields}


def _outcome() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("How did it go?"),
        choices=[(outcome.value, outcome.label) for outcome in Outcome],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say how the call went.")},
    )


class LogCallForm(SaidForm, WhomForm):
    """A call: reached, voicemail or no answer; all else may stay as it is."""

    call_outcome = _outcome()
    reports_back = forms.BooleanField(
        label=gettext_lazy("The patient's outcome was told: this reports back"), required=False
    )

    settles = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Did the call settle this too?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self,
        *args: Any,
        referral: Referral | None,
        sees_patient: bool,
        waiting: Sequence[tuple[int, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, writes_notes=referral is None or sees_patient, **kwargs)
        settles: Any = self.fields["settles"]
        settles.choices = waiting
        if not waiting:
            del self.fields["settles"]
        self.fields["next_step_on"].required = False
        if referral is None or not sees_patient or not referral.owes_word:
            del self.fields["reports_back"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("reports_back") and cleaned.get("call_outcome") not in (Outcome.REACHED, None):
            self.add_error("reports_back", _("Nobody was told: they were not reached."))
        return cleaned


class LogCardForm(SaidForm, WhomForm):
    """A card written by hand, beside the lists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("is_thanks", "next_step", "next_step_on", "next_step_owner"):
            del self.fields[name]
        self.fields["happened_on"].label = _("Mailed on")
        self.fields["note"].label = _("What for")
        self.fields["note"].help_text = _("Never name a patient.")


class CorrectForm(SharedRow, SaidForm):
    """The touchpoint as it stands, to be said right, and why."""

    call_outcome = _outcome()
    reason = forms.CharField(label=gettext_lazy("Why is it corrected?"), max_length=300)

    def __init__(self, *args: Any, touchpoint: Touchpoint, has_fixed_day: bool, **kwargs: Any) -> None:
        names = [*SaidForm.base_fields, "call_outcome"]
        as_it_stands = {name: touchpoint.serializable_value(name) for name in names}
        super().__init__(*args, initial=as_it_stands, **kwargs)
        dropped = [
            *(
                ["call_outcome"]
                if touchpoint.kind != Touchpoint.Kind.CALL or not touchpoint.call_outcome
                else []
            ),
            *(["happened_on"] if has_fixed_day else []),
        ]
        for name in dropped:
            del self.fields[name]
        self.open_over(touchpoint, {name: as_it_stands[name] for name in names if name in self.fields})


class WithdrawForm(forms.Form):
    """Why it is withdrawn."""

    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=300)
