"""Practices at work on real servers: coordinators log over HTTP, lists, imports and digests wait for the worker.

And what must be true afterwards, whatever was done to the machine meanwhile (docs/reliability.md).
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.coordinators import Coordinator, Desk
from tests.faults.stack import Stack, running_stack
from tests.practices.smtp_server import Postbox, free_port, smtp_server

MADE = """
    SELECT l.practice_id, l.week_starts_on, l.physician_id, y.provider_id, k.referral_id
    FROM touchpoints_thankyoulist l
    LEFT JOIN touchpoints_thankyou y ON y.list_id = l.id
    LEFT JOIN touchpoints_thankyoureferral k ON k.thank_you_id = y.id
"""
ON_TWO_LISTS = "SELECT referral_id FROM touchpoints_thankyoureferral GROUP BY 1 HAVING count(*) > 1"
# Whom to contact, or to find an appointment for: one open reminder for each.
NOT_REMINDED_ONCE = """
    SELECT r.id, count(m.id) FROM contacts_referral r
    JOIN practices_practice p ON p.id = r.practice_id
    LEFT JOIN touchpoints_reminder m
           ON m.practice_id = r.practice_id AND m.referral_id = r.id AND m.state = 'open'
    WHERE r.received_on >= p.starts_on AND r.status IN ('received', 'contacted')
    GROUP BY r.id HAVING count(m.id) <> 1
"""
UNFINISHED_IMPORTS = "SELECT count(*) FROM exchange_import WHERE state <> 'done'"
# What the files bring is older than anything else of the scene.
BROUGHT_OTHER_THAN = """
    SELECT p.id, count(r.id) FROM practices_practice p
    LEFT JOIN contacts_referral r ON r.practice_id = p.id AND r.received_on < p.starts_on - 20
    GROUP BY p.id HAVING count(r.id) <> {rows}
"""
UNSENT = "SELECT count(*) FROM practices_outboxenvelope WHERE state <> 'sent'"
DIGESTS_TWICE = """
    SELECT e.recipient FROM practices_outboxenvelope e JOIN practices_practice p ON p.id = e.practice_id
    GROUP BY e.recipient, (e.created_at AT TIME ZONE p.time_zone)::date HAVING count(*) > 1
"""
# What minutes do to a lease, to a letter put back, and to an import that nobody took up.
TIME_PASSES = """
    UPDATE practices_outboxenvelope SET leased_until = now() - interval '2 hours' WHERE state = 'sending';
    UPDATE practices_outboxenvelope SET next_try_at = now() - interval '2 hours' WHERE state = 'waiting';
    UPDATE exchange_import SET state_since = now() - interval '2 hours' WHERE state = 'writing'
"""
THANKED_FOR_SO_MANY = "SELECT count(*) FROM touchpoints_thankyou WHERE practice_id IN ({practices})"
# A practice that has not begun has nothing to be made; on its own day everything falls due at once.
NOT_BEGUN = timedelta(days=3650)
MOVE_THE_BEGINNING = "UPDATE practices_practice SET starts_on = starts_on + {days} WHERE id IN ({practices})"
# The same message again, as a broker that lost the acknowledgement delivers it.
REDELIVER = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "referralcrm.settings"
django.setup()
from referralcrm.tasks import tick
for _ in range(3):
    tick.apply_async(task_id="the-same-message")
"""


