"""Makes the scene of the fault tests in a migrated database: `python -m tests.faults.scene PRACTICES WEEKS`.

Prints, as JSON, what the lists must become, worked out here from the story and not by the product's rules: for each
practice a mapping of "week/physician/provider" to the referrals of that row. Besides: whose imports wait to be
written, of how many rows, and the desks at which referrals come in.
"""

import json
import os
import random
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import django

ZONES = ["America/New_York", "America/Los_Angeles", "Europe/London", "Pacific/Auckland", "Asia/Kolkata"]
DESKS = 2
ROWS = 40


def main(practices: int, weeks: int) -> None:
    from practices.encryption import verify_keys

    verify_keys()
    now = datetime.now(UTC)
    chance = random.Random(practices)
    scene: dict[str, Any] = {"lists": {}, "desks": [], "rows": ROWS}
    for number in range(practices):
        practice, coordinator, rows = _practice(number, weeks, now, chance)
        scene["lists"][str(practice.pk)] = rows
        if number < DESKS:
            scene["desks"].append(_desk(practice, coordinator, now))
    print(json.dumps(scene))


def _practice(number: int, weeks: int, now: datetime, chance: random.Random) -> tuple[Any, Any, dict]:
    from practices.isolation import practice_scope
    from practices.roles import Role
    from tests import make

    zone = ZONES[number % len(ZONES)] if number >= DESKS else where_it_is_noon(now)
    # Two Mondays back from the list that is surely due in every zone, and some history before.
    today = now.date()
    first = today - timedelta(days=today.weekday() + 7 * (weeks + 1))
    practice = make.practice(
        f"Practice {number}", time_zone=zone, starts_on=first, list_weekday=0, list_hour=6
    )
    physicians = [make.member(Role.PHYSICIAN, practice) for _ in range(2)]
    coordinator = make.member(Role.COORDINATOR, practice)
    rows: dict[str, list[int]] = {}
    with practice_scope(practice):
        providers = [make.provider() for _ in range(4)]
        for day_number in range(-7, 7 * weeks):
            day = first + timedelta(days=day_number)
            physician, provider = chance.choice(physicians), chance.choice(providers)
            referral = make.referral(
                coordinator, now=now, received_on=day, physician=physician, provider=provider
            )
            if day >= first:
                rows.setdefault(_key(day, physician.pk, provider.pk), []).append(referral.pk)
    _import(make.member(Role.MANAGER, practice), day=first - timedelta(days=30), now=now)
    return practice, coordinator, rows


def where_it_is_noon(now: datetime) -> str:
    """No midnight comes there while a test runs, nor when it moves the clock."""
    return f"Etc/GMT{now.astimezone(UTC).hour - 12:+d}"


def _key(day: date, physician: int, provider: int) -> str:
    monday = day - timedelta(days=day.weekday())
    return f"{monday}/{physician}/{provider}"


def _import(manager: Any, *, day: date, now: datetime) -> None:
    """A file of history that nobody took up yet: it waits for a worker, and the tick sends one."""
    from exchange.models import Import
    from exchange.reviewing import accept_suggestions
    from practices.isolation import practice_scope
    from tests.exchange import bring

    lines = [
        bring.line(number, day=f"{day:%m/%d/%Y}", patient=f"PATIENT{number}, IDA") for number in range(ROWS)
    ]
    source = bring.checked(bring.HEADER + "".join(lines), by=manager, now=now)
    with practice_scope(manager.practice):
        accept_suggestions(source)
        source.enter(Import.State.WRITING, now=now - timedelta(minutes=3))


def _desk(practice: Any, coordinator: Any, now: datetime) -> dict[str, Any]:
    from practices.isolation import practice_scope
    from tests import make

    with practice_scope(practice):
        provider = make.provider()
    email = coordinator.user.email
    return {
        "email": email,
        "password": make.PASSWORD,
        "provider": {"provider": provider.pk, "provider_text": str(provider)},
        "today": practice.today(now).isoformat(),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]))
