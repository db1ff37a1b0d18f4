"""What is typed about a referral: logging, correcting, its steps, and finding a patient who phones."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.senders import SenderForm
from contacts.models import Office, Provider, Referral
from contacts.models.referrals import Channel, NoteChannel, PatientSearch, Status, Urgency, patient_search
from contacts.referral_way import seen_too_early
from practices.forms import TYPED_YEARS, DayField, MomentField, PracticeForm, is_within_years
from practices.models import Cover, Location, Member
from practices.roles import SEES_PATIENTS, Role
from practices.shared_rows import SharedRow

OLDEST_BIRTH = date(1890, 1, 1)
DUPLICATE_WITHIN = timedelta(days=14)


def date_input(**attrs: Any) -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", **attrs}, format="%Y-%m-%d")


def with_a_letter(name: str) -> str:
    """A name that can be found again: what holds no letter, as a dash for "unknown", is none."""
    if name and not any(char.isalpha() for char in name):
        raise forms.ValidationError(_("A name needs a letter. Not known? A chart number alone will do."))
    return name


class ReferralForm(PracticeForm):
    """The referral itself. A liaison's has no patient field at all."""

    patient_family_name = forms.CharField(label=gettext_lazy("Family name"), max_length=100, required=False)
    patient_given_name = forms.CharField(label=gettext_lazy("Given name"), max_length=100, required=False)
    patient_born_on = DayField(label=gettext_lazy("Born on"), required=False, widget=date_input())
    patient_chart_number = forms.CharField(label=gettext_lazy("Chart number"), max_length=60, required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    notes = forms.CharField(
        label=gettext_lazy("Notes"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    class Meta:
        model = Referral
        fields = [
            "patient_family_name",
            "patient_given_name",
            "patient_born_on",
            "patient_chart_number",
            "reason",
            "notes",
            "physician",
            "location",
            "received_on",
            "channel",
            "urgency",
            "payer",
            "source_number",
        ]
        widgets = {"received_on": date_input()}

    def __init__(self, *args: Any, member: Member, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member, self.now, self.today = member, now, member.practice.today(now)
        if member.role not in SEES_PATIENTS:
            for name in Referral.PATIENT_FIELDS:
                del self.fields[name]
        self._offer_physicians()
        self.fields["location"].empty_label = _("not said")
        self.fields["received_on"].widget.attrs["max"] = self.today.isoformat()

    @property
    def more_is_open(self) -> bool:
        """Whether what is seldom filled in holds something, or an error."""
        seldom = ("payer", "source_number", "notes")
        return any(self[name].value() or self[name].errors for name in seldom if name in self.fields)

    def values(self) -> dict[str, Any]:
        """The referral's fields as `log_referral` and `edit` take them."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name in self.fields}

    def clean_received_on(self) -> date:
        day = self.cleaned_data["received_on"]
        if day > self.today:
            raise forms.ValidationError(_("It can't have been received in the future."))
        if day != self.instance.received_on and not is_within_years(day, TYPED_YEARS, today=self.today):
            raise forms.ValidationError(
                _("Look at the year: that is more than %(years)d years ago. Bring old history as a file.")
                % {"years": TYPED_YEARS}
            )
        if self.instance.seen_on and day > self.instance.seen_on:
            raise forms.ValidationError(
                _("The patient was seen on %(day)s: it can't have been received later.")
                % {"day": date_format(self.instance.seen_on, "M j, Y")}
            )
        return day

    def clean_patient_born_on(self) -> date | None:
        day = self.cleaned_data["patient_born_on"]
        if day and not OLDEST_BIRTH <= day <= self.today:
            raise forms.ValidationError(_("Look at the year: nobody alive was born then."))
        return day

    def clean_patient_family_name(self) -> str:
        return with_a_letter(self.cleaned_data["patient_family_name"])

    def clean_patient_given_name(self) -> str:
        return with_a_letter(self.cleaned_data["patient_given_name"])

    def clean_source_number(self) -> str | None:
        number = self.cleaned_data["source_number"]
        twins = Referral.objects.filter(source_number=number).exclude(pk=self.instance.pk)
        if number and (twin := twins.first()):
            raise forms.ValidationError(
                _("%(reference)s carries this number already.") % {"reference": twin.reference}
            )
        return number

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "patient_family_name" in self.fields and not cleaned.get("patient_chart_number"):
            names = ("patient_family_name", "patient_given_name")
            missing = [name for name in names if not cleaned.get(name) and name not in self.errors]
            if missing:  # said once, where to begin
                self.add_error(missing[0], _("Who is the patient? Both names, or a chart number alone."))
        return cleaned

    def _offer_physicians(self) -> None:
        field = self.fields["physician"]
        physicians = Member.objects.filter(
            Q(role=Role.PHYSICIAN, left_at=None) | Q(pk=self.instance.physician_id)
        )
        if self.member.is_physician:
            covers = Cover.objects.filter(covered_by=self.member).on(self.today)
            physicians = physicians.filter(Q(pk=self.member.pk) | Q(pk__in=covers.values("physician")))
        field.queryset = physicians.select_related("user").order_by("user__name")
        field.required = self.member.is_physician
        field.empty_label = None if self.member.is_physician else _("open for now")


class QuickLogForm(SenderForm, ReferralForm):
    """A new referral with who sent it. A likely duplicate is an error until it is said to be another."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    confirmed = forms.CharField(required=False)

    duplicates: list[Referral] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.fields["provider_text"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "patient_family_name" in self.fields and not self.errors:
            self._look_for_duplicates()
        return cleaned

    def values(self) -> dict[str, Any]:
        return {**super().values(), "submission_key": self.cleaned_data["submission_key"] or uuid4()}

    def _look_for_duplicates(self) -> None:
        found = self._same_patient_and_sender()
        shown = ",".join(str(row.pk) for row in found)
        if found and self.cleaned_data["confirmed"] != shown:
            self.duplicates, self.duplicates_shown = found, shown
            self.add_error(
                None, _("This patient was logged already, from the same referrer, a few days apart.")
            )

    def _same_patient_and_sender(self) -> list[Referral]:
        day = self.cleaned_data["received_on"]
        rows = Referral.objects.standing().visible_to(self.member, day=self.today)
        rows = rows.filter(received_on__range=(day - DUPLICATE_WITHIN, day + DUPLICATE_WITHIN))
        if self.known_provider:
            rows = rows.filter(provider=self.known_provider)
        elif self.known_office and not self.adds_provider:
            rows = rows.filter(office=self.known_office)
        else:
            return []
        rows = rows.of_patient(search_of(self.cleaned_data, practice_id=self.member.practice_id))
        found = list(rows.select_related("provider", "office").order_by("pk")[:5])
        # Asked after: the first of a double click may be committed between the two, and is not its own duplicate.
        again = rows.filter(submission_key=self.cleaned_data["submission_key"]).exists()
        return [] if again else found


def search_of(values: dict[str, Any], *, practice_id: int | None) -> PatientSearch:
    """What a form's patient fields are looked up by."""
    return patient_search(
        family_name=values.get("patient_family_name") or "",
        given_name=values.get("patient_given_name") or "",
        born_on=values.get("patient_born_on"),
        chart_number=values.get("patient_chart_number") or "",
        practice_id=practice_id,
    )


class EditForm(SharedRow, SenderForm, ReferralForm):
    """A correction; of who sent it, the one that is meant counts, however it was typed."""

    columns: ClassVar[dict[str, str]] = {"provider_text": "provider", "office_text": "office"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        self.senders = {"provider": row.provider, "office": row.office}  # the instance takes on what is typed
        self.open_over(row, {"provider_text": row.provider_id, "office_text": row.office_id})

    def mine(self, name: str, cleaned: dict[str, Any]) -> Any:
        if name not in self.columns:
            return super().mine(name, cleaned)
        sender = self.columns[name]
        is_new = self.adds_provider if sender == "provider" else self.adds_office
        return "new" if is_new else getattr(self, f"known_{sender}")

    def take_over(self, name: str, cleaned: dict[str, Any]) -> None:
        if name not in self.columns:
            return super().take_over(name, cleaned)
        return setattr(self, f"known_{self.columns[name]}", self.senders[self.columns[name]])

    def in_words(self, name: str) -> str:
        if name not in self.columns:
            return super().in_words(name)
        return str(self.senders[self.columns[name]] or _("empty"))

    def known_providers(self) -> QuerySet:
        """Who has retired since may stay on what they sent."""
        return super().known_providers() | Provider.objects.filter(pk=self.instance.provider_id)


class NameSenderForm(SenderForm):
    """Who sent it, where the office is known already."""

    def __init__(self, *args: Any, office: Office | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_office = office
        for name in [name for name in self.fields if "office" in name]:
            del self.fields[name]
        self.fields["provider_text"].help_text = _("Name or NPI.")
        if office:
            self.fields["provider_text"].widget.attrs["data-typeahead"] += f"?office={office.pk}"

    def _find_office(self) -> None:
        """It is known."""

    def _is_named(self) -> bool:
        return bool(self.known_provider or self.adds_provider)


class StepForm(forms.Form):
    """One step of the way, with what it needs."""

    ACTS = [
        ("attempted", gettext_lazy("tried, not reached")),
        ("report_back", gettext_lazy("told the referrer")),
        *Status.choices,
    ]

    NEEDS: ClassVar[dict[str, str]] = {Status.SCHEDULED: "appointment_at", Status.SEEN: "seen_on"}

    act = forms.ChoiceField(choices=ACTS, widget=forms.HiddenInput)
    known = forms.IntegerField(required=False, widget=forms.HiddenInput)
    stand = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)
    appointment_at = MomentField(
        label=gettext_lazy("Appointment"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    seen_on = DayField(label=gettext_lazy("Seen on"), required=False, widget=date_input())
    note_channel = forms.ChoiceField(
        label=gettext_lazy("The consult note was sent by"),
        choices=[("", gettext_lazy("no note, or not said")), *NoteChannel.choices],
        required=False,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=2000,
    )

    def __init__(
        self, *args: Any, received_on: date | None = None, today: date | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.received_on, self.today = received_on, today

    def clean_seen_on(self) -> date | None:
        """Between the day the referral came and today."""
        day = self.cleaned_data["seen_on"]
        if day and self.today and day > self.today:
            raise forms.ValidationError(_("It can't be in the future."))
        if day and self.received_on and day < self.received_on:
            raise forms.ValidationError(seen_too_early(self.received_on))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needs = self.NEEDS.get(cleaned.get("act", ""))
        if needs and not cleaned.get(needs) and needs not in self.errors:
            asked = {
                "appointment_at": _("Say when the appointment is."),
                "seen_on": _("Say on which day the patient was seen."),
            }
            self.add_error(needs, asked[needs])
        return cleaned


class ReasonForm(forms.Form):
    """Why something is undone."""

    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=500)


class TakeBackForm(ReasonForm):
    """Which step its page meant, and why."""

    step_id = forms.IntegerField(widget=forms.HiddenInput)


class PhysicianForm(SharedRow, forms.Form):
    """Whom the patient will see."""

    physician = forms.ModelChoiceField(
        label=gettext_lazy("Our physician"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("open for now"),
    )

    def __init__(self, *args: Any, referral: Referral, **kwargs: Any) -> None:
        stands = {"physician": referral.physician_id}
        super().__init__(*args, initial=stands, **kwargs)
        self.fields["physician"].queryset = Member.objects.physicians()
        self.open_over(referral, stands)


class FilterForm(forms.Form):
    """Which referrals the list shows. An unknown value counts as none."""

    VIEWS = [
        ("", gettext_lazy("any")),
        ("open", gettext_lazy("open")),
        ("overdue", gettext_lazy("overdue")),
        *Status.choices,
        ("was_seen", gettext_lazy("seen, told or not")),
        ("withdrawn", gettext_lazy("withdrawn")),
    ]
    AWAITING = [
        ("", gettext_lazy("—")),
        ("report_back", gettext_lazy("report-back")),
        ("provider", gettext_lazy("who sent this?")),
        ("patient", gettext_lazy("patient to complete")),
        ("physician", gettext_lazy("one of our physicians")),
    ]
    NO_LOCATION = "none"

    q = forms.CharField(label=gettext_lazy("Provider or office"), required=False, max_length=100)
    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=VIEWS, required=False)
    awaiting = forms.ChoiceField(label=gettext_lazy("Awaiting"), choices=AWAITING, required=False)
    physician = forms.ModelChoiceField(
        label=gettext_lazy("Physician"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("any"),
    )
    location = forms.ChoiceField(label=gettext_lazy("Location"), required=False)
    channel = forms.ChoiceField(
        label=gettext_lazy("Came by"), choices=[("", gettext_lazy("any")), *Channel.choices], required=False
    )
    urgency = forms.ChoiceField(
        label=gettext_lazy("Urgency"),
        choices=[("", gettext_lazy("any")), *Urgency.choices],
        required=False,
    )
    received_from = DayField(label=gettext_lazy("Received from"), required=False, widget=date_input())
    received_until = DayField(label=gettext_lazy("Received until"), required=False, widget=date_input())
    provider = forms.IntegerField(required=False, widget=forms.HiddenInput)
    office = forms.IntegerField(required=False, widget=forms.HiddenInput)
    territory = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        ours = Location.objects.values_list("pk", "name")
        self.fields["location"].choices = [("", _("any")), *ours, (self.NO_LOCATION, _("none yet"))]
        self.fields["physician"].queryset = Member.objects.filter(role=Role.PHYSICIAN).select_related("user")
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def chosen(self) -> dict[str, Any]:
        """What is filtered by, without what was malformed."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}


class PatientFindForm(forms.Form):
    """Family name with birth date, family name with first name, or chart number."""

    patient_family_name = forms.CharField(label=gettext_lazy("Family name"), max_length=100, required=False)
    patient_given_name = forms.CharField(
        label=gettext_lazy("Given name or its first letter"), max_length=100, required=False
    )
    patient_born_on = DayField(label=gettext_lazy("Born on"), required=False, widget=date_input())
    patient_chart_number = forms.CharField(label=gettext_lazy("Chart number"), max_length=60, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        has_name = cleaned.get("patient_family_name") and (
            cleaned.get("patient_born_on") or cleaned.get("patient_given_name")
        )
        if not has_name and not cleaned.get("patient_chart_number") and not self.errors:
            raise forms.ValidationError(
                _("Give the family name with the birth date or the first letter, or the chart number.")
            )
        return cleaned