@dataclass
class AtWork:
    """The servers, who is at work on them, and what was sent."""

    stack: Stack
    scene: dict[str, Any]
    people: list[Coordinator]
    postbox: Postbox
    held_back: list[str] = field(
        default_factory=list
    )  # practices in which nothing falls due until they are let begin

    def count_acknowledged(self) -> int:
        return sum(len(one.logged) + len(one.stepped) for one in self.people)

    def wait_for_acknowledgements(self, count: int = 2, *, seconds: float = 60) -> None:
        """Until everybody at work was told of so many more referrals that they are kept."""
        before = [len(one.logged) for one in self.people]
        self._wait_until(
            lambda: all(len(one.logged) >= n + count for one, n in zip(self.people, before, strict=True)),
            seconds,
            lambda: f"answers: {[one.answers for one in self.people]}",
        )

    def let_begin(self, practices: Collection[str]) -> None:
        """Everything that was held back in these falls due, at the next tick."""
        _move_the_beginning(self.stack, practices, -NOT_BEGUN)

    def count_to_thank(self, practices: Collection[str]) -> int:
        """How many rows the lists of these practices must have in the end."""
        return sum(len(self.scene["lists"][one]) for one in practices)

    def count_thanked(self, practices: Collection[str]) -> int:
        """How many of them are made."""
        sql = THANKED_FOR_SO_MANY.format(practices=", ".join(practices))
        return self.stack.rows(sql)[0][0]

    def wait_until_thanked(self, practices: Collection[str], count: int, *, seconds: float = 60) -> None:
        """Until so many rows of their lists are made."""
        self._wait_until(
            lambda: self.count_thanked(practices) >= count,
            seconds,
            lambda: f"{self.count_thanked(practices)} of {count} rows were made",
        )

    def wait_until_the_worker_makes_something(self, *, seconds: float = 60) -> None:
        """Until there is a thank-you or a reminder more."""
        before = self._count_made()
        self._wait_until(lambda: self._count_made() > before, seconds, lambda: "nothing new was made")

    def _count_made(self) -> int:
        thank_yous = "SELECT count(*) FROM touchpoints_thankyou"
        return self.stack.rows(f"SELECT ({thank_yous}) + count(*) FROM touchpoints_reminder")[0][0]

    def wait_until_all_is_done(self, *, seconds: float = 240) -> None:
        def is_done() -> bool:
            self.stack.change(TIME_PASSES)
            time.sleep(1)
            return self.is_done()

        for one in self.people:
            one.stop()
        self._wait_until(is_done, seconds, self.what_is_wanting)

    def _wait_until(self, is_so: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
        def looked_after() -> bool:
            self.stack.look_after()
            return is_so()

        wait_until(looked_after, seconds, otherwise)

    def is_reminded(self) -> bool:
        """Whether no reminder is wanting where it is due."""
        return self.stack.rows(NOT_REMINDED_ONCE) == []

    def is_done(self) -> bool:
        """Whether no import, reminder, letter or list is wanting."""
        return (
            self.stack.rows(UNFINISHED_IMPORTS)[0][0] == 0
            and self.is_reminded()
            and self.stack.rows(UNSENT)[0][0] == 0
            and self.lists() == self.scene["lists"]
        )

    def what_is_wanting(self) -> str:
        imports, letters = self.stack.rows(UNFINISHED_IMPORTS)[0][0], self.stack.rows(UNSENT)[0][0]
        reminders = self.stack.rows(NOT_REMINDED_ONCE)[:5]
        lists = "all" if self.lists() == self.scene["lists"] else "not all"
        return f"{imports} imports, {letters} letters, reminders of {reminders}; {lists} lists are made"

    def lists(self) -> dict[str, dict[str, list[int]]]:
        """For each practice, "week/physician/provider" and the referrals of that row."""
        made: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for practice, monday, physician, provider, referral in self.stack.rows(MADE):
            made[str(practice)].setdefault(f"{monday}/{physician}/{provider}", []).append(referral)
        return {practice: {key: sorted(ids) for key, ids in rows.items()} for practice, rows in made.items()}

    def assert_nothing_is_lost_or_twice(self, *, letters_twice: int) -> None:
        self.assert_what_was_acknowledged_is_there()
        assert self.lists() == self.scene["lists"]
        assert self.stack.rows(ON_TWO_LISTS) == []
        assert self.stack.rows(NOT_REMINDED_ONCE) == []
        assert self.stack.rows("SELECT DISTINCT state, added FROM exchange_import") == [
            ("done", self.scene["rows"])
        ]
        assert self.stack.rows(BROUGHT_OTHER_THAN.format(rows=self.scene["rows"])) == []
        assert self.stack.rows(DIGESTS_TWICE) == []
        letters = {one for (one,) in self.stack.rows("SELECT message_id FROM practices_outboxenvelope")}
        assert set(self.postbox.times_received) == letters
        assert len(self.postbox.messages) - len(letters) <= letters_twice

    def assert_what_was_acknowledged_is_there(self) -> None:
        """Each acknowledged act once, each that was not at most once."""
        keys = "SELECT submission_key::text, id FROM contacts_referral WHERE submission_key IS NOT NULL"
        kept = dict(self.stack.rows(keys))
        steps = self.stack.rows("SELECT referral_id FROM contacts_referralstep WHERE act = 'contacted'")
        contacted = Counter(number for (number,) in steps)
        for one in self.people:
            assert {key: kept.get(key) for key in one.logged} == one.logged
            assert one.stepped <= contacted.keys()
        assert kept.keys() <= set().union(*(one.tried for one in self.people))
        assert set(contacted.values()) <= {1}

    def figures(self) -> dict[str, Any]:
        return {
            "acknowledged": self.count_acknowledged(),
            "answers": dict(sum((one.answers for one in self.people), Counter())),
            "longest_wait_seconds": round(max(one.longest_wait for one in self.people), 1),
            "letters": len(self.postbox.times_received),
            "letters_twice": len(self.postbox.messages) - len(self.postbox.times_received),
        }


def wait_until(is_so: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Look until it is so; fail with what `otherwise` says."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def _move_the_beginning(stack: Stack, practices: Collection[str], by: timedelta) -> None:
    if practices:
        stack.change(MOVE_THE_BEGINNING.format(days=by.days, practices=", ".join(practices)))


@contextmanager
def practices_at_work(
    folder: Path,
    *,
    copy_of: Path,
    static_files: Path,
    practices: int,
    weeks: int,
    clock: Path | None = None,
    held_back: int = 0,
) -> Iterator[AtWork]:
    """Everything runs, two beats too; with `clock`, by the clock that this file moves.

    The last `held_back` of the practices wait until they are let begin.
    """
    port = free_port()
    with smtp_server(port) as postbox, running_stack(folder, copy_of=copy_of) as stack:
        stack.environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "STATIC_ROOT": str(static_files)}
        stack.clock = clock
        scene = json.loads(stack.run("-m", "tests.faults.scene", str(practices), str(weeks)))
        waiting = list(scene["lists"])[practices - held_back :]
        _move_the_beginning(stack, waiting, NOT_BEGUN)
        for name in ("web", "worker", "beat-one", "beat-two"):
            stack.start_again(name)
        stack.wait_until_ready()
        people = [Coordinator(stack.url, Desk(**desk)) for desk in scene["desks"]]
        for one in people:
            one.start()
        try:
            yield AtWork(stack, scene, people, postbox, waiting)
        finally:
            for one in people:
                one.stop()
