"""What the rules of the reminders are asked with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import TruncDate

from contacts.models import Provider, ProviderOffice
from contacts.standing import Rhythm, providers_with_rhythm
from practices.business_days import add_business_days, shift_business_days
from practices.models import Member, Practice
from touchpoints.models import Reminder

AHEAD = timedelta(days=14)  # how long before its day a reminder is made


@dataclass(frozen=True)
class About:
    """The providers, referrals and thank-you lists that an act was about."""

    providers: frozenset[int] = frozenset()
    referrals: frozenset[int] = frozenset()
    lists: frozenset[int] = frozenset()

    @classmethod
    def of(cls, **ids: Iterable[int | None]) -> "About":
        """These ids, by kind; None is nobody's."""
        return cls(**{kind: frozenset(pk for pk in found if pk) for kind, found in ids.items()})

    def __or__(self, other: "About") -> "About":
        return About(
            self.providers | other.providers, self.referrals | other.referrals, self.lists | other.lists
        )

    @property
    def reminders(self) -> Q:
        """The reminders about any of them."""
        return self.rows(providers="provider", referrals="referral", lists="thank_you_list")

    def rows(self, **columns: str) -> Q:
        """The rows about any of them, by the columns that hold each kind."""
        found = {f"{column}__in": getattr(self, kind) for kind, column in columns.items()}
        return Q(**found, _connector=Q.OR)


class Round:
    """One time the rules are asked: the practice, the moment, who is there. What several rules read is read once.

    `about` narrows it to what an act was about, for the rules that read many rows; the others find all they find.
    """

    def __init__(self, practice: Practice, now: datetime, *, about: About | None = None) -> None:
        self.practice, self.now, self.about = practice, now, about
        self._of_family: dict[str, dict[int, str]] = {}

    def rows(self, **columns: str) -> Q:
        """Narrows rows to what the round is about: the columns that hold the `providers`, `referrals`, `lists`."""
        return self.about.rows(**columns) if self.about else Q()

    @cached_property
    def today(self) -> date:
        return self.practice.today(self.now)

    @cached_property
    def roles(self) -> dict[int, str]:
        """The role of each member who is there, in the order in which they came."""
        return dict(Member.objects.active().order_by("pk").values_list("pk", "role"))

    def providers(self) -> QuerySet[Provider]:
        """The active ones, with what their names are made of, and whose they are."""
        main = ProviderOffice.objects.filter(provider=OuterRef("pk"), is_main=True)
        found = Provider.objects.active().annotate(
            office_liaison_id=Subquery(main.values("office__liaison_id")[:1])
        )
        return found.filter(self.rows(providers="pk")).only(
            "family_name", "given_name", "credentials", "tier", "liaison_id", "created_at"
        )

    def name_of(self, provider: Any) -> str:
        """As short as tells them apart: "Dr. Okafor", "Dr. Amara Okafor", "Dr. Amara Okafor (Lakeside)"."""
        names = self._names_of_family(provider.family_name) if self.about else self._names
        return names.get(provider.pk) or provider.short_name

    @cached_property
    def _names(self) -> dict[int, str]:
        """What to call each of those whose family name somebody else has, too."""
        return self._told_apart(Provider.objects.active())

    def _names_of_family(self, family_name: str) -> dict[int, str]:
        """The same of one family name: an act is about few providers, and need not read all of the practice."""
        if family_name not in self._of_family:
            found = Provider.objects.active().filter(family_name=family_name)
            self._of_family[family_name] = self._told_apart(found)
        return self._of_family[family_name]

    def _told_apart(self, providers: QuerySet[Provider]) -> dict[int, str]:
        main = ProviderOffice.objects.filter(provider=OuterRef("pk"), is_main=True)
        found = providers.annotate(
            alike=Window(Count("pk"), partition_by=[F("family_name")]),
            office_name=Subquery(main.values("office__name")[:1]),
        )
        alike = list(found.filter(alike__gt=1).only("family_name", "given_name", "credentials"))
        short, full = (Counter((row.family_name, name(row)) for row in alike) for name in (_short, _full))
        return {
            row.pk: _full_name(row, is_alone=full[row.family_name, _full(row)] == 1)
            for row in alike
            if short[row.family_name, _short(row)] > 1
        }

    def said_done(self, rule: str) -> dict[int, date]:
        """When somebody last said, of each provider, that this rule's reminder was done; days in UTC."""
        rows = Reminder.objects.filter(self.rows(providers="provider"), rule=rule, state=Reminder.State.DONE)
        found = rows.order_by().values("provider").annotate(on=Max(TruncDate("closed_at", tzinfo=UTC)))
        return dict(found.values_list("provider", "on"))

    @cached_property
    def referrers(self) -> list[tuple[Any, Rhythm]]:
        """The active providers who have ever referred, each with their rhythm."""
        found = providers_with_rhythm(self.providers(), self.today)
        return [(provider, rhythm) for provider, rhythm in found if rhythm.first_ever_on]


def _short(provider: Provider) -> str:
    return provider.short_name


def _full(provider: Provider) -> str:
    title = "Dr." if provider.has_doctorate else ""
    return " ".join(filter(None, [title, provider.given_name, provider.family_name]))


def _full_name(provider: Any, *, is_alone: bool) -> str:
    """With the office where a name alone does not tell whom."""
    name = _full(provider)
    return name if is_alone or not provider.office_name else f"{name} ({provider.office_name})"


@dataclass(frozen=True)
class Asked:
    """One rule is asked: the round, the practice's numbers for it, and to whom things fall."""

    round: Round
    numbers: Mapping[str, int]
    owner_id: int | None
    owners: tuple[str, ...]

    @property
    def practice(self) -> Practice:
        return self.round.practice

    @property
    def today(self) -> date:
        return self.round.today

    @property
    def last_day(self) -> date:
        """Up to this day reminders are made ahead."""
        return self.today + AHEAD

    @property
    def horizon(self) -> datetime:
        """The moment at which that day is over."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), self.practice.zone)

    def after(self, day: date, count: int) -> date:
        """So many of the practice's business days after that day."""
        return add_business_days(day, count, self.practice.state)

    def shifted(self, day: date, count: int) -> date:
        """So many of them later, or earlier."""
        return shift_business_days(day, count, self.practice.state)

    def falls_to(self, *wanted: int | None) -> int | None:
        """The first of these members who is still there, or else the one whom nobody's things fall to."""
        there = self.round.roles
        return next((pk for pk in wanted if pk in there), self.of_nobody)

    def name_of(self, provider: Any) -> str:
        """What a sentence calls them, so that nobody takes them for another."""
        return self.round.name_of(provider)

    def falls_to_liaison(self, provider: Any) -> int | None:
        """The provider's own liaison, or that of the main office."""
        return self.falls_to(provider.liaison_id, provider.office_liaison_id)

    @cached_property
    def of_nobody(self) -> int | None:
        """Who has what nobody has by themselves."""
        there = self.round.roles
        if self.owner_id in there:
            return self.owner_id
        ranked = (pk for role in self.owners for pk, theirs in there.items() if theirs == role)
        return next(ranked, next(iter(there), None))


def spread(pk: int, days: int) -> timedelta:
    """One day to `days`, evenly over the providers and always the same for one (Fibonacci hashing)."""
    return timedelta(days=1 + (pk * 2_654_435_769 % 2**32 * days >> 32))
