"""Who is to be, or was, at a meeting: theirs (providers, office contacts) and ours; chosen by keys a form can carry."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.db import transaction
from django.db.models import Q, QuerySet

from contacts.models import Office, OfficeContact, Provider
from contacts.senders import Found, main_office, providers_like, resolve, with_places
from practices.models import Member
from practices.pages import as_id
from touchpoints.models import Attendee, Meeting
from touchpoints.touchpoint_log import lock_practice

PER_KIND = 6


@dataclass(frozen=True)
class People:
    """Those present, each once."""

    providers: tuple[Provider, ...] = ()
    contacts: tuple[OfficeContact, ...] = ()
    members: tuple[Member, ...] = ()

    def __iter__(self) -> Iterator[Provider | OfficeContact | Member]:
        yield from (*self.providers, *self.contacts, *self.members)

    @property
    def theirs(self) -> tuple[Provider | OfficeContact, ...]:
        return (*self.providers, *self.contacts)

    def __bool__(self) -> bool:
        return any(True for _person in self)

    @property
    def keys(self) -> set[str]:
        return {key_of(person) for person in self}

    def only(self, keys: Collection[str]) -> "People":
        """Those of them who are named."""
        return People(
            tuple(one for one in self.providers if key_of(one) in keys),
            tuple(one for one in self.contacts if key_of(one) in keys),
            tuple(one for one in self.members if key_of(one) in keys),
        )

    @classmethod
    def at(cls, meeting: Meeting) -> Self:
        """Who is down for the meeting, in the order of their names."""
        rows = Attendee.objects.filter(meeting=meeting)
        found = [
            row.person for row in rows.select_related("provider", "office_contact__office", "member__user")
        ]
        return cls(*(tuple(sorted(_of(kind, found), key=str)) for kind in KINDS.values()))

    @classmethod
    def chosen(cls, keys: Iterable[str], *, also: "People | None" = None) -> Self:
        """Those a form names. Only who may be chosen, or is down for it already, is found."""
        ids = _ids_by_kind(keys)
        known = _ids_by_kind(also.keys if also else ())
        return cls(
            *(
                tuple(sorted(_choosable(kind, known[kind]).filter(pk__in=ids[kind]), key=str))
                for kind in KINDS
            )
        )


KINDS: dict[str, Any] = {"provider": Provider, "contact": OfficeContact, "member": Member}
FIELDS = {"provider": "provider", "contact": "office_contact", "member": "member"}


def key_of(person: Any) -> str:
    """ "provider-12"."""
    return f"{_kind_of(person)}-{person.pk}"


def field_of(person: Any) -> str:
    """The name of the reference that an attendee, or a share of a gift, has to this person."""
    return FIELDS[_kind_of(person)]


def place_of(person: Any, *, at: Office | None = None) -> str:
    """What tells two of one name apart: the office, unless it is the one they are `at`; of ours the role.

    Providers come `with_places`, contacts with their office.
    """
    if isinstance(person, Member):
        return str(person.get_role_display())
    if isinstance(person, OfficeContact):
        return ", ".join(filter(None, [person.job, "" if person.office == at else str(person.office)]))
    offices = [place.office for place in person.places.all()]
    if not offices or at in offices:
        return ""
    return ", ".join(filter(None, [str(offices[0]), offices[0].place]))


def people_like(text: str) -> list[Provider | OfficeContact]:
    """Of theirs, who resembles what was typed, or works where it says."""
    return [*providers_like(text, limit=PER_KIND), *_contacts_like(text)[:PER_KIND]]


def person_meant(text: str) -> Found:
    """The one of theirs whose name this is, or whom to choose from."""
    rows = people_like(text)
    providers = [row for row in rows if isinstance(row, Provider)]
    contacts = [row for row in rows if isinstance(row, OfficeContact)]
    by_name = resolve(providers, text)
    return by_name if by_name.chosen and not contacts else resolve_all(rows, text)


def resolve_all(rows: list[Any], text: str) -> Found:
    """Beyond doubt is only one who is alone, or has exactly this name."""
    same = [row for row in rows if str(row).casefold() == text.strip().casefold()]
    if len(same) == 1 or len(rows) == 1:
        return Found(chosen=(same or rows)[0])
    return Found(candidates=rows)


@transaction.atomic
def add_to_office(office: Office, *, name: str, job: str) -> OfficeContact:
    """Somebody new there; who is there by that name already is that one."""
    lock_practice()
    same = OfficeContact.objects.filter(office=office, name__iexact=name).first()
    return same or OfficeContact.objects.create(office=office, name=name, job=job)


def staff_of(office: Office) -> list[Provider | OfficeContact]:
    """Everybody who works there and may be met."""
    providers = with_places(Provider.objects.active().filter(places__office=office))
    contacts = OfficeContact.objects.filter(office=office).select_related("office")
    return [*providers.order_by("family_name", "given_name", "id"), *contacts]


def office_for(provider: Provider, meeting: Meeting) -> Office | None:
    """Where the provider's story tells of it: the office met at when they work there, otherwise their main one."""
    if meeting.office and provider.places.filter(office=meeting.office_id).exists():
        return meeting.office
    return main_office(provider) or meeting.office


def _contacts_like(text: str) -> QuerySet[OfficeContact]:
    rows = OfficeContact.objects.filter(office__merged_into=None).select_related("office")
    for word in text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(job__icontains=word) | Q(office__name__icontains=word))
    return rows if text.strip() else rows.none()


def _choosable(kind: str, known: set[int]) -> QuerySet:
    if kind == "provider":
        rows = Provider.objects.filter(Q(merged_into=None, state=Provider.State.ACTIVE) | Q(pk__in=known))
        return with_places(rows)
    if kind == "contact":
        return OfficeContact.objects.filter(Q(office__merged_into=None) | Q(pk__in=known)).select_related(
            "office"
        )
    return Member.objects.filter(Q(left_at=None) | Q(pk__in=known)).select_related("user")


def _ids_by_kind(keys: Iterable[str]) -> dict[str, set[int]]:
    ids: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for key in keys:
        kind, _dash, number = key.partition("-")
        if kind in ids and (pk := as_id(number)) is not None:
            ids[kind].add(pk)
    return ids


def _kind_of(person: Any) -> str:
    return next(kind for kind, model in KINDS.items() if isinstance(person, model))


def _of(model: Any, people: Iterable[Any]) -> list[Any]:
    return [person for person in people if isinstance(person, model)]
