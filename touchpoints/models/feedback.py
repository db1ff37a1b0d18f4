"""What referrers think of us, asked or volunteered, and what is done about complaints."""

from datetime import timedelta
from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, Provider
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager
from touchpoints.models.touchpoints import Touchpoint


class FeedbackRequest(PracticeModel):
    """A provider was asked by e-mail; the secret link's token is a LinkToken whose object this is."""

    LIFETIME = timedelta(days=30)

    provider = PracticeForeignKey(Provider, related_name="feedback_requests")
    office = PracticeForeignKey(Office, null=True, related_name="feedback_requests")
    asked_at = models.DateTimeField()
    asked_by = PracticeForeignKey(Member, related_name="+")
    touchpoint = PracticeForeignKey(Touchpoint, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta(PracticeModel.Meta):
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["practice", "provider", "-asked_at"], name="feedback_request_by_provider")
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"feedback_request_{field}_same_practice")
                for field in ("provider", "office", "asked_by", "touchpoint")
            ],
        ]


def part(label: Any) -> models.PositiveSmallIntegerField:
    """One part of the score, 1 to 5."""
    validators = [MinValueValidator(1), MaxValueValidator(5)]
    return models.PositiveSmallIntegerField(label, null=True, blank=True, validators=validators)


class FeedbackQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        """Without what was taken down in error: its touchpoint is withdrawn. An answer of their own stays."""
        return self.exclude(taken_down_in_error())


def taken_down_in_error(prefix: str = "") -> models.Q:
    """A condition on feedback, or by its prefix on what points at it."""
    is_withdrawn = models.Q(**{f"{prefix}touchpoint__withdrawn_at__isnull": False})
    return is_withdrawn & ~models.Q(**{f"{prefix}source": Feedback.Source.PAGE})


class Feedback(PracticeModel):
    """Overall 0 to 10; scheduling, communication and care of the patient 1 to 5 each; and words."""

    LOW_OVERALL, LOW_PART = 6, 2
    PARTS = ("scheduling", "communication", "care")

    class Source(models.TextChoices):
        PAGE = "page", _("their own answer")
        CALL = "call", _("taken down after a call")
        VISIT = "visit", _("taken down after a visit")

    provider = PracticeForeignKey(Provider, related_name="feedback")
    office = PracticeForeignKey(Office, null=True, blank=True, related_name="feedback")
    physician = PracticeForeignKey(
        Member, null=True, blank=True, related_name="feedback_received", verbose_name=_("about our physician")
    )
    request = PracticeForeignKey(FeedbackRequest, null=True, editable=False, related_name="answers")
    source = models.CharField(max_length=10, choices=Source.choices)
    given_on = models.DateField(_("given on"))
    overall = models.PositiveSmallIntegerField(
        _("overall"), null=True, blank=True, validators=[MaxValueValidator(10)]
    )
    scheduling = part(_("scheduling"))
    communication = part(_("communication"))
    care = part(_("care of the patient"))
    words = EncryptedTextField(_("in words"), blank=True, default="")
    is_complaint = models.BooleanField(_("this is a complaint"), default=False)
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    touchpoint = PracticeForeignKey(Touchpoint, null=True, editable=False, related_name="+")

    objects = practice_manager(FeedbackQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-given_on", "-id"]
        indexes = [
            models.Index(fields=["practice", "-given_on", "-id"], name="feedback_newest"),
            models.Index(fields=["practice", "provider", "-given_on"], name="feedback_by_provider"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"feedback_{field}_same_practice")
                for field in ("provider", "office", "physician", "request", "recorded_by", "touchpoint")
            ],
            models.UniqueConstraint(fields=["practice", "request"], name="feedback_once_per_request"),
            models.CheckConstraint(
                condition=models.Q(overall=None) | models.Q(overall__lte=10), name="feedback_overall_to_ten"
            ),
            *[
                models.CheckConstraint(
                    condition=models.Q(**{name: None}) | models.Q(**{f"{name}__gte": 1, f"{name}__lte": 5}),
                    name=f"feedback_{name}_one_to_five",
                )
                for name in ("scheduling", "communication", "care")
            ],
        ]

    @property
    def scores(self) -> list[tuple[str, str, bool]]:
        """Label, "7 of 10" and whether it is low, of each number that was given."""
        given = []
        for name, best, low in (
            ("overall", 10, self.LOW_OVERALL),
            *((part, 5, self.LOW_PART) for part in self.PARTS),
        ):
            value = getattr(self, name)
            if value is not None:
                text = gettext("%(n)d of %(best)d") % {"n": value, "best": best}
                given.append((str(self._meta.get_field(name).verbose_name), text, value <= low))
        return given

    @property
    def is_taken_down_in_error(self) -> bool:
        """It was not their own answer, and its touchpoint is withdrawn."""
        touchpoint = self.touchpoint
        return self.source != self.Source.PAGE and touchpoint is not None and bool(touchpoint.withdrawn_at)

    @property
    def is_low(self) -> bool:
        """Overall 6 or less, any part 2 or less, or a complaint: somebody must own it."""
        parts = [getattr(self, name) for name in self.PARTS]
        low_overall = self.overall is not None and self.overall <= self.LOW_OVERALL
        return (
            self.is_complaint
            or low_overall
            or any(value is not None and value <= self.LOW_PART for value in parts)
        )


class FeedbackIssueQuerySet(PracticeQuerySet):
    def open(self) -> Self:
        """Not mended, or mended and the referrer not told."""
        return self.filter(told_at__isnull=True).exclude(taken_down_in_error("feedback__"))

    def with_people(self) -> Self:
        return self.select_related("owner__user", "feedback__provider", "feedback__office")


class FeedbackIssue(PracticeModel):
    """A complaint that somebody owns until it is mended and the referrer was told."""

    feedback = PracticeForeignKey(Feedback, on_delete=models.CASCADE, related_name="issues")
    owner = PracticeForeignKey(Member, related_name="feedback_issues", verbose_name=_("owner"))
    due_on = models.DateField(_("due on"))
    opened_at = models.DateTimeField(editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    what_changed = models.TextField(_("what was changed"), blank=True)
    told_at = models.DateTimeField(null=True, editable=False)
    told_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    touchpoint = PracticeForeignKey(Touchpoint, null=True, editable=False, related_name="+")

    objects = practice_manager(FeedbackIssueQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(
                fields=["practice", "due_on"],
                condition=models.Q(told_at__isnull=True),
                name="feedback_issue_open",
            )
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"feedback_issue_{field}_same_practice")
                for field in ("feedback", "owner", "resolved_by", "told_by", "touchpoint")
            ],
            models.UniqueConstraint(fields=["practice", "feedback"], name="feedback_issue_once_per_feedback"),
            models.CheckConstraint(
                condition=models.Q(told_at=None) | models.Q(resolved_at__isnull=False),
                name="feedback_issue_told_after_it_was_resolved",
            ),
        ]

    @property
    def state_in_words(self) -> str:
        """What it waits for."""
        if self.told_at:
            return gettext("Resolved and told")
        return gettext("Resolved, to be told") if self.resolved_at else gettext("To be mended")

    @property
    def tone(self) -> str:
        """How its badge looks (templates/_status.html)."""
        if self.told_at:
            return "done"
        return "open" if self.resolved_at else "due"
