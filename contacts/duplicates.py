"""Likely doubles of providers and offices, each with its reasons in words.

The database names the nearest by trigrams, and whoever shares a telephone, fax, e-mail or address; rapidfuzz
then compares names letter by letter. Two different NPIs are two people: they are never doubles.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext as _
from rapidfuzz import fuzz

from contacts.models import NotADouble, Office, Provider, ProviderOffice
from contacts.search import folded
from practices.isolation import entered_practice_id
from practices.models import Member

SLICE = 200  # the newest rows looked at in one go; the page goes on with older ones
NEAREST = 5
ALIKE = 88  # of 100: one letter wrong in a name of eight
Pair = tuple[int, int]
MOST_TO_SHARE = 8  # a number shared by more is a switchboard and tells nothing


@dataclass
class Double:
    """Two rows that are likely one, the older first, and why."""

    first: Any
    second: Any
    reasons: list[str]
    likeness: float
    places: tuple[str, str]


@dataclass(frozen=True)
class Doubles:
    """What was found among the newest rows, and where to go on (the id to look below), if there is more."""

    found: list[Double]
    go_on_below: int | None


def provider_doubles(*, below: int | None = None) -> Doubles:
    """Likely doubles among the newest providers (of those with ids under `below`) and all others."""
    ids, go_on = _newest(Provider.objects.current(), below)
    known = Provider.objects.current().values_list("pk", "phone", "fax", "email")
    numbers = {pk: (digits(phone), digits(fax), folded(email)) for pk, phone, fax, email in known}
    shared = _shared(numbers, ids, [_("Same phone."), _("Same fax."), _("Same e-mail address.")])
    pairs = _nearest("contacts_provider", ids, _provider_names(ids)).union(*shared.values())
    pairs -= _known_to_be_two("provider")
    rows = _providers({pk for pair in pairs for pk in pair})
    places = _places(rows)
    return Doubles(
        _best_first(
            _compare_providers(rows[a], rows[b], places[a], places[b], _reasons(shared, (a, b)))
            for a, b in pairs
            if a in rows and b in rows
        ),
        go_on,
    )


def office_doubles(*, below: int | None = None) -> Doubles:
    """The same for offices."""
    ids, go_on = _newest(Office.objects.current(), below)
    rows = {row.pk: row for row in Office.objects.current().defer("notes", "search")}
    marks = {pk: (_address(row), digits(row.phone), digits(row.fax)) for pk, row in rows.items()}
    shared = _shared(marks, ids, [_("Same address."), _("Same phone."), _("Same fax.")])
    pairs = _nearest("contacts_office", ids, {pk: folded(rows[pk].name) for pk in ids}).union(
        *shared.values()
    )
    pairs -= _known_to_be_two("office")
    return Doubles(
        _best_first(_compare_offices(rows[a], rows[b], _reasons(shared, (a, b))) for a, b in pairs), go_on
    )


def say_not_a_double(
    first: Provider | Office, second: Provider | Office, *, by: Member, now: datetime
) -> NotADouble | None:
    """Remember that somebody looked and found two; saying it twice changes nothing, and returns none."""
    low, high = sorted([first, second], key=lambda row: row.pk)
    kind = "provider" if isinstance(first, Provider) else "office"
    pair, is_new = NotADouble.objects.get_or_create(
        **{f"first_{kind}": low, f"second_{kind}": high}, defaults={"said_by": by, "said_at": now}
    )
    return pair if is_new else None


def told_apart_by(row: Provider | Office) -> str:
    """What tells two of the same name apart: where they work, or where it stands."""
    return _where(row) if isinstance(row, Office) else _places_in_words(_places([row.pk])[row.pk])


def digits(number: str) -> str:
    """A telephone number without its spelling; an American one without the leading 1. Empty when too short."""
    plain = re.sub(r"\D", "", re.split(r"(?i)\s*(?:x|ext)", number)[0])
    plain = plain[1:] if len(plain) == 11 and plain.startswith("1") else plain
    return plain if len(plain) >= 7 else ""


def _newest(rows: models.QuerySet, below: int | None) -> tuple[list[int], int | None]:
    rows = rows.filter(pk__lt=below) if below else rows
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[: SLICE + 1])
    return ids[:SLICE], ids[SLICE - 1] if len(ids) > SLICE else None


def _nearest(table: str, ids: list[int], names: dict[int, str]) -> set[Pair]:
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
                WHERE other.practice_id = %s::bigint AND other.merged_into_id IS NULL
                ORDER BY mine.name <<-> other.search LIMIT {NEAREST + 1}
            ) near
            WHERE near.id <> mine.id
            """,  # noqa: S608  # the table's name is ours
            [ids, [names[pk] for pk in ids], entered_practice_id()],
        )
        return {_in_order(*pair) for pair in cursor.fetchall()}


