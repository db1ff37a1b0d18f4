"""Meetings, who was there, and what was given: the ledger that the physician self-referral law asks for."""

import uuid
from datetime import date
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Office, OfficeContact, Provider
from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Location, Member, PracticeModel, PracticeQuerySet, practice_manager


def exactly_one(*names: str) -> models.Q:
    """A condition: one of these references is set, and no other."""
    condition = models.Q()
    for name in names:
        others = {f"{other}__isnull": other != name for other in names}
        condition |= models.Q(**others)
    return condition


class MeetingQuerySet(PracticeQuerySet):
    def planned(self) -> Self:
        return self.filter(state=Meeting.State.PLANNED)

    def held(self) -> Self:
        return self.filter(state=Meeting.State.HELD)


class Meeting(PracticeModel):
    """In person, planned or held, with its P.I.N. note: purpose, intel, next step (kept on its touchpoints)."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        HELD = "held", _("held")
        CANCELLED = "cancelled", _("cancelled")

    class Kind(models.TextChoices):
        VISIT = "visit", _("visit")
        LUNCH = "lunch", _("lunch")
        IN_SERVICE = "in_service", _("in-service")
        AT_OURS = "at_ours", _("at ours")
        EVENT = "event", _("event")

    uid = models.UUIDField(
        default=uuid.uuid4, editable=False, help_text="The calendar's name for it; never changes."
    )
    sequence = models.PositiveIntegerField(
        default=0, editable=False, help_text="Revisions, RFC 5545 SEQUENCE."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.VISIT)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    owner = PracticeForeignKey(Member, related_name="meetings", verbose_name=_("who goes"))
    office = PracticeForeignKey(
        Office, null=True, blank=True, related_name="meetings", verbose_name=_("their office")
    )
    location = PracticeForeignKey(
        Location, null=True, blank=True, related_name="meetings", verbose_name=_("our location")
    )
    place = models.CharField(_("place"), max_length=200, blank=True)
    purpose = models.CharField(_("purpose"), max_length=300)
    intel = EncryptedTextField(_("what was learned"), blank=True, default="")
    next_step = EncryptedTextField(_("next step"), blank=True, default="")
    next_step_on = models.DateField(_("by"), null=True, blank=True)
    materials = models.CharField(_("materials left"), max_length=300, blank=True)
    feedback_heard = EncryptedTextField(_("feedback heard"), blank=True, default="")
    cancelled_reason = models.CharField(_("reason"), max_length=300, blank=True, editable=False)
    changed_at = models.DateTimeField(editable=False)
    created_by = PracticeForeignKey(Member, editable=False, related_name="+")

    objects = practice_manager(MeetingQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-starts_at", "-id"]
        indexes = [
            models.Index(fields=["practice", "owner", "-starts_at"], name="meeting_by_owner"),
            models.Index(fields=["practice", "office", "-starts_at"], name="meeting_by_office"),
            models.Index(fields=["practice", "state", "starts_at"], name="meeting_by_state"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"meeting_{field}_same_practice")
                for field in ("owner", "office", "location", "created_by")
            ],
            models.UniqueConstraint(fields=["practice", "uid"], name="meeting_once_per_uid"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="meeting_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.starts_at:%Y-%m-%d}"

    @property
    def held_on(self) -> date:
        """The practice's date when it starts."""
        return self.practice.today(self.starts_at)

    @property
    def is_planned(self) -> bool:
        return self.state == self.State.PLANNED

    @property
    def is_held(self) -> bool:
        return self.state == self.State.HELD

    @property
    def is_cancelled(self) -> bool:
        return self.state == self.State.CANCELLED


class Attendee(PracticeModel):
    """Somebody invited to a meeting or present at it: theirs (provider, office contact) or ours (member)."""

    meeting = PracticeForeignKey(Meeting, on_delete=models.CASCADE, related_name="attendees")
    provider = PracticeForeignKey(Provider, null=True, blank=True, related_name="attendances")
    office_contact = PracticeForeignKey(OfficeContact, null=True, blank=True, related_name="attendances")
    member = PracticeForeignKey(Member, null=True, blank=True, related_name="attendances")

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(fields=["practice", "meeting"], name="attendee_by_meeting"),
            models.Index(fields=["practice", "provider"], name="attendee_by_provider"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"attendee_{field}_same_practice")
                for field in ("meeting", "provider", "office_contact", "member")
            ],
            models.CheckConstraint(
                condition=exactly_one("provider", "office_contact", "member"), name="attendee_is_one_person"
            ),
            *[
                models.UniqueConstraint(
                    fields=["practice", "meeting", who], name=f"attendee_{who}_once_per_meeting"
                )
                for who in ("provider", "office_contact", "member")
            ],
        ]

    @property
    def person(self) -> Provider | OfficeContact | Member | None:
        return self.provider or self.office_contact or self.member


