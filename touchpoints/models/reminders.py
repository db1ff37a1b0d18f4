"""Something due, for somebody, about a provider, office, referral or list."""

from datetime import date
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider, Referral
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager
from touchpoints.models.thank_yous import ThankYouList


class ReminderQuerySet(PracticeQuerySet):
    def open(self) -> Self:
        return self.filter(state=Reminder.State.OPEN)

    def due_on(self, day: date) -> Self:
        """Open, due by that day and not snoozed past it."""
        return self.open().filter(due_on__lte=day)


class Reminder(PracticeModel):
    """Made by a rule under a key that says what caused it: never twice for the same cause."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        DISMISSED = "dismissed", _("dismissed")
        GONE = "gone", _("no longer due")

    rule = models.CharField(max_length=40)
    cause = models.CharField(max_length=120, help_text="What caused it, in the rule's own words: no patient.")
    member = PracticeForeignKey(Member, related_name="reminders", help_text="Whom it falls to.")
    provider = PracticeForeignKey(Provider, null=True, related_name="reminders")
    office = PracticeForeignKey(Office, null=True, related_name="reminders")
    referral = PracticeForeignKey(Referral, null=True, related_name="reminders")
    thank_you_list = PracticeForeignKey(
        ThankYouList, null=True, on_delete=models.CASCADE, related_name="reminders"
    )
    reason = models.CharField(max_length=300, help_text="A sentence. No patient.")
    due_on = models.DateField(help_text="Moved forward by snoozing.")
    made_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    snoozed_at = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)
    handed_over_by = PracticeForeignKey(Member, null=True, related_name="+")
    handed_over_from = PracticeForeignKey(
        Member,
        null=True,
        related_name="+",
        help_text="Who had it before, and gets it back if that is undone.",
    )
    handed_over_until = models.DateField(null=True, help_text="After that day it goes back. Empty: for good.")
    closed_at = models.DateTimeField(null=True)
    closed_by = PracticeForeignKey(Member, null=True, related_name="+", help_text="None: closed by itself.")
    dismissed_reason = EncryptedTextField(_("reason"), blank=True, default="")

    objects = practice_manager(ReminderQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(
                fields=["practice", "member", "due_on"], condition=models.Q(state="open"), name="reminder_due"
            ),
            models.Index(
                fields=["practice", "provider", "due_on"],
                condition=models.Q(state="open"),
                name="reminder_by_provider",
            ),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"reminder_{field}_same_practice")
                for field in (
                    "member",
                    "provider",
                    "office",
                    "referral",
                    "thank_you_list",
                    "closed_by",
                    "handed_over_by",
                    "handed_over_from",
                )
            ],
            models.UniqueConstraint(fields=["practice", "rule", "cause"], name="reminder_once_per_cause"),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at=None)
                | (~models.Q(state="open") & models.Q(closed_at__isnull=False)),
                name="reminder_closed_when_it_says_so",
            ),
            models.CheckConstraint(
                condition=models.Q(handed_over_at=None, handed_over_by=None)
                | models.Q(handed_over_at__isnull=False, handed_over_by__isnull=False),
                name="reminder_handed_over_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(handed_over_until=None) | models.Q(handed_over_at__isnull=False),
                name="reminder_goes_back_to_whoever_had_it",
            ),
        ]


class StandInQuerySet(PracticeQuerySet):
    def on(self, day: date) -> Self:
        """Those who stand in that day: both are still there."""
        return self.filter(until__gte=day, member__left_at=None, stand_in__left_at=None)


class StandIn(PracticeModel):
    """Another member has what falls to this one until that day, which is included."""

    member = PracticeForeignKey(Member, related_name="stand_ins")
    stand_in = PracticeForeignKey(Member, related_name="stands_in")
    until = models.DateField()
    arranged_at = models.DateTimeField()
    arranged_by = PracticeForeignKey(Member, related_name="+")

    objects = practice_manager(StandInQuerySet)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "member"], name="stand_in_once_per_member"),
            models.CheckConstraint(
                condition=~models.Q(member=models.F("stand_in")), name="stand_in_is_somebody_else"
            ),
            SamePractice(field="member", name="stand_in_member_same_practice"),
            SamePractice(field="stand_in", name="stand_in_stand_in_same_practice"),
            SamePractice(field="arranged_by", name="stand_in_arranged_by_same_practice"),
        ]


class RuleSetting(PracticeModel):
    """How this practice has a rule of the reminders; without a row it is as the rule comes."""

    rule = models.CharField(max_length=40)
    is_on = models.BooleanField(_("this rule reminds"), default=True)
    numbers = models.JSONField(
        default=dict, help_text="By the rule's own names of them; a missing one is its default."
    )
    owner = PracticeForeignKey(
        Member,
        null=True,
        blank=True,
        related_name="reminder_rules",
        help_text="Who has what nobody has by themselves.",
    )

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "rule"], name="rule_setting_once_per_rule"),
            SamePractice(field="owner", name="rule_setting_owner_same_practice"),
        ]
