"""Their side: the clinicians who send patients, where they work, and who else works there."""

import re
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GistIndex, OpClass
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from contacts.npi import validate_npi
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager

# A doctorate makes "Dr."; a wrong title is worse than none.
DOCTORATES = frozenset(
    [
        "MD",
        "DO",
        "DPM",
        "OD",
        "DDS",
        "DMD",
        "DC",
        "PHD",
        "PSYD",
        "PHARMD",
        "DNP",
        "DPT",
        "AUD",
        "EDD",
        "SCD",
        "ND",
        "MBBS",
        "DSC",
        "DRPH",
        "DVM",
    ]
)


def search_index(name: str) -> GistIndex:
    """Nearest names first, inside one practice. GIN and ILIKE indexes are skipped under row security."""
    return GistIndex(
        OpClass(models.F("practice"), "gist_int8_ops"),
        OpClass(models.F("search"), "gist_trgm_ops(siglen=64)"),
        name=name,
    )


class Specialty(PracticeModel):
    """A medical specialty by its NUCC taxonomy code."""

    code = models.CharField(_("NUCC code"), max_length=10)
    name = models.CharField(_("name"), max_length=160)

    class Meta(PracticeModel.Meta):
        ordering = ["name"]
        verbose_name_plural = "specialties"
        constraints = [
            *PracticeModel.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "code"], name="specialty_once_per_code"),
        ]

    def __str__(self) -> str:
        return self.name


class OfficeQuerySet(PracticeQuerySet):
    def current(self) -> Self:
        """Without those merged into another."""
        return self.filter(merged_into=None)


