"""Our side of an invented practice: the practice, its locations, its members and their users."""

from dataclasses import dataclass
from functools import cache
from random import Random

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password

from practices.demo_sign_in import DEMO_DOMAIN
from practices.models import Location, Member, Practice, User
from practices.roles import Role
from referralcrm.seeding.days import ZONE, Days
from referralcrm.seeding.loading import load_instances, reserve_ids
from referralcrm.seeding.plans import Plan
from referralcrm.seeding.words import AREA_CODES, CLINICIAN_NAMES, GIVEN_NAMES, PLACES, STATE, STREETS

DEMO_PASSWORD = "referral-demo"  # noqa: S105  # printed for everybody; signs in on the demo's own machine alone
# One salt makes one hash, the same every time. It guards nothing: the password is public.
SALT = "referralcrmdemo0"
NO_PASSWORD = UNUSABLE_PASSWORD_PREFIX + "seeded"


@dataclass(frozen=True)
class Staff:
    """Who sits in the practice, and where."""

    manager: Member
    coordinator: Member
    liaison: Member
    physicians: list[Member]
    locations: list[Location]


def make_practice(plan: Plan, days: Days) -> Practice:
    """The practice alone; its rows are written inside its scope."""
    return Practice.objects.create(name=plan.name, time_zone=ZONE.key, starts_on=days.starts_on)


def make_staff(plan: Plan, practice: Practice, days: Days, rng: Random) -> Staff:
    """Members with users and locations. The first of each role signs in with the demo's password."""
    domain = plan.domain or f"practice-{practice.pk}.{DEMO_DOMAIN}"
    roles = [Role.MANAGER, Role.COORDINATOR, Role.LIAISON, *[Role.PHYSICIAN] * plan.physicians]
    emails = [f"{role.value}@{domain}" for role in roles[:4]]
    emails += [f"physician{number}@{domain}" for number in range(2, plan.physicians + 1)]
    emails[0] = plan.manager_email or emails[0]
    users = [
        User(
            pk=pk,
            email=email,
            name=f"{rng.choice(GIVEN_NAMES)} {rng.choice(CLINICIAN_NAMES)}",
            password=_demo_password() if place < 4 else NO_PASSWORD,
            joined_at=days.moment(days.starts_on, 0),
        )
        for place, (pk, email) in enumerate(zip(reserve_ids(User, len(emails)), emails, strict=True))
    ]
    members = [
        Member(
            pk=pk,
            practice=practice,
            user=user,
            role=role,
            credentials=rng.choice(["MD", "MD", "DO"]) if role == Role.PHYSICIAN else "",
            joined_at=user.joined_at,
        )
        for pk, user, role in zip(reserve_ids(Member, len(users)), users, roles, strict=True)
    ]
    locations = _locations(plan, practice, rng)
    load_instances(User, users)
    load_instances(Member, members)
    load_instances(Location, locations)
    return Staff(members[0], members[1], members[2], members[3:], locations)


@cache
def _demo_password() -> str:
    return make_password(DEMO_PASSWORD, salt=SALT)  # slow on purpose, so once


def _locations(plan: Plan, practice: Practice, rng: Random) -> list[Location]:
    names = ("Main Office", "Waterfront Clinic", "North Clinic")
    made = []
    for place, pk in enumerate(reserve_ids(Location, plan.locations)):
        city, zip_code = PLACES[place % len(PLACES)]
        name = names[place] if place < len(names) else f"{city} Clinic {place + 1}"
        made.append(
            Location(
                pk=pk,
                practice=practice,
                name=name,
                street=street(rng),
                city=city,
                state=STATE,
                zip_code=zip_code,
                phone=phone(rng),
            )
        )
    return made


def street(rng: Random) -> str:
    return f"{rng.randint(1, 240)} {rng.choice(STREETS)}"


def phone(rng: Random) -> str:
    """555-0100 to 555-0199 are kept for invented people in every area code."""
    return f"{rng.choice(AREA_CODES)}-555-01{rng.randint(0, 99):02d}"
