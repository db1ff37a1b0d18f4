"""What guards patient data: the keys' checks, the log of who saw whom, the drafts."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from practices.encryption import BLIND_INDEX_KEY_ID, EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models.base import PracticeModel
from practices.models.people import Member


class EncryptionKeyQuerySet(models.QuerySet):
    def protecting(self) -> Self:
        """Those that rows may still be under."""
        return self.filter(retired_at=None)

    def retired(self) -> Self:
        return self.filter(retired_at__isnull=False)

    def others_than(self, key_id: str) -> Self:
        """The other keys of its kind: the patients' data's, or the blind indexes'."""
        of_indexes = models.Q(key_id__startswith=BLIND_INDEX_KEY_ID)
        same_kind = of_indexes if key_id.startswith(BLIND_INDEX_KEY_ID) else ~of_indexes
        return self.filter(same_kind).exclude(key_id=key_id)


class EncryptionKey(models.Model):
    """What a key of this installation makes of a known text, to tell the right key from a wrong one."""

    key_id = models.CharField(max_length=60, unique=True)
    check_value = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    rewriting_since = models.DateTimeField(
        null=True, help_text="Since when rows are rewritten under this key."
    )
    retired_at = models.DateTimeField(
        null=True, help_text="Since when no row is under it: it may be missing."
    )

    objects = models.Manager.from_queryset(EncryptionKeyQuerySet)()

    @property
    def is_of_blind_indexes(self) -> bool:
        return self.key_id.startswith(BLIND_INDEX_KEY_ID)


class PatientAccess(PracticeModel):
    """One act that showed a member who patients are. Append-only by grants; holds numbers, never values."""

    class Act(models.TextChoices):
        VIEWED = "viewed", _("viewed")
        REVEALED = "revealed", _("revealed names")
        SEARCHED = "searched", _("searched for a patient")
        EXPORTED = "exported", _("exported")
        PRINTED = "printed", _("printed")

    member = PracticeForeignKey(Member, related_name="patient_accesses")
    at = models.DateTimeField(auto_now_add=True)
    act = models.CharField(max_length=20, choices=Act.choices)
    page = models.CharField(max_length=80)
    referral_ids = ArrayField(models.BigIntegerField(), default=list)
    return_referral_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    covering_for = PracticeForeignKey(Member, null=True, related_name="+")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True, db_default="")

    class Meta(PracticeModel.Meta):
        verbose_name_plural = "patient accesses"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["practice", "-at", "-id"], name="patient_access_newest")]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="member", name="patient_access_member_same_practice"),
            SamePractice(field="covering_for", name="patient_access_covering_same_practice"),
        ]

    SHOWN = 10

    @property
    def page_in_words(self) -> str:
        """The page's name as an address and the server's log have it, to be read: "referral edit"."""
        return self.page.replace("_", " ")

    @property
    def first_referral_ids(self) -> list[int]:
        return self.referral_ids[: self.SHOWN]

    @property
    def first_return_referral_ids(self) -> list[int]:
        return self.return_referral_ids[: self.SHOWN]

    @property
    def more_referrals(self) -> int:
        """How many a line of the log does not name."""
        return sum(max(0, len(ids) - self.SHOWN) for ids in (self.referral_ids, self.return_referral_ids))


class Draft(PracticeModel):
    """What a member has typed into a form and not saved yet, encrypted: JSON of lists by field name."""

    member = PracticeForeignKey(Member, on_delete=models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=60)
    data = EncryptedTextField()
    kept_at = models.DateTimeField(auto_now=True)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="member", name="draft_member_same_practice"),
            models.UniqueConstraint(
                fields=["practice", "member", "form"], name="draft_once_per_member_and_form"
            ),
        ]
