"""Makes the scene of the fault tests in a migrated database: `python -m tests.faults.scene PRACTICES WEEKS`.

Prints, as JSON, what the lists must become, worked out here from the story and not by the product's rules:
for each practice a mapping of "week/physician/provider" to the referrals of that row.
"""

import json
import os
import random
import sys
from datetime import UTC, date, datetime, timedelta

import django

ZONES = ["America/New_York", "America/Los_Angeles", "Europe/London", "Pacific/Auckland", "Asia/Kolkata"]


def main(practices: int, weeks: int) -> None:
    from practices.encryption import verify_keys

    verify_keys()
    now = datetime.now(UTC)
    chance = random.Random(practices)
    expected = {str(pk): rows for pk, rows in (_practice(n, weeks, now, chance) for n in range(practices))}
    print(json.dumps(expected))


def _practice(
    number: int, weeks: int, now: datetime, chance: random.Random
) -> tuple[int, dict[str, list[int]]]:
    from practices.isolation import practice_scope
    from practices.roles import Role
    from tests import make

    zone = ZONES[number % len(ZONES)]
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
    return practice.pk, rows


def _key(day: date, physician: int, provider: int) -> str:
    monday = day - timedelta(days=day.weekday())
    return f"{monday}/{physician}/{provider}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]))
