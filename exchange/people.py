"""Turn the decisions of a review into rows of the network: who exists, who is added, whose rows stay out."""

from contacts.models import Office, Provider, ProviderOffice
from contacts.search import refresh_search
from exchange import matching
from exchange.models import Import, ImportName, index_of_spelling
from exchange.understanding import KINDS, Name, office_from

Kind, Decision = ImportName.Kind, ImportName.Decision
LEFT_OUT = -1


Ids = tuple[int | None, ...]


class People:
    """Whom the names of a row mean: ids of our rows in the order of KINDS, LEFT_OUT, or None for left open."""

    def __init__(self, by_index: dict[tuple[str, bytes], int | None], practice_id: int) -> None:
        self._by_index, self._practice_id = by_index, practice_id
        self._ids: dict[tuple[Name | None, ...], Ids] = {}

    def ids_of(self, names: tuple[Name | None, ...]) -> Ids:
        ids = self._ids.get(names)
        if ids is None:
            ids = tuple(
                self._id(kind, name) if name else None for kind, name in zip(KINDS, names, strict=True)
            )
            self._ids[names] = ids
        return ids

    def _id(self, kind: str, name: Name) -> int | None:
        index = index_of_spelling(kind, name.key, practice_id=self._practice_id)
        return self._by_index[kind, index]


def resolve(source: Import) -> People:
    """Add who is new, and say for each spelling of the file which row of ours it means."""
    names = list(source.names.all())
    _recall_added_meanwhile(source, names)
    offices = {bytes(name.key): _office(source, name) for name in names if name.kind == Kind.OFFICE}
    for name in names:
        if name.kind == Kind.PROVIDER and name.decision == Decision.NEW:
            _provider(source, name, offices, credentials=_credentials(name, names))
    _follow_sames(names, offices)
    ImportName.objects.bulk_update(names, ["provider", "office"], batch_size=500)
    refresh_search(providers=source.added_provider_ids, offices=source.added_office_ids)
    targets = {(name.kind, bytes(name.key)): _target(name) for name in names}
    return People(targets, source.practice.pk)


def _target(name: ImportName) -> int | None:
    return LEFT_OUT if name.decision == Decision.LEAVE_OUT else name.target_id


def _recall_added_meanwhile(source: Import, names: list[ImportName]) -> None:
    """An import that ended after our check may have added the very same new people: they are not added twice."""
    for kind in (Kind.PROVIDER, Kind.OFFICE):
        new = [name for name in names if name.kind == kind and name.decision == Decision.NEW]
        known = matching.recall(kind, [bytes(name.key) for name in new], since=source.checked_at)
        for name in new:
            if (match := known.get(bytes(name.key))) and match.target_id:
                setattr(name, f"{kind}_id", match.target_id)


def _office(source: Import, name: ImportName) -> int | None:
    if name.decision == Decision.NEW and name.office_id is None:
        said = name.said
        office = Office.objects.create(
            name=said["name"], city=said["city"], phone=said["phone"], fax=said["fax"]
        )
        source.added_office_ids.append(office.pk)
        name.office_id = office.pk
    return name.office_id


def _credentials(name: ImportName, names: list[ImportName]) -> str:
    """The name's own, or those that another spelling of the same person has."""
    others = (other.said["credentials"] for other in names if other.same_as_id == name.pk)
    return name.said["credentials"] or next(filter(None, others), "")


def _provider(
    source: Import, name: ImportName, offices: dict[bytes, int | None], *, credentials: str
) -> None:
    if name.provider_id is not None:
        return
    said, npi = name.said, name.said["npi"] or None
    holder = Provider.objects.current().filter(npi=npi).first() if npi else None
    if holder and holder.pk not in [provider_id for provider_id, _likeness in name.suggestions]:
        name.provider_id = holder.pk  # added by hand since the check
        return
    provider = Provider.objects.create(
        family_name=said["family"],
        given_name=said["given"],
        middle_name=said["middle"],
        credentials=credentials,
        npi=None if holder else npi,  # said to be somebody else than who holds that number
    )
    source.added_provider_ids.append(provider.pk)
    name.provider_id = provider.pk
    _works_at(provider.pk, name, offices, is_main=True)


def _follow_sames(names: list[ImportName], offices: dict[bytes, int | None]) -> None:
    """Who is the same as another of the file goes where that one goes, and works there too if new."""
    by_id = {name.pk: name for name in names}
    for name in names:
        if name.decision != Decision.SAME or name.same_as_id is None:
            continue
        head = by_id[name.same_as_id]
        name.provider_id, name.office_id = head.provider_id, head.office_id
        if head.decision == Decision.LEAVE_OUT:
            name.decision = Decision.LEAVE_OUT
        elif head.decision == Decision.NEW and head.kind == Kind.PROVIDER:
            _works_at(head.provider_id, name, offices, is_main=False)


def _works_at(
    provider_id: int | None, name: ImportName, offices: dict[bytes, int | None], *, is_main: bool
) -> None:
    spelled = office_from(name.said["office"], name.said["city"], "", "")
    if spelled is None:
        return
    office_id = offices.get(matching.key_of(name.source, Kind.OFFICE, spelled))
    if office_id:
        ProviderOffice.objects.get_or_create(
            provider_id=provider_id, office_id=office_id, defaults={"is_main": is_main}
        )