def _shared(
    marks: Mapping[int, tuple[str, ...]], ids: Iterable[int], reasons: list[str]
) -> dict[str, set[Pair]]:
    """For each reason the pairs with the same mark in that place, one of them among `ids`."""
    wanted = set(ids)
    shared: dict[str, set[Pair]] = {}
    for place, reason in enumerate(reasons):
        holders: dict[str, list[int]] = defaultdict(list)
        for pk, found in marks.items():
            if found[place]:
                holders[found[place]].append(pk)
        groups = (group for group in holders.values() if len(group) <= MOST_TO_SHARE)
        pairs = (_in_order(*pair) for group in groups for pair in combinations(group, 2))
        shared[reason] = {pair for pair in pairs if not wanted.isdisjoint(pair)}
    return shared


def _reasons(shared: dict[str, set[Pair]], pair: Pair) -> list[str]:
    return [reason for reason, pairs in shared.items() if pair in pairs]


def _in_order(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _known_to_be_two(kind: str) -> set[Pair]:
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
    a: Provider,
    b: Provider,
    offices_of_a: dict[int, Office],
    offices_of_b: dict[int, Office],
    shared: list[str],
) -> Double | None:
    if a.npi and b.npi:
        return None
    likeness, reason = _compare_names(a, b)
    if likeness < ALIKE:
        return None
    support = [*_same_place(offices_of_a, offices_of_b), *shared]
    if a.specialty_id and a.specialty_id == b.specialty_id:
        support.append(_("Same specialty."))
    if likeness < 100 and not support:
        return None
    if a.npi or b.npi:
        support.append(_("Only one of them has an NPI."))
    places = (_places_in_words(offices_of_a), _places_in_words(offices_of_b))
    return Double(a, b, [reason, *support], likeness + 5 * len(support), places)


def _same_place(a: dict[int, Office], b: dict[int, Office]) -> list[str]:
    if shared := a.keys() & b.keys():
        return [_("Both work at %(office)s.") % {"office": a[min(shared)]}]
    cities = {folded(office.city): office.city for office in a.values() if office.city}
    both = cities.keys() & {folded(office.city) for office in b.values()}
    return [_("Both work in %(city)s.") % {"city": cities[min(both)]}] if both else []


def _compare_names(a: Provider, b: Provider) -> tuple[float, str]:
    """How alike, of 100, and the reason; an initial or a missing given name agrees with any that begins so."""
    mine, theirs = ((folded(row.given_name).rstrip("."), folded(row.family_name)) for row in (a, b))
    if mine == theirs:
        return 100, _("Same name.")
    if mine == theirs[::-1]:
        return 97, _("Same names, the other way round.")
    given = 98 if _is_short_for(mine[0], theirs[0]) else fuzz.ratio(mine[0], theirs[0]) + 8
    if mine[1] == theirs[1] and given == 98:
        return given, _("The names agree as far as they are given.")
    return min(fuzz.ratio(mine[1], theirs[1]), given), _("The names differ by a letter or two.")


def _is_short_for(a: str, b: str) -> bool:
    return a.startswith(b) or b.startswith(a)


def _compare_offices(a: Office, b: Office, shared: list[str]) -> Double | None:
    mine, theirs = folded(a.name), folded(b.name)
    likeness = fuzz.token_sort_ratio(mine, theirs)
    is_near = folded(a.city) == folded(b.city) or not (a.city and b.city)
    if not is_near:
        return None  # a group of offices shares its name and its fax
    reasons = list(shared)
    if likeness >= ALIKE:
        reasons.insert(0, _("Same name.") if mine == theirs else _("The names are alike."))
    if not reasons:
        return None
    return Double(a, b, reasons, likeness / 2 + 25 * len(reasons), (_where(a), _where(b)))


def _places_in_words(offices: dict[int, Office]) -> str:
    names = [", ".join(filter(None, [office.name, office.place])) for office in offices.values()]
    return "; ".join(names) or _("no office known")


def _where(office: Office) -> str:
    return ", ".join(filter(None, [office.street, office.suite, office.place])) or _("no address known")


def _address(office: Office) -> str:
    """Street, suite and ZIP code; a medical building's other suites are other offices. Empty without a street."""
    if not office.street:
        return ""
    place = folded(office.zip_code[:5] or office.city)
    return "|".join([re.sub(r"[^a-z0-9]", "", folded(office.street + office.suite)), place])


def _best_first(compared: Iterable[Double | None]) -> list[Double]:
    found = [double for double in compared if double]
    return sorted(found, key=lambda double: (-double.likeness, double.first.pk, double.second.pk))
