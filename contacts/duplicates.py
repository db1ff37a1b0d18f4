"""Likely doubles of providers and offices, each with its reasons in words.

The database names the nearest by trigrams, and whoever shares a telephone, fax, e-mail or address; rapidfuzz
then compares names letter by letter. Two different NPIs are two people: they are never doubles.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext as _
from rapidfuzz import fuzz

from contacts.models import NotADouble, Office, Provider, ProviderOffice
from contacts.search import folded
from practices.isolation import current_practice_id
from practices.models import Member

SLICE = 500  # the newest rows looked at in one go; the page goes on with older ones
NEAREST = 5
ALIKE = 88  # of 100: one letter wrong in a name of eight
MOST_TO_SHARE = 8  # a number shared by more is a switchboard and tells nothing


@dataclass
class Double:
    """Two rows that are likely one, the older first, and why."""

    first: Any
    second: Any
    reasons: list[str] = field(default_factory=list)
    likeness: float = 0


@dataclass(frozen=True)
class Doubles:
    """What was found among the newest rows, and where to go on (the id to look below), if there is more."""

    found: list[Double]
    go_on_below: int | None


def provider_doubles(*, below: int | None = None) -> Doubles:
    """Likely doubles among the newest providers (of those with ids under `below`) and all others."""
    ids, go_on = _newest(Provider.objects.current(), below)
    pairs = _nearest("contacts_provider", ids, _provider_names(ids))
    contacts = dict(Provider.objects.current().values_list("pk", "phone"))
    mails = dict(Provider.objects.current().values_list("pk", "email"))
    pairs |= _sharing(contacts, digits, ids) | _sharing(mails, folded, ids)
    rows = _providers({pk for pair in pairs for pk in pair})
    places = _places(rows)
    compared = (
        _compare_providers(rows[a], rows[b], places[a], places[b])
        for a, b in pairs - _known_to_be_two("provider")
        if a in rows and b in rows
    )
    return Doubles(_best_first(compared), go_on)


def office_doubles(*, below: int | None = None) -> Doubles:
    """The same for offices."""
    ids, go_on = _newest(Office.objects.current(), below)
    rows = {row.pk: row for row in Office.objects.current().defer("notes")}
    pairs = _nearest("contacts_office", ids, {pk: folded(rows[pk].name) for pk in ids})
    for attribute, plain in (("phone", digits), ("fax", digits)):
        pairs |= _sharing({pk: getattr(row, attribute) for pk, row in rows.items()}, plain, ids)
    pairs |= _sharing({pk: _address(row) for pk, row in rows.items()}, str, ids)
    compared = (
        _compare_offices(rows[a], rows[b])
        for a, b in pairs - _known_to_be_two("office")
        if a in rows and b in rows
    )
    return Doubles(_best_first(compared), go_on)


def say_not_a_double(
    first: Provider | Office, second: Provider | Office, *, by: Member, now: datetime
) -> None:
    """Remember that somebody looked and found two; saying it twice changes nothing."""
    low, high = sorted([first, second], key=lambda row: row.pk)
    kind = "provider" if isinstance(first, Provider) else "office"
    NotADouble.objects.get_or_create(
        **{f"first_{kind}": low, f"second_{kind}": high}, defaults={"said_by": by, "said_at": now}
    )


def digits(number: str) -> str:
    """A telephone number without its spelling; an American one without the leading 1. Empty when too short."""
    plain = re.sub(r"\D", "", re.split(r"(?i)\s*(?:x|ext)", number)[0])
    plain = plain[1:] if len(plain) == 11 and plain.startswith("1") else plain
    return plain if len(plain) >= 7 else ""


def _newest(rows: models.QuerySet, below: int | None) -> tuple[list[int], int | None]:
    rows = rows.filter(pk__lt=below) if below else rows
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[: SLICE + 1])
    return ids[:SLICE], ids[SLICE - 1] if len(ids) > SLICE else None


def _nearest(table: str, ids: list[int], names: dict[int, str]) -> set[tuple[int, int]]:
    """Each row with the few whose search text comes nearest to its name (trigram word distance, GiST index)."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT mine.id, near.id
            FROM unnest(%s::bigint[], %s::text[]) AS mine (id, name)
            CROSS JOIN LATERAL (
                SELECT other.id FROM {table} other
                WHERE other.practice_id = %s AND other.merged_into_id IS NULL
                ORDER BY mine.name <<-> other.search LIMIT {NEAREST + 1}
            ) near
            WHERE near.id <> mine.id
            """,  # noqa: S608  # the table's name is ours
            [ids, [names[pk] for pk in ids], current_practice_id()],
        )
        return {_in_order(*pair) for pair in cursor.fetchall()}


def _sharing(values: dict[int, str], plain: Callable[[str], str], ids: Iterable[int]) -> set[tuple[int, int]]:
    """Pairs with the same value, one of them among `ids`."""
    holders: dict[str, list[int]] = defaultdict(list)
    for pk, value in values.items():
        if value and (key := plain(value)):
            holders[key].append(pk)
    wanted = set(ids)
    return {
        _in_order(*pair)
        for group in holders.values()
        if len(group) <= MOST_TO_SHARE
        for pair in combinations(group, 2)
        if not wanted.isdisjoint(pair)
    }


def _in_order(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _known_to_be_two(kind: str) -> set[tuple[int, int]]:
    said = NotADouble.objects.filter(**{f"first_{kind}__isnull": False})
    return set(said.values_list(f"first_{kind}_id", f"second_{kind}_id"))


def _provider_names(ids: list[int]) -> dict[int, str]:
    rows = Provider.objects.filter(pk__in=ids).values_list("pk", "given_name", "family_name")
    return {pk: folded(f"{given} {family}") for pk, given, family in rows}


def _providers(ids: set[int]) -> dict[int, Provider]:
    rows = Provider.objects.current().filter(pk__in=ids).select_related("specialty")
    return {row.pk: row for row in rows.defer("personal_notes", "search")}


def _places(rows: Iterable[int]) -> dict[int, dict[int, Office]]:
    places: dict[int, dict[int, Office]] = defaultdict(dict)
    for place in ProviderOffice.objects.filter(provider__in=rows).select_related("office"):
        places[place.provider_id][place.office_id] = place.office
    return places


def _compare_providers(
    a: Provider, b: Provider, offices_of_a: dict[int, Office], offices_of_b: dict[int, Office]
) -> Double | None:
    if a.npi and b.npi:
        return None
    likeness, reasons = _compare_names(a, b)
    if likeness < ALIKE:
        return None
    shared = offices_of_a.keys() & offices_of_b.keys()
    support = [_("Both work at %(office)s.") % {"office": offices_of_a[pk]} for pk in sorted(shared)[:1]]
    support += _same(_("Same telephone."), digits(a.phone), digits(b.phone))
    support += _same(_("Same fax."), digits(a.fax), digits(b.fax))
    support += _same(_("Same e-mail address."), folded(a.email), folded(b.email))
    support += _same(_("Same specialty."), a.specialty_id, b.specialty_id)
    cities = [
        {folded(office.city) for office in offices.values()} - {""}
        for offices in (offices_of_a, offices_of_b)
    ]
    if not shared and cities[0] & cities[1]:
        support.append(_("Both work in %(city)s.") % {"city": sorted(cities[0] & cities[1])[0].title()})
    if likeness < 100 and not support:
        return None
    if a.npi or b.npi:
        support.append(_("Only one of them has an NPI."))
    return Double(a, b, reasons + support, likeness + 5 * len(support))


def _compare_names(a: Provider, b: Provider) -> tuple[float, list[str]]:
    """How alike, of 100, and the reason; an initial or a missing given name agrees with any that begins so."""
    mine, theirs = ((folded(row.given_name).rstrip("."), folded(row.family_name)) for row in (a, b))
    if mine == theirs:
        return 100, [_("Same name.")]
    families = fuzz.ratio(mine[1], theirs[1])
    is_short = mine[0].startswith(theirs[0]) or theirs[0].startswith(mine[0])
    if families >= ALIKE and is_short:
        return (families + 98) / 2, [_("The names agree as far as they are given.")]
    if mine == theirs[::-1]:
        return 97, [_("Same names, the other way round.")]
    likeness = min(families, fuzz.ratio(mine[0], theirs[0]) + 8)
    return likeness, [_("The names differ by a letter or two.")]


def _compare_offices(a: Office, b: Office) -> Double | None:
    likeness = fuzz.token_set_ratio(folded(a.name), folded(b.name))
    reasons = _same(_("Same address."), _address(a), _address(b))
    reasons += _same(_("Same telephone."), digits(a.phone), digits(b.phone))
    reasons += _same(_("Same fax."), digits(a.fax), digits(b.fax))
    is_near = folded(a.city) == folded(b.city) or not (a.city and b.city)
    if likeness >= ALIKE and is_near:
        same = folded(a.name) == folded(b.name)
        reasons.insert(0, _("Same name.") if same else _("The names are alike."))
    return Double(a, b, reasons, likeness / 2 + 25 * len(reasons)) if reasons else None


def _address(office: Office) -> str:
    """Street, suite and ZIP code; a medical building's other suites are other offices. Empty without a street."""
    if not office.street:
        return ""
    place = folded(office.zip_code[:5] or office.city)
    return "|".join([re.sub(r"[^a-z0-9]", "", folded(office.street + office.suite)), place])


def _same(reason: str, a: Any, b: Any) -> list[str]:
    return [reason] if a and a == b else []


def _best_first(compared: Iterator[Double | None] | Iterable[Double | None]) -> list[Double]:
    found = [double for double in compared if double]
    return sorted(found, key=lambda double: (-double.likeness, double.first.pk, double.second.pk))
