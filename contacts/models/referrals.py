"""A patient sent to us, and each step of the way."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now, TruncDate
from django.utils.translation import gettext_lazy as _

from contacts.models.people import Office, Provider
from practices.encryption import (
    BlindIndexField,
    EncryptedDateField,
    EncryptedTextField,
    blind_index,
    blind_indexes,
)
from practices.isolation import PracticeForeignKey, SamePractice, current_practice_id
from practices.models import Cover, Location, Member, PracticeDetail, PracticeQuerySet, practice_manager
from practices.roles import SEES_PATIENTS, Role


@dataclass(frozen=True)
class PatientIndexes:
    """The blind indexes that find a patient who phones; None where a part is not known."""

    name_birth: bytes | None
    name_initial: bytes | None
    chart: bytes | None


@dataclass(frozen=True)
class PatientSearch:
    """The same under every key, since rows may be under any; empty where a part is not known."""

    name_birth: list[bytes]
    name_initial: list[bytes]
    chart: list[bytes]


def patient_indexes(*, practice_id: int | None, **patient: Any) -> PatientIndexes:
    """Family name + birth date, family name + first initial, chart number: as a row keeps them."""
    parts = _indexed_parts(**patient).items()
    return PatientIndexes(**{name: blind_index(*said, practice_id=practice_id) for name, said in parts})


def patient_search(*, practice_id: int | None, **patient: Any) -> PatientSearch:
    """The same, to look a patient up by."""
    parts = _indexed_parts(**patient)
    return PatientSearch(
        **{name: blind_indexes(*said, practice_id=practice_id) for name, said in parts.items()}
    )


def _indexed_parts(
    *, family_name: str, given_name: str, born_on: date | None, chart_number: str
) -> dict[str, tuple[str, ...]]:
    return {
        "name_birth": ("name+birth", family_name, born_on.isoformat() if born_on else ""),
        "name_initial": ("name+initial", family_name, given_name.strip()[:1]),
        "chart": ("chart", chart_number),
    }


def of_patient_named(search: PatientSearch) -> models.Q:
    """The same name and birth date; name with initial where no birth date is known."""
    same = models.Q(pk__in=[])
    if search.name_birth:
        same |= models.Q(patient_name_birth_index__in=search.name_birth)
    if search.name_initial:
        same |= models.Q(patient_name_initial_index__in=search.name_initial) & (
            models.Q(patient_name_birth_index=None) if search.name_birth else models.Q()
        )
    return same


class Status(models.TextChoices):
    """Where a referral stands on its way."""

    RECEIVED = "received", _("received")
    CONTACTED = "contacted", _("contacted")
    SCHEDULED = "scheduled", _("scheduled")
    SEEN = "seen", _("seen")
    CLOSED = "closed", _("reported back")
    DECLINED = "declined", _("declined")
    UNREACHABLE = "unreachable", _("unreachable")
    NO_SHOW = "no_show", _("no-show")
    CANCELLED = "cancelled", _("cancelled")


OPEN = [Status.RECEIVED, Status.CONTACTED, Status.SCHEDULED, Status.SEEN]
OWES_WORD = [Status.SEEN, Status.DECLINED, Status.UNREACHABLE, Status.NO_SHOW]


class Channel(models.TextChoices):
    FAX = "fax", _("fax")
    PHONE = "phone", _("phone")
    PORTAL = "portal", _("portal")
    EMAIL = "email", _("e-mail")
    LETTER = "letter", _("letter")
    PATIENT = "patient", _("patient brought it")
    EHR = "ehr", _("EHR")


class Urgency(models.TextChoices):
    ROUTINE = "routine", _("routine")
    URGENT = "urgent", _("urgent")
    STAT = "stat", _("stat")


class NoteChannel(models.TextChoices):
    """How our consult note reached the referrer."""

    FAX = "fax", _("fax")
    PORTAL = "portal", _("portal")
    LETTER = "letter", _("letter")
    EMAIL = "email", _("e-mail")
    IN_PERSON = "in_person", _("in person")


class NextAction(models.TextChoices):
    CONTACT = "contact", _("contact the patient")
    SCHEDULE = "schedule", _("find an appointment")
    RECORD_OUTCOME = "record_outcome", _("record whether the patient was seen")
    REPORT_BACK = "report_back", _("report back to the referrer")


class ReferralQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        """Those that were not withdrawn: what every count, list and figure means by a referral."""
        return self.filter(withdrawn_at__isnull=True)

    def with_what_a_row_shows(self) -> Self:
        """Each with all that a line of a list says of it."""
        return self.select_related("provider", "office").with_members("physician", "next_action_owner")

    def open(self) -> Self:
        return self.standing().filter(status__in=OPEN)

    def awaiting_report_back(self) -> Self:
        return self.standing().filter(status__in=OWES_WORD, reported_back_at__isnull=True)

    def awaiting_provider(self) -> Self:
        """Only the office is known: who sent this?"""
        return self.standing().filter(provider__isnull=True)

    def awaiting_patient(self) -> Self:
        """Logged by a liaison without the patient, whom a coordinator completes."""
        return self.standing().filter(
            patient_name_initial_index__isnull=True, patient_chart_index__isnull=True
        )

    def awaiting_physician(self) -> Self:
        """Nobody of ours has them yet."""
        return self.standing().filter(physician__isnull=True)

    def seen(self) -> Self:
        """The patient was here, whether or not the referrer knows by now."""
        return self.standing().filter(status__in=[Status.SEEN, Status.CLOSED])

    def overdue(self, now: datetime) -> Self:
        return self.standing().filter(next_action_due_at__lt=now)

    def of_patient(self, search: PatientSearch) -> Self:
        """The same patient: chart number or name with birth date; name with initial where no birth date is known."""
        return self.filter(models.Q(patient_chart_index__in=search.chart) | of_patient_named(search))

    def visible_to(self, member: Member, *, day: date | None = None) -> Self:
        """The rows this member may open, on `day` (`opened_by`)."""
        return self.filter(opened_by(member, day=day))

    def without_patient(self) -> Self:
        """Leave every patient field in the database."""
        return self.defer(*Referral.PATIENT_FIELDS)


def opened_by(member: Member, *, day: date | None = None) -> models.Q:
    """All; for a physician their own, and a colleague's whom they cover on `day` (None: the practice's today)."""
    if member.role != Role.PHYSICIAN:
        return models.Q()
    covers = Cover.objects.filter(covered_by=member).on(day or TruncDate(Now(), tzinfo=member.practice.zone))
    return models.Q(physician=member) | models.Q(physician__in=covers.values("physician"))


class OfPatient:
    """What a row with a patient's names says of them; shown only to who may see."""

    patient_family_name: str
    patient_given_name: str

    @property
    def patient_name(self) -> str:
        return " ".join(filter(None, [self.patient_given_name, self.patient_family_name]))

    @property
    def patient_initials(self) -> str:
        names = [self.patient_given_name, self.patient_family_name]
        return "".join(f"{name.strip()[0].upper()}." for name in names if name.strip())


