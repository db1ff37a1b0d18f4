"""The installation that is measured: grown with the product's own seeder, signed in to as the product does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connections
from django.db.models import Count
from django.test import Client
from django.utils import timezone
from production import bring_to_rest

from contacts.models import Provider
from insights.counting import count_figures
from practices.isolation import practice_scope
from practices.models import Member, Practice
from practices.roles import Role
from referralcrm.seeding.days import last_morning
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of

MAIN, EMPTY, ALONE = "referralcrm", "bench_empty", "bench_alone"


@dataclass
class Installation:
    """All practices there are, and how many referrals they hold."""

    referrals: int = 0
    seedings: int = 0
    practices: list[Practice] = field(default_factory=list)

    def grow(self, *, practice: int, total: int, other: int) -> Practice:
        """Add one practice of that size, then others until there are so many referrals; returns the one."""
        (made,) = self._seed([practice])
        rest = total - self.referrals
        if rest > 0:
            self._seed([rest // max(1, rest // other)] * max(1, rest // other))
        connections.close_all()
        bring_to_rest(MAIN)
        return made

    def _seed(self, sizes: Sequence[int]) -> list[Practice]:
        self.seedings += 1
        plans = plans_of(practices=len(sizes), referrals=sum(sizes))
        made = seed(plans, seed_number=self.seedings, until=last_morning(timezone.now()))
        self.referrals += sum(sizes)
        self.practices += made
        count_all(made)
        return made


def count_all(practices: Sequence[Practice]) -> None:
    """The figures kept ahead, as the tick brings them up to date."""
    for practice in practices:
        with practice_scope(practice):
            count_figures(now=timezone.now())


@dataclass(frozen=True)
class Seat:
    """A member of the measured practice, signed in."""

    member: Member
    session: str


def sign_in(practice: Practice, role: Role) -> Seat:
    """The first member of a role, with a session of the product's own making."""
    with practice_scope(practice):
        member = Member.objects.filter(role=role).select_related("user").order_by("pk")[0]
    client = Client(headers={"host": "localhost"})
    client.force_login(member.user)
    return Seat(member, client.cookies[settings.SESSION_COOKIE_NAME].value)


def busiest_provider(practice: Practice) -> Provider:
    """Who sent most: nobody's page has more behind it."""
    with practice_scope(practice):
        return (
            Provider.objects.active()
            .filter(merged_into=None)
            .alias(count=Count("referrals"))
            .order_by("-count", "pk")[0]
        )


def misspelt(name: str) -> str:
    """Two letters exchanged, as one types in a hurry."""
    middle = len(name) // 2
    return name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]
