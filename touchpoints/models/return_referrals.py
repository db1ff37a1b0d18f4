"""A patient whom we send to a provider of our network."""

from datetime import date
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider, Specialty
from contacts.models.referrals import OfPatient, PatientSearch, Urgency, of_patient_named, patient_indexes
from practices.encryption import BlindIndexField, EncryptedDateField, EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice, current_practice_id
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager
from practices.roles import SEES_ALL_PATIENTS, Role
from touchpoints.models.touchpoints import Touchpoint


class ReturnReferralQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        return self.exclude(state=ReturnReferral.State.CANCELLED)

    def on_their_way(self, *, since: date) -> Self:
        """Patients who were sent on that day or later."""
        gone = self.exclude(state__in=[ReturnReferral.State.SUGGESTED, ReturnReferral.State.CANCELLED])
        return gone.filter(sent_at__date__gte=since)

    def of_patient(self, search: PatientSearch) -> Self:
        """The same patient, as a referral's is found, but for the chart number: none is asked for."""
        return self.filter(of_patient_named(search))

    def visible_to(self, member: Member) -> Self:
        """Manager and coordinator see all, a physician their own, a liaison none (counts only)."""
        if member.role in SEES_ALL_PATIENTS:
            return self
        return self.filter(physician=member) if member.role == Role.PHYSICIAN else self.none()


class ReturnReferral(OfPatient, PracticeModel):
    """From a patient's need to the report received. Written through touchpoints/return_referral_way.py alone."""

    class State(models.TextChoices):
        SUGGESTED = "suggested", _("suggested")
        SENT = "sent", _("sent")
        SEEN = "seen", _("seen")
        REPORT_RECEIVED = "report_received", _("report received")
        CANCELLED = "cancelled", _("cancelled")

    physician = PracticeForeignKey(Member, related_name="return_referrals", verbose_name=_("our physician"))
    provider = PracticeForeignKey(
        Provider, null=True, blank=True, related_name="return_referrals", verbose_name=_("chosen provider")
    )
    office = PracticeForeignKey(
        Office, null=True, blank=True, related_name="return_referrals", verbose_name=_("office")
    )
    patient_family_name = EncryptedTextField(_("family name"))
    patient_given_name = EncryptedTextField(_("given name"), blank=True, default="")
    patient_born_on = EncryptedDateField(_("born on"), null=True, blank=True)
    patient_phone = EncryptedTextField(_("phone"), blank=True, default="")
    patient_name_birth_index = BlindIndexField(null=True, editable=False)
    patient_name_initial_index = BlindIndexField(null=True, editable=False)
    clinical_reason = EncryptedTextField(_("clinical reason"), blank=True, default="")
    specialty = PracticeForeignKey(
        Specialty, related_name="return_referrals", verbose_name=_("specialty needed")
    )
    zip_code = models.CharField(_("patient's ZIP code"), max_length=5, blank=True)
    language = models.CharField(_("language"), max_length=40, blank=True)
    payer = models.CharField(_("payer"), max_length=100, blank=True)
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency.choices, default=Urgency.ROUTINE)
    is_patients_choice = models.BooleanField(_("the patient chose"), default=False)
    offered = ArrayField(
        models.BigIntegerField(), default=list, editable=False, help_text="Providers offered, in rank."
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.SUGGESTED, editable=False)
    suggested_at = models.DateTimeField(editable=False)
    suggested_by = PracticeForeignKey(Member, editable=False, related_name="+")
    sent_at = models.DateTimeField(null=True, editable=False)
    sent_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    seen_on = models.DateField(_("seen on"), null=True, blank=True)
    report_received_on = models.DateField(_("report received on"), null=True, blank=True)
    touchpoint = PracticeForeignKey(
        Touchpoint, null=True, editable=False, related_name="return_referrals", help_text="Made by sending."
    )
    cancelled_at = models.DateTimeField(null=True, editable=False)
    cancelled_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    cancelled_reason = EncryptedTextField(_("reason"), blank=True, default="", editable=False)

    objects = practice_manager(ReturnReferralQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-suggested_at", "-id"]
        indexes = [
            models.Index(fields=["practice", "-suggested_at", "-id"], name="return_referral_newest"),
            models.Index(
                fields=["practice", "provider", "-suggested_at"], name="return_referral_by_provider"
            ),
            models.Index(
                fields=["practice", "physician", "-suggested_at"], name="return_referral_by_physician"
            ),
            models.Index(fields=["practice", "patient_name_birth_index"], name="return_referral_name_birth"),
            models.Index(
                fields=["practice", "patient_name_initial_index"], name="return_referral_name_initial"
            ),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"return_referral_{field}_same_practice")
                for field in (
                    "physician",
                    "provider",
                    "office",
                    "specialty",
                    "suggested_by",
                    "sent_by",
                    "touchpoint",
                    "cancelled_by",
                )
            ],
            models.CheckConstraint(
                condition=models.Q(state__in=["suggested", "cancelled"])
                | models.Q(provider__isnull=False, sent_at__isnull=False, sent_by__isnull=False),
                name="return_referral_sent_to_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="seen") | models.Q(seen_on__isnull=False),
                name="return_referral_seen_has_day",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="report_received") | models.Q(report_received_on__isnull=False),
                name="return_referral_report_has_day",
            ),
            models.CheckConstraint(
                condition=models.Q(cancelled_at=None, cancelled_by=None)
                | models.Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
                name="return_referral_cancelled_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state="cancelled", cancelled_at__isnull=False)
                | (~models.Q(state="cancelled") & models.Q(cancelled_at=None)),
                name="return_referral_cancelled_has_moment",
            ),
            models.UniqueConstraint(
                fields=["practice", "touchpoint"], name="return_referral_once_per_touchpoint"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What may be said where the patient may not."""
        return f"RR-{self.pk}"

    def index_anew(self) -> None:
        """Keep the blind indexes true to the patient fields."""
        indexes = patient_indexes(
            family_name=self.patient_family_name,
            given_name=self.patient_given_name,
            born_on=self.patient_born_on,
            chart_number="",
            practice_id=self.practice_id or current_practice_id(),
        )
        self.patient_name_birth_index = indexes.name_birth
        self.patient_name_initial_index = indexes.name_initial

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.get_deferred_fields() and not kwargs.get("update_fields"):
            self.index_anew()
        super().save(*args, **kwargs)
