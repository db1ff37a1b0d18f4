"""A physician's thank-you list for one week, its rows, and the referrals on them."""

from datetime import date
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Provider, Referral
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeDetail, PracticeQuerySet, practice_manager
from practices.roles import Role
from practices.weeks import Week
from touchpoints.models.touchpoints import Touchpoint


class ThankYouListQuerySet(PracticeQuerySet):
    def for_week(self, week: Week) -> Self:
        return self.filter(week_starts_on=week.monday)

    def visible_to(self, member: Member) -> Self:
        """A physician sees their own lists; manager and whoever writes and mails see all."""
        return self.filter(physician=member) if member.role == Role.PHYSICIAN else self

    def to_review(self) -> Self:
        return self.filter(reviewed_at__isnull=True)


class ThankYouList(PracticeDetail):
    """One physician, one ISO week. Written by touchpoints/thank_you_lists.py alone."""

    physician = PracticeForeignKey(Member, related_name="thank_you_lists")
    week_starts_on = models.DateField()
    made_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = PracticeForeignKey(Member, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = practice_manager(ThankYouListQuerySet)

    class Meta(PracticeDetail.Meta):
        ordering = ["-week_starts_on", "id"]
        constraints = [
            *PracticeDetail.Meta.constraints,
            SamePractice(field="physician", name="thank_you_list_physician_same_practice"),
            SamePractice(field="reviewed_by", name="thank_you_list_reviewed_by_same_practice"),
            models.UniqueConstraint(
                fields=["practice", "week_starts_on", "physician"],
                name="thank_you_list_once_per_physician_and_week",
            ),
            models.CheckConstraint(
                condition=models.Q(week_starts_on__iso_week_day=1), name="thank_you_list_starts_on_a_monday"
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_at=None, reviewed_by=None)
                | models.Q(reviewed_at__isnull=False, reviewed_by__isnull=False),
                name="thank_you_list_reviewed_by_somebody",
            ),
        ]

    @property
    def week(self) -> Week:
        return Week(self.week_starts_on)

    def __str__(self) -> str:
        return str(self.week)


class ThankYouQuerySet(PracticeQuerySet):
    def undecided(self) -> Self:
        return self.filter(state=ThankYou.State.UNDECIDED)

    def to_write(self) -> Self:
        return self.filter(state=ThankYou.State.TO_WRITE)

    def written(self) -> Self:
        """Written and not mailed yet."""
        return self.filter(state=ThankYou.State.WRITTEN)

    def visible_to(self, member: Member) -> Self:
        """Rows of one's own lists, what was handed over to one, and for the others all."""
        if member.role != Role.PHYSICIAN:
            return self
        return self.filter(models.Q(list__physician=member) | models.Q(assignee=member))


class ThankYou(PracticeDetail):
    """One row: one referring provider, for all patients of that week."""

    class State(models.TextChoices):
        UNDECIDED = "undecided", _("undecided")
        TO_WRITE = "to_write", _("to write")
        WRITTEN = "written", _("written")
        MAILED = "mailed", _("mailed")
        CALLED = "called", _("called")
        SKIPPED = "skipped", _("skipped")
        CARRIED = "carried", _("carried to the next card")

    list = PracticeForeignKey(ThankYouList, on_delete=models.CASCADE, related_name="rows")
    provider = PracticeForeignKey(Provider, related_name="thank_yous")
    referrals = models.ManyToManyField(Referral, through="ThankYouReferral", related_name="thank_yous")
    state = models.CharField(max_length=20, choices=State.choices, default=State.UNDECIDED)
    personal_line = EncryptedTextField(
        _("personal line"), blank=True, default="", help_text=_("Goes on the card. Never name a patient.")
    )
    line_means_others = EncryptedTextField(
        blank=True, null=True, help_text="Names on the line, of a patient too, that mean somebody else."
    )
    skip_reason = EncryptedTextField(_("reason"), blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    decided_by = PracticeForeignKey(Member, null=True, related_name="+")
    assignee = PracticeForeignKey(
        Member,
        null=True,
        blank=True,
        related_name="assigned_thank_yous",
        help_text="None: the list's physician.",
    )
    written_at = models.DateTimeField(null=True)
    written_by = PracticeForeignKey(Member, null=True, related_name="+")
    mailed_on = models.DateField(null=True)
    card = PracticeForeignKey(
        Touchpoint, null=True, related_name="+", help_text="The touchpoint of the mailed card."
    )
    call = PracticeForeignKey(
        Touchpoint, null=True, related_name="+", help_text="The touchpoint of the call."
    )

    objects = practice_manager(ThankYouQuerySet)

    class Meta(PracticeDetail.Meta):
        indexes = [
            models.Index(fields=["practice", "provider", "state"], name="thank_you_by_provider"),
            models.Index(
                fields=["practice", "state"],
                condition=models.Q(state__in=["undecided", "to_write", "written"]),
                name="thank_you_waiting",
            ),
            models.Index(
                fields=["practice", "card"],
                condition=models.Q(card__isnull=False),
                name="thank_you_by_card",
            ),
            models.Index(
                fields=["practice", "call"],
                condition=models.Q(call__isnull=False),
                name="thank_you_by_call",
            ),
        ]
        constraints = [
            *PracticeDetail.Meta.constraints,
            *[
                SamePractice(field=field, name=f"thank_you_{field}_same_practice")
                for field in ("list", "provider", "decided_by", "assignee", "written_by", "card", "call")
            ],
            models.UniqueConstraint(
                fields=["practice", "list", "provider"], name="thank_you_once_per_provider"
            ),
            models.CheckConstraint(
                condition=models.Q(state="undecided", decided_at=None)
                | (
                    ~models.Q(state="undecided")
                    & models.Q(decided_at__isnull=False, decided_by__isnull=False)
                ),
                name="thank_you_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state="mailed", mailed_on__isnull=False, card__isnull=False)
                | (~models.Q(state="mailed") & models.Q(mailed_on=None, card=None)),
                name="thank_you_mailed_is_a_touchpoint",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="called") | models.Q(call__isnull=False),
                name="thank_you_call_is_a_touchpoint",
            ),
        ]

    @property
    def is_decided(self) -> bool:
        return self.state != self.State.UNDECIDED

    @property
    def may_be_folded(self) -> bool:
        """When two providers prove to be one, an undecided row gives its patients to the other of that week."""
        return not self.is_decided

    @property
    def thanked_on(self) -> date | None:
        return self.mailed_on or (self.call.happened_on if self.call else None)


class ThankYouReferral(PracticeDetail):
    """Puts a referral on a list: the one link that keeps it from being thanked for twice, or never."""

    thank_you = PracticeForeignKey(ThankYou, on_delete=models.CASCADE, related_name="links")
    referral = PracticeForeignKey(Referral, on_delete=models.CASCADE, related_name="links")

    class Meta(PracticeDetail.Meta):
        indexes = [models.Index(fields=["practice", "thank_you"], name="thank_you_referral_by_row")]
        constraints = [
            *PracticeDetail.Meta.constraints,
            SamePractice(field="thank_you", name="thank_you_referral_row_same_practice"),
            SamePractice(field="referral", name="thank_you_referral_referral_same_practice"),
            models.UniqueConstraint(fields=["practice", "referral"], name="thank_you_referral_on_one_list"),
        ]
