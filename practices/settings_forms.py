"""The forms of the settings, and of an invitation's acceptance."""

from datetime import date, time
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import gettext_lazy as _

from practices.business_days import states
from practices.forms import PracticeForm, zip_code_of
from practices.models import (
    Cover,
    Invitation,
    Location,
    Member,
    OutboxEnvelope,
    Practice,
    User,
)
from practices.roles import Role
from practices.shared_rows import SharedRow, SharedRowForm

AMERICAN = [
    ("America/New_York", _("Eastern")),
    ("America/Chicago", _("Central")),
    ("America/Denver", _("Mountain")),
    ("America/Phoenix", _("Mountain without summer time (Arizona)")),
    ("America/Los_Angeles", _("Pacific")),
    ("America/Anchorage", _("Alaska")),
    ("Pacific/Honolulu", _("Hawaii")),
    ("America/Puerto_Rico", _("Puerto Rico")),
]


ROLES_IN_WORDS = _(
    "A manager may do everything. A coordinator takes referrals in and sees every patient. A physician sees the"
    " patients sent to them. A liaison visits offices and never sees who a patient is."
)


def day_input() -> forms.DateInput:
    """A date as the browser's own picker wants it."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def time_zones() -> list[Any]:
    """The zones of the United States by their names, then every zone there is."""
    return [
        (_("United States"), AMERICAN),
        (_("All"), [(name, name) for name in sorted(available_timezones())]),
    ]


class PracticeSettingsForm(SharedRow, forms.ModelForm):
    """The practice's name, clock, start and thank-you list."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)
    state = forms.ChoiceField(
        label=_("Public holidays of"),
        choices=lambda: [("", _("the federal government alone")), *states()],
        required=False,
        help_text=_("They are no business days: no time to act is counted on them."),
    )
    list_weekday = forms.TypedChoiceField(
        label=_("Thank-you lists are made on"), coerce=int, choices=lambda: list(WEEKDAYS.items())
    )
    list_hour = forms.TypedChoiceField(
        label=_("Hour"), coerce=int, choices=lambda: [(hour, time_format(time(hour))) for hour in range(24)]
    )

    class Meta:
        model = Practice
        fields = (
            "name",
            "time_zone",
            "state",
            "starts_on",
            "list_weekday",
            "list_hour",
            "card_interval_days",
        )
        widgets = {"starts_on": day_input()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.lists_made_through:
            # A list once made is not unmade: an earlier start would leave weeks that never get theirs.
            self.fields["starts_on"].disabled = True
            self.fields["starts_on"].help_text = _("Lists have been made since; this day stays.")


class LocationForm(SharedRowForm):
    """One of our own sites."""

    class Meta:
        model = Location
        fields = ("name", "street", "city", "state", "zip_code", "phone")

    def clean_state(self) -> str:
        return self.cleaned_data["state"].upper()

    def clean_zip_code(self) -> str:
        return zip_code_of(self.cleaned_data["zip_code"])


class CoverForm(PracticeForm):
    """A physician stands in for a colleague; a physician gives away their own patients' sight only."""

    class Meta:
        model = Cover
        fields = ("physician", "covered_by", "starts_on", "ends_on")
        labels = {"physician": _("Who is away"), "covered_by": _("Who covers")}
        widgets = {"starts_on": day_input(), "ends_on": day_input()}

    def __init__(self, *args: Any, by: Member, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.instance.created_by = today, by
        physicians = Member.objects.physicians()
        self.fields["covered_by"].queryset = physicians
        self.fields["physician"].queryset = physicians
        if by.is_physician:
            self.fields["physician"].queryset = physicians.filter(pk=by.pk)
            self.fields["physician"].initial = by.pk
            self.fields["covered_by"].queryset = physicians.exclude(pk=by.pk)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", _("This is before the first day."))
        elif ends_on and ends_on < self.today:
            self.add_error("ends_on", _("This day has passed."))
        if cleaned.get("physician") and cleaned.get("physician") == cleaned.get("covered_by"):
            self.add_error("covered_by", _("Choose a colleague."))
        return cleaned


class InvitationForm(PracticeForm):
    """Who shall have a seat, as what."""

    class Meta:
        model = Invitation
        fields = ("name", "email", "role", "credentials")
        help_texts = {
            "role": ROLES_IN_WORDS,
            "credentials": _("Physicians': MD, DO, NP … Leave empty for others."),
        }

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if Member.objects.active().filter(user__email=email).exists():
            raise ValidationError(_("Somebody with this address has a seat already."))
        if Invitation.objects.open().filter(email=email).exists():
            raise ValidationError(_("This address is invited already: send that invitation again."))
        return email


class MemberForm(SharedRow, forms.Form):
    """A member's role and credentials."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, help_text=ROLES_IN_WORDS)
    credentials = forms.CharField(
        label=_("Credentials"), max_length=40, required=False, help_text=_("MD, DO, NP …")
    )

    def __init__(self, *args: Any, seat: Member, **kwargs: Any) -> None:
        stands = {"role": seat.role, "credentials": seat.credentials}
        super().__init__(*args, initial=stands, **kwargs)
        self.open_over(seat, stands)


class NewUserForm(forms.Form):
    """Who is invited and has no account yet gives a name and chooses a password."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters; a few words are easy to keep in mind."),
    )
    password_again = forms.CharField(
        label=_("The same again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if not password:
            return cleaned
        try:
            validate_password(password, User(email=self.email, name=cleaned.get("name", "")))
        except ValidationError as error:
            self.add_error("password", error)
        if cleaned.get("password_again") and cleaned["password_again"] != password:
            self.add_error("password_again", _("This differs from the first."))
        return cleaned


class OwnPasswordForm(forms.Form):
    """Who is invited and has an account proves it."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class MyMailForm(SharedRow, forms.Form):
    """Whether a member gets the digest, and when."""

    wants_digest = forms.BooleanField(label=_("Write to me when something is due"), required=False)
    digest_hour = forms.TypedChoiceField(
        label=_("At what hour"),
        coerce=int,
        choices=lambda: [(hour, time_format(time(hour))) for hour in range(24)],
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        stands = {"wants_digest": member.wants_digest, "digest_hour": member.digest_hour}
        super().__init__(*args, initial=stands, **kwargs)
        self.open_over(member, stands)


class OutboxFilterForm(forms.Form):
    """Mail in one state."""

    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *OutboxEnvelope.State.choices], required=False
    )
