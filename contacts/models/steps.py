"""Each step of a referral's way."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models.referrals import NoteChannel, Referral
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeDetail


class ReferralStep(PracticeDetail):
    """One step of a referral's way: what, when, by whom; taken back, never deleted."""

    class Act(models.TextChoices):
        RECEIVED = "received", _("logged")
        ATTEMPTED = "attempted", _("tried to reach the patient")
        CONTACTED = "contacted", _("contacted the patient")
        SCHEDULED = "scheduled", _("scheduled")
        SEEN = "seen", _("seen")
        REPORTED_BACK = "reported_back", _("told the referrer")
        DECLINED = "declined", _("declined")
        UNREACHABLE = "unreachable", _("given up as unreachable")
        NO_SHOW = "no_show", _("did not come")
        CANCELLED = "cancelled", _("cancelled")
        EDITED = "edited", _("corrected")
        WITHDRAWN = "withdrawn", _("withdrawn")

    referral = PracticeForeignKey(Referral, on_delete=models.CASCADE, related_name="steps")
    act = models.CharField(max_length=20, choices=Act.choices)
    at = models.DateTimeField()
    by = PracticeForeignKey(Member, related_name="+")
    note = EncryptedTextField(blank=True, default="")
    note_channel = models.CharField(
        max_length=10,
        choices=NoteChannel.choices,
        blank=True,
        default="",
        db_default="",  # what is copied in by the thousand names no telling
        help_text="Of the consult note.",
    )
    was_called = models.BooleanField(
        default=False, db_default=False, help_text="The referrer was told by telephone."
    )
    before = models.JSONField(
        default=dict, help_text="Where the referral stood, to go back to: no patient field."
    )
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = PracticeForeignKey(Member, null=True, related_name="+")
    taken_back_reason = EncryptedTextField(blank=True, default="")

    class Meta(PracticeDetail.Meta):
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["practice", "referral", "at"], name="referral_step_in_order")]
        constraints = [
            SamePractice(field="referral", name="referral_step_referral_same_practice"),
            SamePractice(field="by", name="referral_step_by_same_practice"),
            SamePractice(field="taken_back_by", name="referral_step_taken_back_by_same_practice"),
            models.CheckConstraint(
                condition=models.Q(taken_back_at=None, taken_back_by=None)
                | models.Q(taken_back_at__isnull=False, taken_back_by__isnull=False),
                name="referral_step_taken_back_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(act="reported_back") | models.Q(note_channel="", was_called=False),
                name="referral_step_says_how_only_of_telling",
            ),
        ]
