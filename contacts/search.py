"""Finding a provider or office as one types: prefixes first, then what sounds or looks alike.

Under row security GIN and ILIKE indexes are skipped, so misspellings are found by the nearest trigrams of a
GiST index led by the practice (docs/performance.md).
"""

import unicodedata
from collections.abc import Iterable

from django.db import models
from django.db.models import F, Func, Value

from contacts.models import Office, Provider, ProviderOffice

FARTHEST = 0.65  # word distance beyond which a name no longer resembles what was typed


def folded(text: str) -> str:
    """As search compares: marks stripped, lower case, one space between words."""
    letters = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(letters).split())


class WordDistance(Func):
    """pg_trgm's `query <<-> text`: 0 for a word that is there, 1 for nothing alike."""

    arg_joiner = " <<-> "
    template = "(%(expressions)s)"
    output_field = models.FloatField()


def nearest(rows: models.QuerySet, query: str, *, limit: int = 10) -> list:
    """The rows that resemble what was typed most, nearest first."""
    wanted = folded(query)
    if not wanted:
        return []
    near = rows.annotate(distance=WordDistance(Value(wanted), F("search"))).order_by("distance")[:limit]
    return [row for row in near if row.distance <= FARTHEST]


def refresh_search(*, providers: Iterable[int] = (), offices: Iterable[int] = ()) -> None:
    """Write anew what providers and offices are found by; an office's change reaches who works there."""
    office_ids = set(offices)
    changed = list(Office.objects.filter(pk__in=office_ids))
    for office in changed:
        office.search = folded(
            f"{office.name} {office.street} {office.city} {office.zip_code} {office.phone}"
        )
    Office.objects.bulk_update(changed, ["search"], batch_size=1000)
    staff = ProviderOffice.objects.filter(office__in=office_ids).values_list("provider_id", flat=True)
    _refresh_providers({*providers, *staff})


def _refresh_providers(ids: set[int]) -> None:
    places: dict[int, list[str]] = {}
    rows = ProviderOffice.objects.filter(provider__in=ids).order_by("-is_main", "id").select_related("office")
    for place in rows:
        places.setdefault(place.provider_id, []).append(f"{place.office.name} {place.office.city}")
    changed = list(Provider.objects.filter(pk__in=ids).select_related("specialty"))
    for provider in changed:
        provider.search = provider_search(provider, places.get(provider.pk, []))
    Provider.objects.bulk_update(changed, ["search"], batch_size=1000)


def provider_search(provider: Provider, places: Iterable[str]) -> str:
    """What a provider is found by: names, NPI, specialty, offices and cities."""
    specialty = provider.specialty.name if provider.specialty else ""
    words = [
        provider.given_name,
        provider.family_name,
        provider.credentials,
        provider.npi or "",
        specialty,
        *places,
    ]
    return folded(" ".join(words))