class Office(PracticeModel):
    """A referring provider's place of work, which a liaison visits."""

    name = models.CharField(_("name"), max_length=200)
    street = models.CharField(_("street"), max_length=200, blank=True)
    suite = models.CharField(_("suite"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=2, blank=True)
    zip_code = models.CharField(_("ZIP code"), max_length=10, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    fax = models.CharField(_("fax"), max_length=30, blank=True)
    liaison = PracticeForeignKey(
        Member, null=True, blank=True, related_name="offices", verbose_name=_("liaison")
    )
    notes = models.TextField(_("notes"), blank=True, help_text=_("About the office. Never about a patient."))
    merged_into = PracticeForeignKey(
        "self", null=True, blank=True, editable=False, related_name="merged_offices"
    )
    search = models.TextField(editable=False, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = practice_manager(OfficeQuerySet)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index("practice", Lower("name"), "id", name="office_by_name"),
            search_index("office_search"),
            models.Index(
                fields=["practice", "liaison"],
                condition=models.Q(liaison__isnull=False),
                name="office_by_liaison",
            ),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="liaison", name="office_liaison_same_practice"),
            SamePractice(field="merged_into", name="office_merged_into_same_practice"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> str:
        """City and state, as far as known."""
        return ", ".join(filter(None, [self.city, self.state]))


class OfficeContact(PracticeModel):
    """A person there who is no provider: referral coordinator, front desk, office manager."""

    office = PracticeForeignKey(Office, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(_("name"), max_length=120)
    job = models.CharField(
        _("job"), max_length=80, blank=True, help_text=_("Referral coordinator, front desk …")
    )
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    notes = models.TextField(_("notes"), blank=True, help_text=_("Never about a patient."))

    class Meta(PracticeModel.Meta):
        ordering = ["name"]
        indexes = [models.Index(fields=["practice", "office"], name="office_contact_by_office")]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="office", name="office_contact_office_same_practice"),
        ]

    def __str__(self) -> str:
        return self.name


class ProviderQuerySet(PracticeQuerySet):
    def current(self) -> Self:
        """Without those merged into another."""
        return self.filter(merged_into=None)

    def active(self) -> Self:
        """Those who may stand in lists, suggestions, mail and reminders."""
        return self.current().filter(state=Provider.State.ACTIVE)

    def in_territory_of(self, member: int) -> Self:
        """Their own providers, and those whose main office is theirs."""
        at_theirs = ProviderOffice.objects.filter(is_main=True, office__liaison=member).values("provider")
        return self.filter(models.Q(liaison=member) | models.Q(pk__in=at_theirs))


class Provider(PracticeModel):
    """A referring provider: a clinician who sends, or could send, patients."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        MOVED = "moved", _("moved away")
        RETIRED = "retired", _("retired")
        DECEASED = "deceased", _("deceased")
        DO_NOT_CONTACT = "do_not_contact", _("do not contact")

    class Tier(models.TextChoices):
        A = "A"
        B = "B"
        C = "C"

    class Contact(models.TextChoices):
        PHONE = "phone", _("phone")
        FAX = "fax", _("fax")
        EMAIL = "email", _("e-mail")
        VISIT = "visit", _("visit")
        LETTER = "letter", _("letter")

    family_name = models.CharField(_("family name"), max_length=100)
    given_name = models.CharField(_("given name"), max_length=100, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=60, blank=True)
    credentials = models.CharField(
        _("credentials"), max_length=40, blank=True, help_text=_("MD, DO, NP, PA …")
    )
    form_of_address = models.CharField(
        _("form of address"),
        max_length=120,
        blank=True,
        help_text=_("As a card begins. Empty: made from the name."),
    )
    npi = models.CharField(_("NPI"), max_length=10, null=True, blank=True, validators=[validate_npi])  # noqa: DJ001  # null, so that many may have none under the unique key
    specialty = PracticeForeignKey(
        Specialty, null=True, blank=True, related_name="providers", verbose_name=_("specialty")
    )
    offices = models.ManyToManyField(Office, through="ProviderOffice", related_name="providers")
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    fax = models.CharField(_("fax"), max_length=30, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    preferred_contact = models.CharField(
        _("prefers to hear by"), max_length=10, choices=Contact.choices, blank=True
    )
    days_in_office = models.CharField(_("days in the office"), max_length=60, blank=True)
    languages = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, verbose_name=_("languages")
    )
    payers = ArrayField(models.CharField(max_length=100), default=list, blank=True, verbose_name=_("payers"))
    is_accepting_patients = models.BooleanField(_("accepting new patients"), null=True, blank=True)
    accepting_confirmed_on = models.DateField(_("confirmed on"), null=True, blank=True)
    tier = models.CharField(_("tier"), max_length=1, choices=Tier.choices, default=Tier.C)
    liaison = PracticeForeignKey(
        Member, null=True, blank=True, related_name="providers", verbose_name=_("liaison")
    )
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.ACTIVE)
    personal_notes = models.TextField(
        _("personal notes"), blank=True, help_text=_("What one remembers of a person. Never about a patient.")
    )
    merged_into = PracticeForeignKey(
        "self", null=True, blank=True, editable=False, related_name="merged_providers"
    )
    search = models.TextField(editable=False, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = practice_manager(ProviderQuerySet)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(
                "practice", Lower("family_name"), Lower("given_name"), "id", name="provider_by_name"
            ),
            search_index("provider_search"),
            models.Index(
                fields=["practice", "liaison"],
                condition=models.Q(liaison__isnull=False),
                name="provider_by_liaison",
            ),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="specialty", name="provider_specialty_same_practice"),
            SamePractice(field="liaison", name="provider_liaison_same_practice"),
            SamePractice(field="merged_into", name="provider_merged_into_same_practice"),
            models.UniqueConstraint(
                fields=["practice", "npi"],
                condition=models.Q(merged_into=None),
                name="provider_once_per_npi",
                violation_error_message=_("A provider with this NPI is in your network already."),
            ),
            models.CheckConstraint(condition=~models.Q(npi=""), name="provider_npi_is_null_not_empty"),
        ]

    def __str__(self) -> str:
        name = " ".join(filter(None, [self.given_name, self.middle_name, self.family_name]))
        return f"{name}, {self.credentials}" if self.credentials else name

    @property
    def has_doctorate(self) -> bool:
        words = re.split(r"[^A-Z]+", self.credentials.upper().replace(".", ""))
        return not DOCTORATES.isdisjoint(words)

    @property
    def short_name(self) -> str:
        """ "Dr. Okafor", or the full name of who holds no doctorate."""
        if self.has_doctorate:
            return f"Dr. {self.family_name}"
        return " ".join(filter(None, [self.given_name, self.family_name]))

    @property
    def address_form(self) -> str:
        """How a card begins."""
        return self.form_of_address or self.short_name

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE


class ProviderOffice(PracticeModel):
    """A provider works in an office; the first named is the main one."""

    provider = PracticeForeignKey(Provider, on_delete=models.CASCADE, related_name="places")
    office = PracticeForeignKey(Office, on_delete=models.CASCADE, related_name="places")
    is_main = models.BooleanField(default=True)

    class Meta(PracticeModel.Meta):
        indexes = [
            models.Index(fields=["practice", "office"], name="provider_office_by_office"),
            # A territory: every page of a liaison asks whose main office is theirs.
            models.Index(
                fields=["practice", "office"],
                include=["provider"],
                condition=models.Q(is_main=True),
                name="provider_office_of_territory",
            ),
        ]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="provider", name="provider_office_provider_same_practice"),
            SamePractice(field="office", name="provider_office_office_same_practice"),
            models.UniqueConstraint(fields=["practice", "provider", "office"], name="provider_office_once"),
            models.UniqueConstraint(
                fields=["practice", "provider"],
                condition=models.Q(is_main=True),
                name="provider_one_main_office",
            ),
        ]
