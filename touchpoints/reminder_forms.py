"""The forms of reminders: until when, to whom, and why not."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from practices.forms import DayField, not_past
from practices.models import Member
from touchpoints.models import StandIn

LONGEST = timedelta(days=365)  # further off it would be forgotten rather than put off


class DoneForm(forms.Form):
    """Nothing to fill in."""

    submit_label = _("Done")


class SnoozeForm(forms.Form):
    """Until when a reminder is put off."""

    submit_label = _("Put off")
    when = forms.ChoiceField(
        label=_("Until"),
        choices=[("tomorrow", _("Tomorrow")), ("week", _("Monday next week")), ("day", _("The day below"))],
        widget=forms.Select(attrs={"autofocus": True}),
    )
    on = DayField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.last = today + LONGEST
        limits = {"min": (today + timedelta(days=1)).isoformat(), "max": self.last.isoformat()}
        self.fields["on"].widget.attrs.update(limits)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("when") != "day" or "on" in self.errors:
            return data
        on = data.get("on") or self.today
        if on <= self.today:
            self.add_error("on", _("Choose a day to come."))
        elif on > self.last:
            self.add_error("on", _("Choose a day within a year."))
        return data

    @property
    def until(self) -> date:
        """The practice's date that was chosen."""
        monday = self.today + timedelta(days=7 - self.today.weekday())
        return {"tomorrow": self.today + timedelta(days=1), "week": monday}.get(
            self.cleaned_data["when"], self.cleaned_data["on"]
        )


class DismissForm(forms.Form):
    """Why a reminder need not be done: a ready reason, one's own words, or both."""

    submit_label = _("Dismiss")
    OTHER = "other"
    READY = [
        ("", _("Choose a reason …")),
        ("elsewhere", _("It was done another way")),
        ("needless", _("It is no longer needed")),
        ("unwanted", _("They do not want it")),
        ("mistaken", _("It was never right")),
        (OTHER, _("Another reason")),
    ]
    ready = forms.ChoiceField(
        label=_("Why it need not be done"),
        choices=READY,
        required=False,
        widget=forms.Select(attrs={"autofocus": True}),
    )
    words = forms.CharField(
        label=_("In your own words"),
        max_length=240,
        required=False,
        help_text=_("It will not come back for the same cause."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        ready, words = data.get("ready"), data.get("words", "").strip()
        if not words and ready in ("", self.OTHER):
            field = "words" if ready == self.OTHER else "ready"
            self.add_error(field, _("Say why, so that nobody wonders later."))
        return data

    @property
    def reason(self) -> str:
        """The reason in words."""
        ready = self.cleaned_data["ready"]
        chosen = "" if ready in ("", self.OTHER) else str(dict(self.READY)[ready])
        return ": ".join(filter(None, [chosen, self.cleaned_data["words"].strip()]))


class PassOnForm(forms.Form):
    """Who has them from now on."""

    submit_label = _("Hand over")
    to = forms.ModelChoiceField(
        label=_("To whom"),
        queryset=Member._base_manager.none(),
        empty_label=_("Choose somebody …"),
        widget=forms.Select(attrs={"autofocus": True}),
    )

    def __init__(self, *args: Any, besides: Member | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to: Any = self.fields["to"]
        everybody = Member.objects.active().select_related("user").order_by("user__name", "pk")
        to.queryset = everybody.exclude(pk=besides.pk) if besides else everybody


class LoadForm(PassOnForm):
    """Who has all of it from now on, or until a member is back."""

    until = DayField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_(
            "The last day away. Until then what falls due goes over too, and after it everything comes back."
            " Empty: what is open now goes for good."
        ),
    )

    def __init__(self, *args: Any, besides: Member, today: date) -> None:
        super().__init__(*args, besides=besides)
        self.today = today
        self.fields["until"].widget.attrs["min"] = today.isoformat()

    def clean_until(self) -> date | None:
        return not_past(self.cleaned_data["until"], today=self.today)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        to = data.get("to")
        if to and data.get("until") and StandIn.objects.on(self.today).filter(member=to).exists():
            self.add_error("to", _("%(name)s is away, too.") % {"name": to.name})
        return data
