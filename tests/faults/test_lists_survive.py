"""Worker kills, two beats, broker kills and redelivery: each list once, each referral on one list, none missing."""

import json
import random
import time
from collections import defaultdict

import pytest

from tests.counts import examples
from tests.faults.stack import Stack, running_stack

PRACTICES = 50
WEEKS = 3
WORKER_KILLS = examples(8, full=22)
BROKER_KILLS = examples(2, full=3)

MADE = """
    SELECT l.practice_id, l.week_starts_on, l.physician_id, y.provider_id, k.referral_id
    FROM touchpoints_thankyoulist l
    LEFT JOIN touchpoints_thankyou y ON y.list_id = l.id
    LEFT JOIN touchpoints_thankyoureferral k ON k.thank_you_id = y.id
"""


@pytest.mark.faults
def test_each_list_once_and_each_referral_on_one_list_whatever_is_killed(tmp_path):
    with running_stack(tmp_path) as stack:
        expected = json.loads(stack.run("-m", "tests.faults.scene", str(PRACTICES), str(WEEKS)))
        for name in ("beat-one", "beat-two"):
            stack.start_beat(name)
        for name in ("worker-one", "worker-two"):
            stack.start_worker(name)
        lists = {(pk, *key.split("/")[:2]) for pk, rows in expected.items() for key in rows}
        seen_at_kills = _make_trouble(stack, total=len(lists))
        _wait_until_all_is_made(stack, expected)
        stack.run("-c", REDELIVER)
        time.sleep(5)
        assert _made(stack) == expected
        duplicates = "SELECT referral_id FROM touchpoints_thankyoureferral GROUP BY 1 HAVING count(*) > 1"
        assert stack.rows(duplicates) == []
        lists = stack.rows("SELECT count(*) FROM touchpoints_thankyoulist")[0][0]
        assert sum(0 < seen < lists for seen in seen_at_kills) >= 2, (
            f"killed too late to matter: {seen_at_kills}"
        )


# The same message again, as a broker that lost the acknowledgement delivers it.
REDELIVER = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "referralcrm.settings"
django.setup()
from referralcrm.tasks import tick
for _ in range(3):
    tick.apply_async(task_id="the-same-message")
"""


def _make_trouble(stack: Stack, *, total: int) -> list[int]:
    """Kill workers as soon as they get anywhere, and the broker between; how many lists stood at each kill."""
    chance = random.Random(47)
    broker_at = set(chance.sample(range(WORKER_KILLS), BROKER_KILLS))
    seen = [0]
    for number in range(WORKER_KILLS):
        if (lists := _wait_for_progress(stack, since=seen[-1])) == total:
            break
        seen.append(lists)
        time.sleep(chance.uniform(0, 0.1))
        for name in ("worker-one", "worker-two"):
            stack.kill(name)
        if number in broker_at:
            stack.kill_broker(and_forget=number % 2 == 0)
        for name in ("worker-one", "worker-two"):
            stack.start_worker(name)
    return seen


def _wait_for_progress(stack: Stack, *, since: int) -> int:
    deadline = time.monotonic() + 60
    while (lists := _lists(stack)) == since and time.monotonic() < deadline:
        time.sleep(0.02)
    return lists


def _lists(stack: Stack) -> int:
    return stack.rows("SELECT count(*) FROM touchpoints_thankyoulist")[0][0]


def _wait_until_all_is_made(stack: Stack, expected: dict) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and _made(stack) != expected:
        time.sleep(1)


def _made(stack: Stack) -> dict[str, dict[str, list[int]]]:
    made: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for practice, monday, physician, provider, referral in stack.rows(MADE):
        made[str(practice)].setdefault(f"{monday}/{physician}/{provider}", []).append(referral)
    return {practice: {key: sorted(ids) for key, ids in rows.items()} for practice, rows in made.items()}
