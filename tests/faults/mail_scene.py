"""Makes members for whom something is due: `python -m tests.faults.mail_scene PRACTICES MEMBERS`. Prints their
addresses, as JSON."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

import django


def main(practices: int, members: int) -> None:
    from practices.encryption import verify_keys

    verify_keys()
    now = datetime.now(UTC)
    print(json.dumps([address for number in range(practices) for address in _practice(number, members, now)]))


def _practice(number: int, members: int, now: datetime) -> list[str]:
    from practices.isolation import practice_scope
    from practices.roles import Role
    from tests import make
    from touchpoints.touchpoint_log import log_call

    practice = make.practice(f"Practice {number}", time_zone=_where_it_is_noon(now))
    people = [
        make.member(Role.COORDINATOR, practice, email=f"somebody{number}x{one}@example.test", digest_hour=0)
        for one in range(members)
    ]
    with practice_scope(practice):
        for member in people:
            log_call(outcome="voicemail", provider=make.provider(), by=member, now=now - timedelta(days=5))
    return [member.user.email for member in people]


def _where_it_is_noon(now: datetime) -> str:
    """No midnight, and so no second digest, comes while the test runs."""
    return f"Etc/GMT{now.astimezone(UTC).hour - 12:+d}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]))
