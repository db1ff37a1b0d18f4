"""The practice, its locations, and the people who sit in it."""

from datetime import date, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practices.isolation import PracticeForeignKey, SamePractice
from practices.models.base import PracticeModel, PracticeQuerySet, practice_manager
from practices.roles import Role
from practices.weeks import Week


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, *, name: str, password: str | None = None) -> "User":
        user = self.model(email=email.strip().lower(), name=name)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """Somebody who signs in. What they may do hangs on their seats, not on them."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_once_per_email")]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name


def valid_zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(
            _("%(zone)s is not a time zone such as America/New_York."), params={"zone": value}
        ) from error


def this_monday() -> date:
    return Week.of(timezone.localdate()).monday


class Practice(models.Model):
    """Our practice: the one that receives referrals and owns the data. The unit of isolation.

    One of the few tables outside row security: it carries name, zone and slots, nothing else.
    """

    IDLE_MINUTES = 15

    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="America/New_York", validators=[valid_zone]
    )
    state = models.CharField(
        _("public holidays of"),
        max_length=2,
        blank=True,
        default="",
        db_default="",
        help_text=_("Two letters. No time to act is counted on its holidays."),
    )
    starts_on = models.DateField(
        _("starts on"),
        default=this_monday,
        help_text=_(
            "Referrals received earlier are history: they join no thank-you list and cause no reminder."
        ),
    )
    list_weekday = models.PositiveSmallIntegerField(
        _("list day"), default=0, validators=[MaxValueValidator(6)], help_text=_("0 is Monday.")
    )
    list_hour = models.PositiveSmallIntegerField(
        _("list hour"), default=6, validators=[MaxValueValidator(23)]
    )
    card_interval_days = models.PositiveSmallIntegerField(
        _("days between cards"),
        default=28,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_(
            "A physician who wrote to a provider within these days carries new patients to the next card."
        ),
    )
    lists_made_through = models.DateField(
        null=True, editable=False, help_text="Monday of the last week listed."
    )
    idle_minutes = models.PositiveSmallIntegerField(
        _("minutes until sign-out"),
        default=IDLE_MINUTES,
        db_default=IDLE_MINUTES,
        validators=[MinValueValidator(5), MaxValueValidator(60)],
        help_text=_("Who does nothing for so long is signed out, and what was typed is kept. From 5 to 60."),
    )
    second_factor_from = models.DateField(
        _("second factor from"),
        null=True,
        blank=True,
        help_text=_(
            "From this day on nobody gets in by the password alone; until then everybody is reminded to set a"
            " second factor up. Empty: everybody may choose."
        ),
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(list_weekday__lte=6, list_hour__lte=23), name="practice_list_slot_exists"
            ),
            models.CheckConstraint(
                condition=models.Q(idle_minutes__gte=5, idle_minutes__lte=60),
                name="practice_idle_minutes_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, now: Any) -> date:
        """The practice's date at `now` (aware)."""
        return now.astimezone(self.zone).date()


class Location(PracticeModel):
    """One of our own sites."""

    name = models.CharField(_("name"), max_length=120)
    street = models.CharField(_("street"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=2, blank=True)
    zip_code = models.CharField(_("ZIP code"), max_length=10, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)

    class Meta(PracticeModel.Meta):
        ordering = ["name"]
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint("practice", Lower("name"), name="location_once_per_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address_line(self) -> str:
        """Street, city, state and ZIP code in one line, as far as they are known."""
        town = " ".join(part for part in (self.state, self.zip_code) if part)
        return ", ".join(part for part in (self.street, self.city, town) if part)


class MemberQuerySet(PracticeQuerySet):
    def active(self) -> Self:
        return self.filter(left_at__isnull=True)

    def physicians(self) -> Self:
        """Active ones, by name, their users with them."""
        return self.active().filter(role=Role.PHYSICIAN).select_related("user").order_by("user__name")


class Member(PracticeModel):
    """A user's seat in a practice, with one role."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="seats")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    credentials = models.CharField(_("credentials"), max_length=40, blank=True, help_text=_("MD, DO, NP …"))
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)
    wants_digest = models.BooleanField(_("wants the digest"), default=True)
    digest_hour = models.PositiveSmallIntegerField(
        _("digest hour"), default=7, validators=[MaxValueValidator(23)]
    )

    objects = practice_manager(MemberQuerySet)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "user"], name="member_once_per_user"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="member_role_exists"),
            models.CheckConstraint(condition=models.Q(digest_hour__lte=23), name="member_digest_hour_exists"),
        ]

    def __str__(self) -> str:
        return f"{self.user.name}, {self.credentials}" if self.credentials else self.user.name

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def is_manager(self) -> bool:
        return self.role == Role.MANAGER

    @property
    def is_physician(self) -> bool:
        return self.role == Role.PHYSICIAN


class CoverQuerySet(PracticeQuerySet):
    def on(self, day: date) -> Self:
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class Cover(PracticeModel):
    """A physician stands in for a colleague on these days, both ends included."""

    physician = PracticeForeignKey(Member, related_name="covers_received")
    covered_by = PracticeForeignKey(Member, related_name="covers")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    created_by = PracticeForeignKey(Member, related_name="+", editable=False)

    objects = practice_manager(CoverQuerySet)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="physician", name="cover_physician_same_practice"),
            SamePractice(field="covered_by", name="cover_covered_by_same_practice"),
            SamePractice(field="created_by", name="cover_created_by_same_practice"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="cover_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~models.Q(physician=models.F("covered_by")), name="cover_is_for_a_colleague"
            ),
        ]


class InvitationQuerySet(PracticeQuerySet):
    def open(self) -> Self:
        return self.filter(accepted_at__isnull=True, withdrawn_at__isnull=True)


class Invitation(PracticeModel):
    """A seat offered by e-mail. The link's token is kept as a hash alone (`LinkToken`)."""

    LIFETIME = timedelta(days=7)

    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    credentials = models.CharField(_("credentials"), max_length=40, blank=True)
    # Empty for the first manager of an installation, whom nobody there could invite.
    invited_by = PracticeForeignKey(Member, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = practice_manager(InvitationQuerySet)

    class Meta(PracticeModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="invited_by", name="invitation_invited_by_same_practice"),
            models.UniqueConstraint(
                "practice",
                Lower("email"),
                condition=models.Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_open_once_per_email",
            ),
        ]


class LinkToken(models.Model):
    """A secret link's SHA-256, and what it opens. Outside row security: the link says which practice."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation"
        CALENDAR = "calendar"
        FEEDBACK = "feedback"
        UNSUBSCRIBE = "unsubscribe"

    token_hash = models.BinaryField(max_length=32, unique=True)
    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    object_id = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)  # empty: until it is revoked
    used_at = models.DateTimeField(null=True)
