"""Two rows that were one provider or office: what was merged, and what is known to be two."""

from datetime import timedelta
from typing import Any, Self

from django.db import models

from contacts.models.people import Office, Provider
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager


def _is_one_pair(first: str, second: str) -> models.Q:
    """Two different providers or two different offices, and not both."""
    providers, offices = (f"{first}_provider", f"{second}_provider"), (f"{first}_office", f"{second}_office")
    either = models.Q()
    for pair, other in ((providers, offices), (offices, providers)):
        given = models.Q(**{f"{name}__isnull": False for name in pair})
        absent = models.Q(**{f"{name}__isnull": True for name in other})
        either |= given & absent & ~models.Q(**{pair[0]: models.F(pair[1])})
    return either


class MergeQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        """Those that were not undone."""
        return self.filter(undone_at__isnull=True)

    def of_providers(self) -> Self:
        return self.filter(kept_provider__isnull=False)


class Merge(PracticeModel):
    """One was dropped into the other. Written by contacts/merging.py alone."""

    UNDO_FOR = timedelta(days=30)

    kept_provider = PracticeForeignKey(Provider, null=True, related_name="+")
    dropped_provider = PracticeForeignKey(Provider, null=True, related_name="+")
    kept_office = PracticeForeignKey(Office, null=True, related_name="+")
    dropped_office = PracticeForeignKey(Office, null=True, related_name="+")
    merged_at = models.DateTimeField()
    merged_by = PracticeForeignKey(Member, related_name="+")
    steps = EncryptedTextField(help_text="JSON: each change in its order, with what stood there before.")
    undone_at = models.DateTimeField(null=True)
    undone_by = PracticeForeignKey(Member, null=True, related_name="+")

    objects = practice_manager(MergeQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-merged_at", "-id"]
        indexes = [models.Index(fields=["practice", "-merged_at", "-id"], name="merge_newest")]
        constraints = [
            *PracticeModel.Meta.constraints,
            models.CheckConstraint(condition=_is_one_pair("kept", "dropped"), name="merge_is_of_one_pair"),
            models.CheckConstraint(
                condition=models.Q(undone_at=None, undone_by=None)
                | models.Q(undone_at__isnull=False, undone_by__isnull=False),
                name="merge_undone_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["practice", "dropped_provider"],
                condition=models.Q(undone_at=None),
                name="merge_of_provider_once",
            ),
            models.UniqueConstraint(
                fields=["practice", "dropped_office"],
                condition=models.Q(undone_at=None),
                name="merge_of_office_once",
            ),
            *[
                SamePractice(field=field, name=f"merge_{field}_same_practice")
                for field in (
                    "kept_provider",
                    "dropped_provider",
                    "kept_office",
                    "dropped_office",
                    "merged_by",
                    "undone_by",
                )
            ],
        ]

    @property
    def kept(self) -> Any:
        """The provider or office that stands for both."""
        return self.kept_provider or self.kept_office

    @property
    def dropped(self) -> Any:
        """The one that is part of it now."""
        return self.dropped_provider or self.dropped_office


class NotADouble(PracticeModel):
    """Somebody looked at the two and said that they are two. The lower number is the first."""

    first_provider = PracticeForeignKey(Provider, null=True, related_name="+")
    second_provider = PracticeForeignKey(Provider, null=True, related_name="+")
    first_office = PracticeForeignKey(Office, null=True, related_name="+")
    second_office = PracticeForeignKey(Office, null=True, related_name="+")
    said_at = models.DateTimeField()
    said_by = PracticeForeignKey(Member, related_name="+")

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.CheckConstraint(
                condition=_is_one_pair("first", "second"), name="not_a_double_is_of_one_pair"
            ),
            models.CheckConstraint(
                condition=models.Q(first_provider=None)
                | models.Q(first_provider__lt=models.F("second_provider")),
                name="not_a_double_providers_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(first_office=None) | models.Q(first_office__lt=models.F("second_office")),
                name="not_a_double_offices_in_order",
            ),
            models.UniqueConstraint(
                fields=["practice", "first_provider", "second_provider"], name="not_a_double_providers_once"
            ),
            models.UniqueConstraint(
                fields=["practice", "first_office", "second_office"], name="not_a_double_offices_once"
            ),
            *[
                SamePractice(field=field, name=f"not_a_double_{field}_same_practice")
                for field in ("first_provider", "second_provider", "first_office", "second_office", "said_by")
            ],
        ]
