"""kill -9 of web, worker, beat, PostgreSQL and Valkey, at random and under load: nothing lost, nothing twice."""

import json
import random
import time

import pytest

from tests.counts import examples
from tests.faults.at_work import REDELIVER, AtWork, practices_at_work
from tests.faults.scene import DESKS
from tests.faults.stack import SERVERS

KILLS = examples(5, full=50)
SHARE = 5  # practices whose lists fall due just before each kill: the worker's processes make two at once
PRACTICES = DESKS + KILLS * SHARE
WEEKS = 3
LATEST = 0.4  # of a share's rows are made when something is killed, at most; at times, none
SENDERS = 2  # processes of the worker: each may hold one letter that the server took when something is killed
VICTIMS = ("web", "worker", "beat-one", *SERVERS)


@pytest.mark.faults
def test_nothing_acknowledged_is_lost_and_nothing_is_made_twice_whatever_is_killed(
    tmp_path, migrated, static_files
):
    began = time.monotonic()
    files = {"copy_of": migrated, "static_files": static_files}
    scene = {"practices": PRACTICES, "weeks": WEEKS, "held_back": KILLS * SHARE}
    with practices_at_work(tmp_path, **files, **scene) as at_work:
        unfinished_at_kills = _kill_at_random(at_work)
        at_work.wait_until_all_is_done()
        at_work.stack.run("-c", REDELIVER)
        time.sleep(3)
        at_work.assert_nothing_is_lost_or_twice(letters_twice=KILLS * SENDERS)
        assert at_work.stack.fell == at_work.stack.came_to_no_database()  # but for what was killed
    assert sum(unfinished_at_kills) >= KILLS / 3, f"killed too late to matter: {unfinished_at_kills}"
    print(
        json.dumps(
            {
                "unfinished": unfinished_at_kills,
                "kills": KILLS,
                **at_work.figures(),
                "seconds": round(time.monotonic() - began),
            }
        )
    )


def _kill_at_random(at_work: AtWork) -> list[bool]:
    """Each as often as the others, in any order; whether lists or reminders were left to be made at each kill."""
    chance = random.Random(47)
    shares = [at_work.held_back[n : n + SHARE] for n in range(0, KILLS * SHARE, SHARE)]
    victims = [name for _ in range(KILLS // len(VICTIMS)) for name in chance.sample(VICTIMS, len(VICTIMS))]
    unfinished = []
    for name, share in zip(victims, shares, strict=True):
        at_work.wait_for_acknowledgements()
        to_thank = at_work.count_to_thank(share)
        at_work.let_begin(share)
        at_work.wait_until_thanked(share, int(chance.uniform(0, LATEST) * to_thank))
        if name == "Valkey" and chance.random() < 0.5:
            at_work.stack.redis().flushall()  # a broker may also come back having forgotten everything
        unfinished.append(at_work.count_thanked(share) < to_thank or not at_work.is_reminded())
        at_work.stack.kill(name)
        at_work.stack.start_again(name)
    return unfinished
