"""Who sent the patient: what was typed resolved to a provider or office we know, or somebody new added."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from nameparser import HumanName

from contacts.models import Office, Provider, ProviderOffice
from contacts.search import folded, nearest, refresh_search

GOOD = 0.22  # word distance up to which a name counts as the one that was meant

FAINT = 0.5  # beyond it somebody new is the likelier answer, and offered first


@dataclass(frozen=True)
class Found:
    """Who was meant, where that is beyond doubt; otherwise whom to choose from."""

    chosen: Any = None
    candidates: Sequence[Any] = ()


def with_places(providers: QuerySet) -> QuerySet:
    """Providers with their offices, the main one first, in one query more."""
    places = ProviderOffice.objects.select_related("office").order_by("-is_main", "id")
    return providers.prefetch_related(Prefetch("places", queryset=places))


def providers_like(text: str, *, limit: int = 8) -> list[Provider]:
    """Active providers who resemble what was typed; one alone when it is their NPI."""
    active = with_places(Provider.objects.active())
    digits = "".join(text.split())
    exact = (
        list(active.filter(npi=digits)) if digits.isascii() and digits.isdigit() and len(digits) == 10 else []
    )
    return exact or nearest(active, text, limit=limit)


def providers_at(office_id: int, *, limit: int = 8) -> list[Provider]:
    """Active providers who work in the office, by name."""
    return list(
        with_places(Provider.objects.active().filter(places__office=office_id)).order_by(
            "family_name", "given_name", "id"
        )[:limit]
    )


def offices_like(text: str, *, limit: int = 8) -> list[Office]:
    """Offices that resemble what was typed."""
    return nearest(Office.objects.current(), text, limit=limit)


def resolve(rows: Sequence[Any], text: str) -> Found:
    """Exactly one good match is chosen; several, or only a faint one, are to choose from."""
    wanted = folded(text)
    same = [row for row in rows if folded(str(row)) == wanted]
    good = [row for row in rows if getattr(row, "distance", 0) <= GOOD]
    for beyond_doubt in (same, good):
        if len(beyond_doubt) == 1:
            return Found(chosen=beyond_doubt[0])
    return Found(candidates=rows)


def are_faint(rows: Sequence[Any]) -> bool:
    """Whether even the best of these hardly resembles what was typed."""
    return not rows or getattr(rows[0], "distance", 0) > FAINT


def name_parts(text: str) -> dict[str, str]:
    """What a form for a new provider starts with: "Dr. Amara Okafor, MD", "Okafor, Amara" or an NPI."""
    digits = "".join(text.split())
    if digits.isascii() and digits.isdigit():
        return {"new_npi": digits}
    name = HumanName(text)
    given, family = name.first, name.last
    if not family:  # a single word is the family name: that is what a fax is signed with
        given, family = "", given
    return {"new_family_name": family, "new_given_name": given, "new_credentials": name.suffix}


def main_office(provider: Provider) -> Office | None:
    """Where the provider mostly works, if known."""
    place = provider.places.order_by("-is_main", "id").select_related("office").first()
    return place.office if place else None


@transaction.atomic
def add_provider(*, office: Office | None = None, **fields: Any) -> Provider:
    """A provider new to the network, at their main office."""
    provider = Provider.objects.create(**fields)
    if office:
        ProviderOffice.objects.create(provider=provider, office=office)
    refresh_search(providers=[provider.pk])
    return provider


@transaction.atomic
def add_office(**fields: Any) -> Office:
    """An office new to the network."""
    office = Office.objects.create(**fields)
    refresh_search(offices=[office.pk])
    return office
