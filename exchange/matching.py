"""Who is meant by a spelling: the same NPI, what was decided before, the same name, or who resembles it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from json import dumps
from typing import NamedTuple

from rapidfuzz import fuzz, process

from contacts.models import Office, Provider, ProviderOffice
from contacts.search import folded
from exchange.models import Import, ImportName, index_of_spelling
from exchange.names import provider_name
from exchange.understanding import Name
from practices.encryption import normalised
from practices.models import Location, Member

Kind, FoundBy, Decision = ImportName.Kind, ImportName.FoundBy, ImportName.Decision
Spelling = tuple[str, Name, int]

LIKE = 78  # rapidfuzz ratio below which two names do not resemble each other
SUGGESTIONS = 5
BY_INITIAL = 90  # "Okafor, A" for Amara Okafor
OTHER_OFFICE = 97  # the same name at an office we do not know the person by
NPI_BUT_OTHER_NAME = 99
IN_THIS_FILE = 90


class Match(NamedTuple):
    """What was found: how, whom for certain, and who else comes into question as [id, likeness]."""

    found_by: str
    target_id: int | None = None
    suggestions: tuple[tuple[int, int], ...] = ()
    is_left_out: bool = False


NOTHING = Match(FoundBy.NOTHING)


def key_of(source: Import, kind: str, name: Name) -> bytes:
    """What a spelling is remembered by."""
    return index_of_spelling(kind, name.key, practice_id=source.practice.pk)


def match(source: Import, names: Iterable[Spelling]) -> list[ImportName]:
    """A row for each spelling of a file, decided where it is certain."""
    by_kind: dict[str, list[Spelling]] = defaultdict(list)
    for kind, name, rows in names:
        by_kind[kind].append((kind, name, rows))
    found = []
    for kind, spellings in by_kind.items():
        keys = [key_of(source, kind, name) for _kind, name, _rows in spellings]
        remembered = recall(kind, keys)
        network = NETWORKS[kind]()
        for (_kind, name, rows), key in zip(spellings, keys, strict=True):
            match = network.certain(name) or remembered.get(key) or network.find(name)
            found.append(_row(source, kind, name, key, rows, match))
    return found


def recall(kind: str, keys: list[bytes], *, since: datetime | None = None) -> dict[bytes, Match]:
    """What was decided about these spellings in imports that stand, the last word counting."""
    rows = ImportName.objects.remembered().filter(kind=kind, key__in=keys)
    if since:
        rows = rows.filter(source__finished_at__gte=since)
    found = {}
    for row in rows.defer("said_text").order_by("source_id", "id"):
        if row.decision == Decision.LEAVE_OUT:
            found[bytes(row.key)] = Match(FoundBy.REMEMBERED, is_left_out=True)
        elif row.target_id:
            found[bytes(row.key)] = Match(FoundBy.REMEMBERED, row.target_id)
    return found


def link_alike(source: Import) -> None:
    """Suggest that spellings nobody knows yet, and that resemble each other, mean one person."""
    unknown = source.names.filter(kind=Kind.PROVIDER, found_by=FoundBy.NOTHING).order_by("-rows", "id")
    heads: dict[int, str] = {}
    said: dict[int, dict[str, str]] = {}
    changed = []
    # Those with an NPI stand first: who has none joins them, never the other way.
    for name in sorted(unknown, key=lambda row: not row.said["npi"]):
        text = _person_text(name.said)
        near = process.extract(text, heads, scorer=fuzz.token_sort_ratio, score_cutoff=IN_THIS_FILE, limit=3)
        same = next((key for _text, _score, key in near if _may_be_one(said[key], name.said)), None)
        if same is None:
            heads[name.pk], said[name.pk] = text, name.said
        else:
            name.same_as_id, name.found_by = same, FoundBy.LIKENESS
            changed.append(name)
    ImportName.objects.bulk_update(changed, ["same_as", "found_by"], batch_size=500)


def _may_be_one(one: dict[str, str], other: dict[str, str]) -> bool:
    return not (one["npi"] and other["npi"])


def _row(source: Import, kind: str, name: Name, key: bytes, rows: int, match: Match) -> ImportName:
    row = ImportName(
        source=source, kind=kind, key=key, said_text=dumps(name.said), rows=rows, found_by=match.found_by
    )
    row.suggestions = [list(pair) for pair in match.suggestions]
    if match.is_left_out:
        row.decision = Decision.LEAVE_OUT
    elif match.target_id:
        row.decision = Decision.EXISTING
        setattr(row, f"{kind}_id", match.target_id)
    elif kind in (Kind.PHYSICIAN, Kind.LOCATION) and not match.suggestions:
        row.decision = Decision.OPEN
    return row


def _person_text(said: dict[str, str]) -> str:
    return folded(f"{said['family']} {said['given']}")


class Providers:
    """The providers of the network, loaded once."""

    def __init__(self) -> None:
        self.by_npi: dict[str, Provider] = {}
        self.by_name: dict[tuple[str, str], list[Provider]] = defaultdict(list)
        self.by_family: dict[str, list[Provider]] = defaultdict(list)
        self.texts: dict[int, str] = {}
        fields = ("id", "family_name", "given_name", "middle_name", "npi")
        for provider in Provider.objects.current().only(*fields):
            family, given = normalised(provider.family_name), normalised(provider.given_name)
            self.by_name[family, given].append(provider)
            self.by_family[family].append(provider)
            self.texts[provider.pk] = folded(f"{provider.family_name} {provider.given_name}")
            if provider.npi:
                self.by_npi[provider.npi] = provider
        self.offices: dict[int, set[str]] = defaultdict(set)
        places = ProviderOffice.objects.values_list(
            "provider_id", "office__name", "office__merged_into__name"
        )
        for provider_id, *names in places:
            self.offices[provider_id].update(normalised(office) for office in names if office)

    def certain(self, name: Name) -> Match | None:
        """The same NPI. A name that is quite another makes it doubtful: numbers are mistyped."""
        known = self.by_npi.get(name.said["npi"])
        if known is None:
            return None
        text = _person_text(name.said)
        is_alike = "unknown" in text or fuzz.token_set_ratio(text, self.texts[known.pk]) >= LIKE
        if is_alike:
            return Match(FoundBy.NPI, known.pk)
        return Match(FoundBy.LIKENESS, suggestions=((known.pk, NPI_BUT_OTHER_NAME),))

    def find(self, name: Name) -> Match:
        said = name.said
        alike = [provider for provider in self._named(said) if not (said["npi"] and provider.npi)]
        there = [provider for provider in alike if self._works_there(provider, said["office"])]
        if len(there) == 1:
            return Match(FoundBy.NAME, there[0].pk)
        likeness = {provider.pk: OTHER_OFFICE for provider in alike}
        for provider in self.by_family[normalised(said["family"])]:
            if _initial_fits(said["given"], provider.given_name):
                likeness.setdefault(provider.pk, BY_INITIAL)
        scored = process.extract(
            _person_text(said), self.texts, scorer=fuzz.token_sort_ratio, score_cutoff=LIKE, limit=SUGGESTIONS
        )
        for _text, score, provider_id in scored:
            likeness.setdefault(provider_id, min(round(score), OTHER_OFFICE - 1))
        return _suggested(likeness)

    def _named(self, said: dict[str, str]) -> list[Provider]:
        middle = said["middle"]
        namesakes = self.by_name[normalised(said["family"]), normalised(said["given"])]
        return [one for one in namesakes if said["given"] and _initial_fits(middle, one.middle_name)]

    def _works_there(self, provider: Provider, office: str) -> bool:
        """A file without offices says nothing against it."""
        return not office or normalised(office) in self.offices[provider.pk]


def _initial_fits(one: str, other: str) -> bool:
    short, long = sorted([normalised(one), normalised(other)], key=len)
    return long.startswith(short)


def _suggested(likeness: dict[int, int]) -> Match:
    nearest = sorted(likeness.items(), key=lambda pair: -pair[1])[:SUGGESTIONS]
    return Match(FoundBy.LIKENESS, suggestions=tuple(nearest)) if nearest else NOTHING


class Named:
    """Rows of ours that go by one name: found by it exactly, or by likeness."""

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        self.by_name: dict[str, set[int]] = defaultdict(set)
        self.texts: dict[int, str] = {}
        for row_id, name in names:
            self.by_name[normalised(name)].add(row_id)
            self.texts.setdefault(row_id, folded(name))

    def certain(self, name: Name) -> Match | None:
        return None

    def find(self, name: Name) -> Match:
        same = self.by_name.get(normalised(name.said["name"]), set())
        if len(same) == 1:
            return Match(FoundBy.NAME, next(iter(same)))
        scored = process.extract(
            folded(name.said["name"]),
            self.texts,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=LIKE,
            limit=SUGGESTIONS,
        )
        return _suggested({row_id: round(score) for _text, score, row_id in scored})


class Physicians(Named):
    """Our physicians, by full name, or by a family name that only one of them bears."""

    def __init__(self) -> None:
        people = [(member.pk, provider_name(member.name)) for member in Member.objects.physicians()]
        full = [(pk, f"{person.family} {person.given}") for pk, person in people]
        super().__init__(full + [(pk, person.family) for pk, person in people])

    def find(self, name: Name) -> Match:
        person = provider_name(name.said["name"])
        return super().find(Name(name.key, {"name": f"{person.family} {person.given}".strip()}))


def offices() -> Named:
    return Named(Office.objects.current().values_list("id", "name"))


def locations() -> Named:
    return Named(Location.objects.values_list("id", "name"))


NETWORKS: dict[str, Callable[[], Providers | Named]] = {
    Kind.PROVIDER: Providers,
    Kind.OFFICE: offices,
    Kind.PHYSICIAN: Physicians,
    Kind.LOCATION: locations,
}