class Referral(OfPatient, PracticeDetail):
    """A patient sent to us by a provider. Written through contacts/referral_way.py alone."""

    PATIENT_FIELDS = (
        "patient_family_name",
        "patient_given_name",
        "patient_born_on",
        "patient_chart_number",
        "reason",
        "notes",
    )

    provider = PracticeForeignKey(
        Provider, null=True, blank=True, related_name="referrals", verbose_name=_("referring provider")
    )
    office = PracticeForeignKey(
        Office, null=True, blank=True, related_name="referrals", verbose_name=_("office")
    )
    physician = PracticeForeignKey(
        Member, null=True, blank=True, related_name="referrals", verbose_name=_("our physician")
    )
    location = PracticeForeignKey(
        Location, null=True, blank=True, related_name="referrals", verbose_name=_("our location")
    )
    received_on = models.DateField(_("received on"))
    channel = models.CharField(_("came by"), max_length=10, choices=Channel.choices)
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency.choices, default=Urgency.ROUTINE)
    payer = models.CharField(_("payer"), max_length=100, blank=True)
    source_number = models.CharField(  # noqa: DJ001  # null, so that many may have none under the unique key
        _("number in the source system"), max_length=80, null=True, blank=True
    )

    patient_family_name = EncryptedTextField(_("family name"), blank=True, default="")
    patient_given_name = EncryptedTextField(_("given name"), blank=True, default="")
    patient_born_on = EncryptedDateField(_("born on"), null=True, blank=True)
    patient_chart_number = EncryptedTextField(_("chart number"), blank=True, default="")
    reason = EncryptedTextField(_("reason"), blank=True, default="")
    notes = EncryptedTextField(_("notes"), blank=True, default="")
    patient_name_birth_index = BlindIndexField(null=True, editable=False)
    patient_name_initial_index = BlindIndexField(null=True, editable=False)
    patient_chart_index = BlindIndexField(null=True, editable=False)

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RECEIVED, editable=False)
    contact_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    appointment_at = models.DateTimeField(null=True, editable=False)
    seen_on = models.DateField(null=True, editable=False)
    reported_back_at = models.DateTimeField(null=True, editable=False)
    reported_back_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    next_action = models.CharField(max_length=20, choices=NextAction.choices, blank=True, editable=False)
    next_action_due_at = models.DateTimeField(null=True, editable=False)
    next_action_owner = PracticeForeignKey(
        Member, null=True, editable=False, related_name="next_actions", help_text="None: whoever coordinates."
    )

    submission_key = models.UUIDField(null=True, editable=False)
    logged_at = models.DateTimeField(editable=False)
    logged_by = PracticeForeignKey(Member, editable=False, related_name="logged_referrals")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    withdrawn_reason = EncryptedTextField(editable=False, blank=True, default="")

    objects = practice_manager(ReferralQuerySet)

    class Meta(PracticeDetail.Meta):
        indexes = [
            models.Index(fields=["practice", "-received_on", "-id"], name="referral_newest"),
            models.Index(fields=["practice", "provider", "-received_on", "-id"], name="referral_by_provider"),
            models.Index(fields=["practice", "office", "-received_on", "-id"], name="referral_by_office"),
            models.Index(
                fields=["practice", "physician", "-received_on", "-id"], name="referral_by_physician"
            ),
            models.Index(fields=["practice", "location", "-received_on", "-id"], name="referral_by_location"),
            models.Index(fields=["practice", "status", "-received_on", "-id"], name="referral_by_status"),
            models.Index(
                fields=["practice", "next_action_due_at", "id"],
                condition=models.Q(next_action_due_at__isnull=False, withdrawn_at=None),
                name="referral_next_action",
            ),
            models.Index(
                fields=["practice", "status", "next_action_due_at", "id"],
                condition=models.Q(next_action_due_at__isnull=False, withdrawn_at=None),
                name="referral_waiting",
            ),
            models.Index(
                fields=["practice", "provider"],
                condition=models.Q(
                    withdrawn_at=None,
                    reported_back_at=None,
                    next_action_due_at__isnull=False,
                    status__in=OWES_WORD,
                ),
                name="referral_owes_word",
            ),
            models.Index(
                fields=["practice", "-reported_back_at", "-id"],
                condition=models.Q(reported_back_at__isnull=False, withdrawn_at=None),
                name="referral_told",
            ),
            models.Index(
                fields=["practice", "seen_on"],
                include=["received_on", "status", "physician", "reported_back_at"],
                condition=models.Q(seen_on__isnull=False, withdrawn_at=None),
                name="referral_seen",
            ),
            models.Index(
                fields=["practice", "received_on"],
                condition=models.Q(provider=None),
                name="referral_awaiting_provider",
            ),
            models.Index(fields=["practice", "patient_name_birth_index"], name="referral_name_birth"),
            models.Index(fields=["practice", "patient_name_initial_index"], name="referral_name_initial"),
            models.Index(fields=["practice", "patient_chart_index"], name="referral_chart"),
        ]
        constraints = [
            *PracticeDetail.Meta.constraints,
            *[
                SamePractice(field=field, name=f"referral_{field}_same_practice")
                for field in (
                    "provider",
                    "office",
                    "physician",
                    "location",
                    "reported_back_by",
                    "next_action_owner",
                    "logged_by",
                    "withdrawn_by",
                )
            ],
            models.UniqueConstraint(
                fields=["practice", "submission_key"], name="referral_once_per_submission"
            ),
            models.UniqueConstraint(
                fields=["practice", "source_number"], name="referral_once_per_source_number"
            ),
            models.CheckConstraint(
                condition=models.Q(provider__isnull=False) | models.Q(office__isnull=False),
                name="referral_came_from_somewhere",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="scheduled") | models.Q(appointment_at__isnull=False),
                name="referral_scheduled_has_appointment",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["seen", "closed"]) | models.Q(seen_on__isnull=False),
                name="referral_seen_has_day",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="closed") | models.Q(reported_back_at__isnull=False),
                name="referral_closed_when_told",
            ),
            models.CheckConstraint(
                condition=models.Q(reported_back_at=None, reported_back_by=None)
                | models.Q(reported_back_at__isnull=False, reported_back_by__isnull=False),
                name="referral_told_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None, withdrawn_by=None)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="referral_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What may be said where the patient may not."""
        return f"R-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN and not self.withdrawn_at

    @property
    def owes_word(self) -> bool:
        """The referrer has not been told yet, and should be."""
        return self.status in OWES_WORD and not self.reported_back_at and not self.withdrawn_at

    def is_overdue(self, now: datetime) -> bool:
        return bool(self.next_action_due_at and self.next_action_due_at < now and not self.withdrawn_at)

    def patient_is_shown_to(self, member: Member) -> bool:
        """Whoever sees the row at all sees the patient, but for a liaison."""
        return member.role in SEES_PATIENTS

    def index_anew(self) -> None:
        """Keep the blind indexes true to the patient fields."""
        indexes = patient_indexes(
            family_name=self.patient_family_name,
            given_name=self.patient_given_name,
            born_on=self.patient_born_on,
            chart_number=self.patient_chart_number,
            practice_id=self.practice_id or current_practice_id(),
        )
        self.patient_name_birth_index = indexes.name_birth
        self.patient_name_initial_index = indexes.name_initial
        self.patient_chart_index = indexes.chart

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.get_deferred_fields() and not kwargs.get("update_fields"):
            self.index_anew()
        super().save(*args, **kwargs)
