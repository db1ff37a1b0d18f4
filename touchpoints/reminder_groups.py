"""The reminders page: what is due, grouped by provider or office, so that one call can clear three.

A group stands where the most pressing of it belongs; what was put off stands by itself. Pages are pages of groups,
found by key; of a large group the first lines are shown, and the way to the rest.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, Value, When, Window
from django.db.models.functions import Cast, Concat, RowNumber
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy

from contacts.models import Office, Provider
from practices.addresses import page_url, row_url
from practices.models import Member
from practices.pages import KeyPage, as_id, key_page, query_with
from touchpoints.models import Reminder
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_doing import Doing, call_url, tell_together
from touchpoints.reminder_pages import PARTS, ReminderLine, lines_of, visible_to
from touchpoints.reminder_rules.asked import AHEAD

GROUPS = 10
LINES = 4


@dataclass(frozen=True)
class Wanted:
    """What the address asks for: one part, one member's (the manager's question alone), about whom."""

    part: str = ""
    member_id: int | None = None
    provider_id: int | None = None
    office_id: int | None = None

    @property
    def is_about_one(self) -> bool:
        return bool(self.provider_id or self.office_id)

    @property
    def query(self) -> dict[str, Any]:
        asked = {"member": self.member_id, "provider": self.provider_id, "office": self.office_id}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Group:
    """Reminders about the same provider or office, the most pressing first; of a large one the first lines."""

    count: int
    lines: list[ReminderLine]
    tell: Doing | None
    rest_url: str

    @property
    def part(self) -> str:
        return self.lines[0].part

    @property
    def about(self) -> Provider | Office | None:
        return self.lines[0].reminder.provider or self.lines[0].reminder.office

    @property
    def is_many(self) -> bool:
        return self.count > 1

    @property
    def rest(self) -> int:
        return self.count - len(self.lines)

    @property
    def url(self) -> str:
        name, pk = _named(self.lines[0].reminder)
        return row_url(name, pk)

    @property
    def call_url(self) -> str:
        """One call for all of it, where a call is what some of it asks for."""
        called = next((line.reminder for line in self.lines if line.is_done_by_a_call), None)
        return call_url(called) if called else ""


@dataclass(frozen=True)
class Tab:
    """A part of the page, with how many stand in it, and its address."""

    label: Any
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True)
class RemindersPage:
    """The groups of one page, by part; and the way to what else there is."""

    wanted: Wanted
    tabs: list[Tab]
    parts: list[dict[str, Any]]
    page: KeyPage
    about: Provider | Office | None
    can_choose: bool
    choose_url: str

    @property
    def is_filtered(self) -> bool:
        return bool(self.wanted.part or self.wanted.query)

    @property
    def all_url(self) -> str:
        return page_url("reminders")


def wanted_of(query: Any, member: Member) -> Wanted:
    """What the address asks for, as far as it can be asked."""
    asked = {name: as_id(query.get(name, "")) for name in ("member", "provider", "office")}
    part = query.get("part", "")
    return Wanted(
        part=part if part in PARTS else "",
        member_id=asked["member"] if member.is_manager else None,
        provider_id=asked["provider"],
        office_id=asked["office"],
    )


def reminders_page(request: HttpRequest, member: Member, *, today: date) -> RemindersPage:
    """Put the page together in three queries."""
    wanted = wanted_of(request.GET, member)
    rows = _asked_for(wanted, member)
    parts = parts_on(today)
    listed = rows.filter(parts[wanted.part] if wanted.part else Q(*parts.values(), _connector=Q.OR))
    listed = _with_group(listed, today, is_about_one=wanted.is_about_one)
    page = key_page(request, _groups(listed), key=_key, after=_after, size=GROUPS)
    groups = _filled(request, page.rows, listed, member, today=today)
    return RemindersPage(
        wanted=wanted,
        tabs=tabs_on(request.GET, member, today=today),
        parts=_in_parts(groups),
        page=page,
        about=groups[0].about if groups and wanted.is_about_one else None,
        can_choose=sum(len(group.lines) for group in groups) > 1,
        choose_url=query_with(request, chosen=None if request.GET.get("chosen") else "all"),
    )


def parts_on(today: date) -> dict[str, Q]:
    """What stands in each part on that day; what comes later than it is made ahead is not shown yet."""
    return {
        "overdue": Q(due_on__lt=today),
        "today": Q(due_on=today),
        "coming": Q(due_on__gt=today, due_on__lte=today + AHEAD, snoozed_at=None),
        "snoozed": Q(due_on__gt=today, snoozed_at__isnull=False),
    }


def _asked_for(wanted: Wanted, member: Member) -> ReminderQuerySet:
    rows = visible_to(member).open().defer("dismissed_reason")
    named = {f"{name}_id": value for name, value in wanted.query.items()}
    return rows.filter(**named)


def _with_group(rows: ReminderQuerySet, today: date, *, is_about_one: bool) -> ReminderQuerySet:
    """`is_late`: put off, so behind all else; `about`: with whom it is one group."""
    alone = Concat(Value("r"), Cast("pk", CharField()))
    provider = When(provider__isnull=False, then=Concat(Value("p"), Cast("provider_id", CharField())))
    office = When(office__isnull=False, then=Concat(Value("o"), Cast("office_id", CharField())))
    grouped = [] if is_about_one else [provider, office]
    return rows.annotate(
        is_late=Case(When(parts_on(today)["snoozed"], then=Value(1)), default=Value(0)),
        about=Case(*grouped, default=alone) if grouped else alone,
    )


def _groups(rows: ReminderQuerySet) -> QuerySet:
    found = rows.order_by().values("is_late", "about")
    return found.annotate(first_on=Min("due_on"), n=Count("pk")).order_by("is_late", "first_on", "about")


def _key(group: dict[str, Any]) -> tuple[Any, ...]:
    return group["is_late"], group["first_on"], group["about"]


def _after(groups: QuerySet, key: list[str]) -> QuerySet:
    late, on, about = int(key[0]), date.fromisoformat(key[1]), key[2]
    if late not in (0, 1) or not re.fullmatch(r"[por][0-9]{1,18}", about):
        raise ValueError(key)
    same_day = Q(is_late=late, first_on=on, about__gt=about)
    return groups.filter(Q(is_late__gt=late) | Q(is_late=late, first_on__gt=on) | same_day)


def _filled(
    request: HttpRequest,
    found: Iterable[dict[str, Any]],
    rows: ReminderQuerySet,
    member: Member,
    *,
    today: date,
) -> list[Group]:
    """The groups with their first lines, all read at once."""
    counts = {(group["is_late"], group["about"]): group["n"] for group in found}
    place = Window(RowNumber(), partition_by=[F("is_late"), F("about")], order_by=["due_on", "pk"])
    listed = rows.filter(_is_about({about for _late, about in counts})).annotate(place=place)
    by_key: dict[tuple[int, str], list[Any]] = {key: [] for key in counts}
    for row in listed.filter(place__lte=LINES).order_by("due_on", "pk"):
        by_key.get((row.is_late, row.about), []).append(row)
    return [
        Group(
            count=counts[key],
            lines=lines_of(of_group, member, today=today),
            tell=tell_together(of_group, member),
            rest_url=_rest_url(request, of_group[0]),
        )
        for key, of_group in by_key.items()
        if of_group  # closed between the two queries
    ]


def _is_about(abouts: Iterable[str]) -> Q:
    """The rows of these groups; by their own keys, which indexes know, and not by the text made of them."""
    ids: dict[str, set[int]] = {"provider": set(), "office": set(), "pk": set()}
    for about in abouts:
        ids[{"p": "provider", "o": "office", "r": "pk"}[about[0]]].add(int(about[1:]))
    wanted = [Q(**{f"{name}__in": of_kind}) for name, of_kind in ids.items() if of_kind]
    return Q(*wanted, _connector=Q.OR) if wanted else Q(pk=None)


def _named(row: Reminder) -> tuple[str, int | None]:
    """What it is about, as an address says it."""
    return ("provider", row.provider_id) if row.provider_id else ("office", row.office_id)


def _rest_url(request: HttpRequest, row: Reminder) -> str:
    name, pk = _named(row)
    return query_with(request, **{name: str(pk)}, after=None, chosen=None)


def _in_parts(groups: Iterable[Group]) -> list[dict[str, Any]]:
    groups = list(groups)
    parts = [
        {"id": part, "label": label, "groups": [group for group in groups if group.part == part]}
        for part, label in PARTS.items()
    ]
    return [part for part in parts if part["groups"]]


def tabs_on(query: QueryDict, member: Member, *, today: date) -> list[Tab]:
    """All that the address asks for, or one part of it, with how many stand there."""
    wanted, labels = wanted_of(query, member), {"": gettext_lazy("All"), **PARTS}
    rows, parts = _asked_for(wanted, member).order_by(), parts_on(today)
    counts = rows.aggregate(**{name: Count("pk", filter=where) for name, where in parts.items()})
    counted = {"": sum(counts.values()), **counts}
    kept = {name: value for name, value in query.dict().items() if name not in ("part", "after", "chosen")}
    urls = {part: "?" + urlencode({**kept, **({"part": part} if part else {})}) for part in labels}
    return [Tab(label, counted[part], urls[part], wanted.part == part) for part, label in labels.items()]