class GiftLimit(PracticeModel):
    """What one physician may be given in a calendar year, in US dollars (42 CFR 411.357(k)); editable, with its source."""

    year = models.PositiveSmallIntegerField(_("year"))
    amount = models.DecimalField(
        _("limit in US dollars"), max_digits=8, decimal_places=2, validators=[MinValueValidator(0)]
    )
    source = models.CharField(_("source"), max_length=200)
    is_checked = models.BooleanField(_("checked against the source"), default=False)

    class Meta(PracticeModel.Meta):
        ordering = ["-year"]
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "year"], name="gift_limit_once_per_year"),
        ]


class StandingQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        return self.filter(withdrawn_at__isnull=True)


class Gift(PracticeModel):
    """Something of value given at a meeting or by itself: a meal shared by all present, or an indivisible thing.

    Cash, cash equivalents and anything solicited are refused before a row is made.
    """

    class Nature(models.TextChoices):
        MEAL = "meal", _("a meal, shared by everybody present")
        ITEM = "item", _("a thing, counted whole to each who received it")

    meeting = PracticeForeignKey(Meeting, null=True, blank=True, related_name="gifts")
    given_on = models.DateField(_("given on"))
    nature = models.CharField(_("nature"), max_length=10, choices=Nature.choices)
    description = models.CharField(_("what"), max_length=200)
    amount = models.DecimalField(
        _("US dollars in all"), max_digits=8, decimal_places=2, validators=[MinValueValidator(0)]
    )
    over_limit_reason = models.CharField(_("reason for going over the limit"), max_length=300, blank=True)
    logged_at = models.DateTimeField(editable=False)
    logged_by = PracticeForeignKey(Member, editable=False, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    withdrawn_reason = models.CharField(max_length=300, blank=True, editable=False)

    objects = practice_manager(StandingQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-given_on", "-id"]
        indexes = [
            models.Index(fields=["practice", "-given_on", "-id"], name="gift_newest"),
            models.Index(fields=["practice", "meeting"], name="gift_by_meeting"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"gift_{field}_same_practice")
                for field in ("meeting", "logged_by", "withdrawn_by")
            ],
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="gift_amount_is_not_negative"),
        ]

    @property
    def year(self) -> int:
        return self.given_on.year


class GiftShare(PracticeModel):
    """What of a gift counts to one person. `counts` when the person is a physician under the law."""

    gift = PracticeForeignKey(Gift, on_delete=models.CASCADE, related_name="shares")
    provider = PracticeForeignKey(Provider, null=True, related_name="gift_shares")
    office_contact = PracticeForeignKey(OfficeContact, null=True, related_name="gift_shares")
    member = PracticeForeignKey(Member, null=True, related_name="gift_shares")
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    counts = models.BooleanField(default=False)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(fields=["practice", "gift"], name="gift_share_by_gift"),
            models.Index(fields=["practice", "provider"], name="gift_share_by_provider"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"gift_share_{field}_same_practice")
                for field in ("gift", "provider", "office_contact", "member")
            ],
            models.CheckConstraint(
                condition=exactly_one("provider", "office_contact", "member"), name="gift_share_is_one_person"
            ),
            models.CheckConstraint(
                condition=~models.Q(counts=True) | models.Q(provider__isnull=False),
                name="gift_share_counts_for_providers",
            ),
        ]

    @property
    def person(self) -> Provider | OfficeContact | Member | None:
        return self.provider or self.office_contact or self.member


class GiftReturn(PracticeModel):
    """A physician returned a year's excess, the cure of 42 CFR 411.357(k)(3). It outlives the gifts it was for."""

    provider = PracticeForeignKey(Provider, related_name="gift_returns")
    year = models.PositiveSmallIntegerField()
    returned_on = models.DateField()
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    logged_at = models.DateTimeField(editable=False)
    logged_by = PracticeForeignKey(Member, editable=False, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_by = PracticeForeignKey(Member, null=True, editable=False, related_name="+")
    withdrawn_reason = models.CharField(max_length=300, blank=True, editable=False)

    objects = practice_manager(StandingQuerySet)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(fields=["practice", "year"], name="gift_return_by_year"),
            models.Index(fields=["practice", "provider"], name="gift_return_by_provider"),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            *[
                SamePractice(field=field, name=f"gift_return_{field}_same_practice")
                for field in ("provider", "logged_by", "withdrawn_by")
            ],
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="gift_return_amount_is_positive"),
        ]
