"""The forms of return referrals: the patient's need, the patient's choice, a step of the way, the list's filter."""

import re
from datetime import date, datetime
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.accepting import listed
from contacts.forms.referrals import OLDEST_BIRTH, date_input
from contacts.models import Provider, Specialty
from practices.forms import DayField, reread_choices
from practices.models import Member
from practices.roles import Role
from practices.shared_rows import SharedRow, SharedRowForm
from touchpoints.models import ReturnReferral
from touchpoints.return_referral_way import NEED
from touchpoints.touchpoint_forms import WhomForm

State = ReturnReferral.State


class NeedForm(SharedRowForm):
    """Who the patient is, and what they need. A physician's own patient: nobody asks whose."""

    patient_family_name = forms.CharField(label=gettext_lazy("Family name"), max_length=100)
    patient_given_name = forms.CharField(label=gettext_lazy("Given name"), max_length=100)
    patient_born_on = DayField(label=gettext_lazy("Born on"), required=False, widget=date_input())
    patient_phone = forms.CharField(label=gettext_lazy("Phone"), max_length=30, required=False)
    zip_code = forms.CharField(
        label=gettext_lazy("Patient's ZIP code"),
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

    class Meta:
        model = ReturnReferral
        fields = list(NEED)

    def __init__(self, *args: Any, member: Member, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member, self.today = member, member.practice.today(now)
        self._offer_physicians()
        self._offer_specialties()
        self.suggestions = {"languages": listed("languages"), "payers": listed("payers")}
        for name, words in (("language", "languages"), ("payer", "payers")):
            self.fields[name].widget.attrs["list"] = words

    def need(self) -> dict[str, Any]:
        """The fields as `suggest` and `change_need` take them."""
        said = {name: self.cleaned_data[name] for name in NEED if name in self.fields}
        return said if "physician" in said else {**said, "physician": self.instance.physician}

    def clean_zip_code(self) -> str:
        value = self.cleaned_data["zip_code"].strip()
        if value and not re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", value):
            raise forms.ValidationError(_("A ZIP code has five digits, or nine."))
        return value[:5]

    def clean_patient_born_on(self) -> date | None:
        day = self.cleaned_data["patient_born_on"]
        if day and not OLDEST_BIRTH <= day <= self.today:
            raise forms.ValidationError(_("Look at the year: nobody alive was born then."))
        return day

    def clean_language(self) -> str:
        return " ".join(self.cleaned_data["language"].split())

    def clean_payer(self) -> str:
        return " ".join(self.cleaned_data["payer"].split())

    def _offer_physicians(self) -> None:
        if self.member.is_physician:
            del self.fields["physician"]
            if self.instance.physician_id is None:
                self.instance.physician = self.member
            return
        field = self.fields["physician"]
        physicians = Member.objects.filter(
            Q(role=Role.PHYSICIAN, left_at=None) | Q(pk=self.instance.physician_id)
        )
        field.queryset = physicians.select_related("user").order_by("user__name")

    def _offer_specialties(self) -> None:
        """Those of the network first: of the others nobody can be offered yet."""
        here = Provider.objects.active().filter(specialty=OuterRef("pk"))
        rows = list(Specialty.objects.annotate(is_here=Exists(here)).order_by("name"))
        groups = [(_("In your network"), True), (_("Nobody in your network yet"), False)]
        choices: list[Any] = [
            (label, [(row.pk, row.name) for row in rows if row.is_here is wanted]) for label, wanted in groups
        ]
        self.fields["specialty"].choices = [("", "---------"), *filter(lambda group: group[1], choices)]


class ChoiceForm(SharedRow, WhomForm):
    """Whom the patient chose, and why they are sent there."""

    clinical_reason = forms.CharField(
        label=gettext_lazy("Clinical reason"),
        help_text=gettext_lazy(
            "It stands in the letter: what is asked of the colleague, and what they should know."
        ),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    is_patients_choice = forms.BooleanField(
        label=gettext_lazy("The patient was told whom they may choose from, and chose this provider"),
        error_messages={"required": gettext_lazy("Tick this once the patient has chosen.")},
    )
    known = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: ReturnReferral, initial: dict[str, Any], **kwargs: Any) -> None:
        stands = {"clinical_reason": row.clinical_reason}
        super().__init__(*args, initial={**stands, "known": row.provider_id, **initial}, **kwargs)
        self.open_over(row, stands)

    def _ask_who_sent(self) -> None:
        if "provider_text" not in self.errors:
            self.add_error("provider_text", _("Say whom the patient chose."))


class StepForm(forms.Form):
    """One step of the way, with what it needs."""

    ACTS = [(name, name) for name in ("send", "seen", "report", "cancel", "take_back")]
    DAYS = {
        "send": gettext_lazy("Sent on"),
        "seen": gettext_lazy("Seen on"),
        "report": gettext_lazy("Report received on"),
    }

    act = forms.ChoiceField(choices=ACTS, widget=forms.HiddenInput)
    on = DayField(required=False, widget=date_input())
    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=500, required=False)
    known = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, act: str = "", today: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        act = act or (self.data.get("act", "") if self.is_bound else "")
        self.fields["act"].initial = act
        self.fields["on"].label, self.fields["on"].initial = self.DAYS.get(act, ""), today
        self.auto_id = f"id_{act}_%s"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        act = cleaned.get("act")
        if act in ("seen", "report") and not cleaned.get("on") and "on" not in self.errors:
            self.add_error("on", _("Say on which day."))
        if act == "cancel" and not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Say why the patient does not go there."))
        return cleaned


class ListForm(forms.Form):
    """Which return referrals the list shows. An unknown value counts as none."""

    fields: dict[str, Any]

    OPEN = "open"
    STATES = [
        ("", gettext_lazy("not cancelled")),
        (OPEN, gettext_lazy("under way")),
        *State.choices,
    ]

    state = forms.ChoiceField(label=gettext_lazy("Where it stands"), choices=STATES, required=False)
    physician = forms.ModelChoiceField(
        label=gettext_lazy("Our physician"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("all"),
    )
    provider = forms.ModelChoiceField(
        queryset=Provider._base_manager.none(), required=False, widget=forms.HiddenInput
    )
    sent_from = DayField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        reread_choices(self)
        self.fields["physician"].queryset = Member.objects.filter(role=Role.PHYSICIAN).select_related("user")
        if member.is_physician:
            del self.fields["physician"]
        for name in {"state", "physician"} & self.fields.keys():
            self.fields[name].widget.attrs["class"] = "form-select"

    def chosen(self) -> dict[str, Any]:
        """What is filtered by, without what was malformed."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
