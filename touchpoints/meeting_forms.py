"""The forms of meetings: the plan, how it went, a correction, a cancellation."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms.utils import from_current_timezone
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practices.forms import DayField, not_past
from practices.models import Member
from practices.shared_rows import SharedRowForm
from touchpoints.models import Meeting, Touchpoint

DAY = 24 * 60  # minutes
NO_PATIENT = gettext_lazy("Never name a patient.")


def _words(label: Any, *, rows: int = 3, help_text: Any = NO_PATIENT) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(
        label=label, max_length=2000, required=False, widget=widget, help_text=help_text, strip=True
    )


class PlanForm(SharedRowForm):
    """When, where, who of ours, and what for. Times are the practice's."""

    columns: ClassVar[dict[str, str]] = {"day": "starts_at", "at": "starts_at", "minutes": "ends_at"}

    uid = forms.UUIDField(required=False, widget=forms.HiddenInput)
    day = DayField(label=gettext_lazy("On"), widget=forms.DateInput(attrs={"type": "date"}))
    at = forms.TimeField(
        label=gettext_lazy("At"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"), min_value=5, max_value=DAY, initial=60,
        widget=forms.NumberInput(attrs={"step": 5}),
    )  # fmt: skip

    class Meta:
        model = Meeting
        fields = ["kind", "purpose", "owner", "location", "place"]
        help_texts = {
            "purpose": NO_PATIENT,
            "place": gettext_lazy("Where it is at neither: a restaurant, a hall."),
            "location": gettext_lazy("Where it is at ours."),
        }

    def __init__(self, *args: Any, asks_reason: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meeting = self.instance
        if meeting.pk:
            begins = localtime(meeting.starts_at)
            when = {
                "day": begins.date(),
                "at": begins.time(),
                "minutes": int((meeting.ends_at - meeting.starts_at) / timedelta(minutes=1)),
            }
            self.open_over(meeting, when)
            self.initial = {**when, **self.initial}
        owner: Any = self.fields["owner"]
        stays = Q(left_at=None) | Q(pk=meeting.owner_id)
        owner.queryset = Member.objects.filter(stays).select_related("user").order_by("user__name")
        owner.empty_label = None
        if asks_reason:
            self.fields["reason"] = forms.CharField(label=_("Why is it corrected?"), max_length=300)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"day", "at", "minutes"} <= cleaned.keys():
            cleaned |= self._span(cleaned)
        return cleaned

    def _span(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        try:
            starts_at = from_current_timezone(datetime.combine(cleaned["day"], cleaned["at"]))
        except ValidationError:  # an hour that the clocks leave out, or go through twice
            self.add_error("at", _("The clocks change at that hour. Choose another."))
            return {}
        return {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=cleaned["minutes"])}

    def said(self) -> dict[str, Any]:
        """What the rules take."""
        names = [*self._meta.fields, "starts_at", "ends_at"]  # type: ignore[misc]  # Meta names them one by one
        return {name: self.cleaned_data[name] for name in names}


class HeldForm(PlanForm):
    """The same, and how it went: purpose, intel, next step; what was left there, what they said of us."""

    intel = _words(gettext_lazy("What was learned"))
    feedback_heard = _words(gettext_lazy("What they said of us"), rows=2)
    next_step = forms.CharField(
        label=gettext_lazy("Next step"), max_length=300, required=False, help_text=NO_PATIENT
    )
    next_step_on = DayField(
        label=gettext_lazy("By"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    next_step_owner = forms.ModelChoiceField(
        label=gettext_lazy("Who does it"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("whoever went"),
    )

    class Meta(PlanForm.Meta):
        fields = [
            *PlanForm.Meta.fields, "intel", "feedback_heard", "materials", "next_step", "next_step_on"
        ]  # fmt: skip
        help_texts = {**PlanForm.Meta.help_texts, "materials": gettext_lazy("Referral pads, guides, cards …")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        promised: Any = self.fields["next_step_owner"]
        promised.queryset = Member.objects.active().select_related("user").order_by("user__name")
        if self.instance.is_held and self.instance.pk:
            told = Touchpoint.objects.standing().filter(meeting=self.instance).first()
            owner = {"next_step_owner": told.next_step_owner_id if told else None}
            self.open_over(self.instance, owner)
            self.initial = {**owner, **self.initial}

    def clean_next_step_on(self) -> date | None:
        on: date | None = self.cleaned_data["next_step_on"]
        return on if on == self.initial.get("next_step_on") else not_past(on, today=localdate())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("next_step") and not cleaned.get("next_step_on") and "next_step_on" not in self.errors:
            self.add_error("next_step_on", _("Say by when, so that it comes back to you."))
        return cleaned


class CancelForm(forms.Form):
    """Why it does not take place, or did not."""

    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=300, help_text=NO_PATIENT)
