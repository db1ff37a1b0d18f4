"""One search field over the network: providers, offices, the people there, and referrals by their number."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q

from contacts.listing import main_office, with_main_office
from contacts.models import Office, OfficeContact, Provider, Referral
from contacts.search import nearest
from practices.models import Member

PER_KIND = 8
REFERENCE = re.compile(r"(?i)^r-?\s*(\d{1,18})$")
LETTERS_AND_DIGITS = re.compile(r"(?=.*\d)(?=.*[^\W\d])")


@dataclass
class Findings:
    """What was found, nearest first."""

    providers: list[Provider] = field(default_factory=list)
    offices: list[Office] = field(default_factory=list)
    contacts: list[OfficeContact] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.providers or self.offices or self.contacts or self.referrals)

    @property
    def provider_rows(self) -> list[tuple[Provider, Office | None]]:
        return [(provider, main_office(provider)) for provider in self.providers]


def find(query: str, *, member: Member) -> Findings:
    """Search everything that may stand in an address. No patient: not even a name that happens to be one's."""
    query = query.strip()
    if not query:
        return Findings()
    referrals = _referrals(query, member)
    if REFERENCE.match(query):
        return Findings(referrals=referrals)
    providers = with_main_office(Provider.objects.current().select_related("specialty"))
    return Findings(
        providers=nearest(providers, query, limit=PER_KIND),
        offices=nearest(Office.objects.current(), query, limit=PER_KIND),
        contacts=_contacts(query),
        referrals=referrals,
    )


def _referrals(query: str, member: Member) -> list[Referral]:
    """By our number (R-123) or by the source system's own, of those this member may open.

    The source's is found by its index as it was typed, in capitals or in small letters. Only what may be such a
    number and was not found so is compared without regard to case, which reads all of the practice's.
    """
    number = REFERENCE.match(query)
    wanted = Q(source_number__in={query, query.upper(), query.lower()})
    if number:
        wanted |= Q(pk=int(number[1]))
    rows: Any = Referral.objects.visible_to(member).without_patient()
    rows = rows.select_related("provider", "office").order_by("-received_on", "-pk")
    found = rows.filter(wanted)[:PER_KIND]
    if not found and LETTERS_AND_DIGITS.match(query):
        found = rows.filter(source_number__iexact=query)[:PER_KIND]
    return list(found)


def _contacts(query: str) -> list[OfficeContact]:
    """People at offices: few enough in a practice to be matched word by word."""
    rows = OfficeContact.objects.select_related("office").filter(office__merged_into=None)
    for word in query.split():
        rows = rows.filter(Q(name__icontains=word) | Q(job__icontains=word))
    return list(rows.order_by(F("name"))[:PER_KIND])
