"""The lists of providers and offices: filtered, paged by key, each row with all that it shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, FilteredRelation, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest

from contacts.models import Office, Provider, ProviderOffice, Referral
from contacts.search import nearest
from contacts.standing import TONES, Rhythm, Standing, in_words, rhythms, standing_on
from practices.addresses import page_url
from practices.pages import PAGE_ROWS, KeyPage, key_page

RECENT = timedelta(days=90)


@dataclass(frozen=True)
class ProviderRow:
    """A provider in the list."""

    provider: Provider
    office: Office | None
    standing: Standing
    tone: str
    words: str
    last_on: date | None


@dataclass(frozen=True)
class OfficeRow:
    """An office in the list."""

    office: Office
    providers: int
    referrals: int
    referrals_url: str


def provider_page(request: HttpRequest, *, chosen: Mapping[str, Any], day: date) -> KeyPage:
    """The providers that fit the filters, by name; with a search text, those nearest to it."""
    known = rhythms(day) if "standing" in chosen else None
    rows = _fitting(Provider.objects.current(), chosen, ("tier", "specialty", "liaison"))
    rows = rows.filter(state=chosen.get("state", Provider.State.ACTIVE))
    if "territory" in chosen:
        rows = rows.filter(pk__in=Provider.objects.in_territory_of(chosen["territory"]).values("pk"))
    if known is not None:
        rows = _of_standing(rows, chosen["standing"], known, day)
    rows = with_main_office(rows.select_related("specialty"))
    found = _found(request, rows, chosen, ("family_name", "given_name"))
    return KeyPage(_provider_rows(found.rows, known, day), found.older_url, found.newer_url)


def office_page(request: HttpRequest, *, chosen: Mapping[str, Any], day: date) -> KeyPage:
    """The offices that fit the filters, by name; with a search text, those nearest to it."""
    rows = _fitting(Office.objects.current(), chosen, ("liaison",)).select_related("liaison__user")
    found = _found(request, rows, chosen, ("name",))
    return KeyPage(_office_rows(found.rows, day), found.older_url, found.newer_url)


def with_main_office(rows: QuerySet) -> QuerySet:
    """Each with its main office, in the same query; `main_office` reads it."""
    main = FilteredRelation("places", condition=Q(places__is_main=True))
    with_place: QuerySet = rows.annotate(main_place=main)
    return with_place.select_related("main_place__office")


def main_office(provider: Provider) -> Office | None:
    """The main office of a provider that `with_main_office` fetched."""
    place = getattr(provider, "main_place", None)  # Django leaves the attribute out where nothing was joined
    return place.office if place else None


def _provider_rows(
    providers: list[Provider], known: dict[int, Rhythm] | None, day: date
) -> list[ProviderRow]:
    if known is None:
        known = rhythms(day, referrals=Referral.objects.filter(provider__in=providers))
    return [
        _provider_row(provider, main_office(provider), known.get(provider.pk, Rhythm()), day)
        for provider in providers
    ]


def _provider_row(provider: Provider, office: Office | None, rhythm: Rhythm, day: date) -> ProviderRow:
    standing = standing_on(day, rhythm)
    return ProviderRow(
        provider=provider,
        office=office,
        standing=standing,
        tone=TONES[standing],
        words=in_words(day, rhythm),
        last_on=rhythm.last_on,
    )


def _office_rows(offices: list[Office], day: date) -> list[OfficeRow]:
    staff = ProviderOffice.objects.filter(
        office__in=offices, provider__state=Provider.State.ACTIVE, provider__merged_into=None
    )
    recent = Referral.objects.standing().filter(
        office__in=offices, received_on__gt=day - RECENT, received_on__lte=day
    )
    providers, referrals = _count_by_office(staff), _count_by_office(recent)
    since = day - RECENT + timedelta(days=1)
    return [
        OfficeRow(
            office=office,
            providers=providers.get(office.pk, 0),
            referrals=referrals.get(office.pk, 0),
            referrals_url=f"{page_url('referrals')}?office={office.pk}&received_from={since}",
        )
        for office in offices
    ]


def _count_by_office(rows: QuerySet) -> dict[int, int]:
    return dict(rows.order_by().values("office_id").annotate(n=Count("id")).values_list("office_id", "n"))


def _fitting(rows: QuerySet, chosen: Mapping[str, Any], names: Iterable[str]) -> QuerySet:
    return rows.filter(**{name: chosen[name] for name in names if name in chosen})


def _of_standing(rows: QuerySet, standing: Standing, known: dict[int, Rhythm], day: date) -> QuerySet:
    if standing == Standing.PROSPECT:
        return rows.exclude(pk__in=known)
    return rows.filter(pk__in=[pk for pk, rhythm in known.items() if standing_on(day, rhythm) == standing])


def _found(
    request: HttpRequest, rows: QuerySet, chosen: Mapping[str, Any], names: tuple[str, ...]
) -> KeyPage:
    if "q" in chosen:
        return KeyPage(nearest(rows, chosen["q"], limit=PAGE_ROWS), None, None)
    lowered = {f"lower_{name}": Lower(name) for name in names}
    return key_page(
        request,
        rows.alias(**lowered).order_by(*lowered, "pk"),
        key=lambda row: (row.pk,),
        after=lambda ordered, key: _after(ordered, lowered, int(key[0])),
    )


def _after(ordered: QuerySet, lowered: Mapping[str, Lower], pk: int) -> QuerySet:
    """What follows that row in the order. Raises ValueError when the row is no longer there."""
    place = ordered.model.objects.filter(pk=pk).values(**lowered).first()
    if place is None:
        raise ValueError(pk)
    return ordered.filter(_follows([*place.items(), ("pk", pk)]))


def _follows(keys: list[tuple[str, Any]]) -> Q:
    """(a, b, id) > (x, y, z); the first part alone lets the index start there."""
    (name, value), *rest = keys
    if not rest:
        return Q(**{f"{name}__gt": value})
    return Q(**{f"{name}__gte": value}) & (Q(**{f"{name}__gt": value}) | _follows(rest))
