"""Figures kept ahead, so that a page of them costs the same however many referrals are behind it.

Days and sources stand here by number and not by reference: a figure is counted again from its rows, never moved
when two providers are merged, and it keeps nobody from being removed.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from practices.models import PracticeModel


class DailyFigures(PracticeModel):
    """The referrals received on a day: all of them, and by physician, location and channel."""

    class By(models.TextChoices):
        ALL = "all"
        PHYSICIAN = "physician"
        LOCATION = "location"
        CHANNEL = "channel"

    day = models.DateField()
    by = models.CharField(max_length=10, choices=By.choices)
    key = models.CharField(
        max_length=20, help_text="The physician's or location's number, the channel; or none."
    )
    received = models.PositiveIntegerField()
    seen = models.PositiveIntegerField(help_text="Of those received, by now.")
    told = models.PositiveIntegerField(help_text="Of those seen, whose referrer knows.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "by", "day", "key"], name="daily_figures_once_per_day_and_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.by} {self.key}"


class SourceFigures(PracticeModel):
    """What a provider or an office sent in each of the last twelve months, and how they stand."""

    class Kind(models.TextChoices):
        PROVIDER = "provider"
        OFFICE = "office"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    source_id = models.BigIntegerField()
    months = ArrayField(models.PositiveIntegerField(), help_text="Oldest first; the last is the current one.")
    recent = models.PositiveIntegerField(help_text="The twelve months together.")
    standing = models.CharField(max_length=10, blank=True, help_text="A provider's; an office has none.")
    first_on = models.DateField(null=True, help_text="When a provider first referred.")
    days = models.PositiveIntegerField(default=0, help_text="On how many a provider referred, in two years.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "kind", "source_id"], name="source_figures_once_per_source"
            ),
        ]
        indexes = [
            models.Index(
                fields=["practice", "kind", "-recent", "source_id"], name="source_figures_most_first"
            ),
            # Whom home names: only a provider has a standing.
            models.Index(
                fields=["practice", "-days", "source_id"],
                condition=models.Q(standing__in=["declining", "lapsed"]),
                name="source_figures_quiet",
            ),
            models.Index(
                fields=["practice", "-first_on", "source_id"],
                condition=models.Q(standing="new"),
                name="source_figures_new",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id}"


class Counting(PracticeModel):
    """How far a practice's figures go; whoever counts holds its row."""

    day = models.DateField(
        null=True, help_text="The practice's day they were counted for; none before the first."
    )
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice"], name="counting_once_per_practice")]

    def __str__(self) -> str:
        return str(self.day)


class Uncounted(PracticeModel):
    """A day, a provider or an office whose referrals changed since. Written by the database itself
    (0002_what_changed), so that no way to write a referral can be forgotten."""

    day = models.DateField(null=True)
    provider_id = models.BigIntegerField(null=True)
    office_id = models.BigIntegerField(null=True)

    class Meta:
        # What must be led by the practice is read and deleted as a whole.
        indexes = [models.Index(fields=["practice"], name="uncounted_of_practice")]

    def __str__(self) -> str:
        return str(self.day or self.provider_id or self.office_id)
