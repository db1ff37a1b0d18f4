"""One time we reached out."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider, Referral
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeDetail, PracticeQuerySet, practice_manager
from touchpoints.models.meetings import Meeting


class TouchpointQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        """Those that were not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def thanks(self) -> Self:
        return self.standing().filter(is_thanks=True)

    def owing_next_step(self) -> Self:
        """Something was promised for a day, and is not done."""
        return self.standing().filter(next_step_on__isnull=False, next_step_done_at=None)


class Touchpoint(PracticeDetail):
    """A card, call, meeting, return referral or request for feedback; withdrawn with a reason, never deleted."""

    class Kind(models.TextChoices):
        CARD = "card", _("thank-you card")
        CALL = "call", _("phone call")
        MEETING = "meeting", _("meeting")
        RETURN_REFERRAL = "return_referral", _("return referral")
        FEEDBACK = "feedback", _("feedback")

    class CallOutcome(models.TextChoices):
        REACHED = "reached", _("reached")
        VOICEMAIL = "voicemail", _("voicemail")
        NO_ANSWER = "no_answer", _("no answer")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    happened_on = models.DateField(_("date"))
    provider = PracticeForeignKey(Provider, null=True, blank=True, related_name="touchpoints")
    office = PracticeForeignKey(Office, null=True, blank=True, related_name="touchpoints")
    referral = PracticeForeignKey(Referral, null=True, blank=True, related_name="touchpoints")
    member = PracticeForeignKey(Member, related_name="touchpoints", help_text="Who reached out.")
    is_thanks = models.BooleanField(_("thanks were given"), default=False)
    note = EncryptedTextField(_("note"), blank=True, default="")
    call_outcome = models.CharField(_("outcome"), max_length=10, choices=CallOutcome.choices, blank=True)
    meeting = PracticeForeignKey(Meeting, null=True, blank=True, related_name="touchpoints")
    next_step = EncryptedTextField(_("next step"), blank=True, default="")
    next_step_on = models.DateField(_("by"), null=True, blank=True)
    next_step_owner = PracticeForeignKey(
        Member, null=True, blank=True, related_name="next_steps", help_text="None: whoever reached out."
    )
    next_step_done_at = models.DateTimeField(null=True, editable=False)
    logged_at = models.DateTimeField(editable=False)
    logged_by = PracticeForeignKey(Member, editable=False, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    withdrawn_reason = EncryptedTextField(editable=False, blank=True, default="")
    corrected_by = PracticeForeignKey(
        "self",
        null=True,
        editable=False,
        related_name="earlier",
        help_text="Withdrawn, for this row says it right.",
    )

    objects = practice_manager(TouchpointQuerySet)

    class Meta(PracticeDetail.Meta):
        indexes = [
            models.Index(
                fields=["practice", "provider", "-happened_on", "-id"], name="touchpoint_by_provider"
            ),
            models.Index(fields=["practice", "office", "-happened_on", "-id"], name="touchpoint_by_office"),
            models.Index(fields=["practice", "referral"], name="touchpoint_by_referral"),
            # What was done in twelve months, by member and kind, without a look at the rows.
            models.Index(
                fields=["practice", "happened_on"],
                include=["member", "kind"],
                condition=models.Q(withdrawn_at=None),
                name="touchpoint_by_day",
            ),
            models.Index(
                fields=["practice", "next_step_on"],
                condition=models.Q(next_step_on__isnull=False, next_step_done_at=None, withdrawn_at=None),
                name="touchpoint_next_step_due",
            ),
        ]
        constraints = [
            *PracticeDetail.Meta.constraints,
            *[
                SamePractice(field=field, name=f"touchpoint_{field}_same_practice")
                for field in (
                    "provider",
                    "office",
                    "referral",
                    "meeting",
                    "member",
                    "next_step_owner",
                    "logged_by",
                    "withdrawn_by",
                    "corrected_by",
                )
            ],
            models.CheckConstraint(
                condition=models.Q(provider__isnull=False) | models.Q(office__isnull=False),
                name="touchpoint_reaches_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(call_outcome="") | models.Q(kind="call"),
                name="touchpoint_outcome_is_of_a_call",
            ),
            models.UniqueConstraint(
                fields=["practice", "meeting", "provider"],
                condition=models.Q(withdrawn_at=None),
                name="touchpoint_once_per_meeting_and_provider",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None, withdrawn_by=None)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="touchpoint_withdrawn_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(corrected_by=None) | models.Q(withdrawn_at__isnull=False),
                name="touchpoint_corrected_is_withdrawn",
            ),
        ]

    def note_is_shown_to(self, member: Member) -> bool:
        """A note about a referral is patient data: for those who see that patient."""
        return self.referral is None or self.referral.patient_is_shown_to(member)
