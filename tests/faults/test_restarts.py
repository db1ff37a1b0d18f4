"""Restarts and a change of keys while people and workers are at work: no request fails, no job is lost, all reads."""

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from practices.key_rotation import sealed_tables
from referralcrm.embedded.configuration import BASE_DIR
from referralcrm.embedded.keys import new_key
from referralcrm.embedded.product import WEB
from tests.counts import examples
from tests.faults.askers import Askers
from tests.faults.at_work import practices_at_work, wait_until
from tests.faults.stack import Stack, running_stack

PRACTICES = examples(4, full=30)
RESTARTS = examples(2, full=15)
INTERRUPTIONS = examples(3, full=25)
# Opens every row with the new key alone, as a start does that was given no other.
READS_ALL = """
from practices.isolation import practice_scope
from practices.key_rotation import sealed_tables
from practices.models import Practice
from django.db import transaction
count = 0
for sealed in sealed_tables():
    names = [field.name for field in sealed.texts]
    if sealed.is_shared:
        count += len(list(sealed.model._base_manager.values_list(*names)))
        continue
    for practice in Practice.objects.all():
        with practice_scope(practice):
            count += len(list(sealed.model._base_manager.values_list(*names))) if names else 0
print(count)
"""


@pytest.mark.faults
def test_keys_change_and_the_worker_restarts_while_everybody_is_at_work(tmp_path, migrated, static_files):
    chance, files = random.Random(5), {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(tmp_path, **files, practices=PRACTICES, weeks=2) as at_work:
        stack = at_work.stack
        at_work.wait_for_acknowledgements(1)
        assert new_key(stack.folder) == "k2"
        time.sleep(1.5)  # whoever runs looks at the file once a second
        stack.run("manage.py", "rotate_keys")
        for number in range(INTERRUPTIONS):
            stack.start("rotation", "django", "rotate_keys", "--wait")
            time.sleep(chance.uniform(1, 3))
            stack.kill("rotation")
            if number < RESTARTS:
                wait_until(lambda n=number: is_ready(stack, n + 1), 60, lambda: "the worker did not start")
                end_gently(stack, "worker")
                stack.start_worker("worker")
            at_work.wait_for_acknowledgements(1)
        at_work.wait_until_all_is_done()
        wait_until(lambda: not under_old_key(stack), 60, lambda: f"under the old key: {under_old_key(stack)}")
        at_work.assert_nothing_is_lost_or_twice(
            letters_twice=0
        )  # a worker that is asked to end ends its letter
        assert stack.fell == {}
        print(
            json.dumps(
                {"interruptions": INTERRUPTIONS, "rows": read_with_new_key_alone(stack), **at_work.figures()}
            )
        )


def is_ready(stack: Stack, times: int) -> bool:
    return (stack.logs / "worker.log").read_text().count(" ready.") >= times


def end_gently(stack: Stack, name: str) -> None:
    process = stack.processes.pop(name)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def under_old_key(stack: Stack) -> list[str]:
    found = []
    for sealed in sealed_tables():
        for field in sealed.texts:
            table = sealed.model._meta.db_table
            sql = f"SELECT 1 FROM {table} WHERE substring({field.column} FROM 1 FOR 3) = 'k1:' LIMIT 1"
            found += [f"{table}.{field.column}"] if stack.rows(sql) else []
    return found


def read_with_new_key_alone(stack: Stack) -> int:
    from practices.secret_files import value_in_file

    keys = value_in_file(stack.environ["PATIENT_DATA_KEYS_FILE"], "PATIENT_DATA_KEYS").split(",")
    assert [key.partition(":")[0] for key in keys] == ["k2", "k1"]
    stack.environ["PATIENT_DATA_KEYS"] = keys[0]
    count = int(stack.run("manage.py", "shell", "-v0", "-c", READS_ALL))
    assert count > 0
    return count


@pytest.fixture(scope="module")
def stack(tmp_path_factory, migrated, static_files) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("restarts"), copy_of=migrated) as stack:
        stack.environ |= {"STATIC_ROOT": str(static_files)}
        yield stack


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Held by who starts the web server, as the supervisor does: who asks meanwhile waits, and is not refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener


@pytest.mark.faults
class TestTheWebServer:
    def test_answers_every_request_through_reloads_and_restarts(self, stack, listener):
        port = listener.getsockname()[1]
        server = started(stack, listener)
        with Askers(f"127.0.0.1:{port}", "/sign-in/") as askers:
            askers.wait_for(30)
            for _ in range(RESTARTS):
                server.send_signal(signal.SIGHUP)
                askers.wait_for(60)
                server.send_signal(signal.SIGTERM)
                assert server.wait(30) == 0
                server = started(stack, listener)
                askers.wait_for(60)
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        assert askers.failures == []
        assert set(askers.answers) == {200}
        print(
            json.dumps(
                {
                    "restarts": 2 * RESTARTS,
                    "answers": dict(askers.answers),
                    "longest": round(askers.longest, 1),
                }
            )
        )

    def test_finishes_what_it_is_answering_before_it_ends(self, stack, listener):
        port = listener.getsockname()[1]
        server = started(stack, listener)
        with Askers(f"127.0.0.1:{port}", "/readyz", count=8) as askers:
            askers.wait_for(8)
            with locked(stack, "practices_encryptionkey"):
                time.sleep(0.5)  # by now each waits for the database
                before = sum(askers.answers.values())
                askers.stop()
                server.send_signal(signal.SIGTERM)
                time.sleep(1)
                assert server.poll() is None
        assert server.wait(30) == 0
        assert askers.failures == []
        assert sum(askers.answers.values()) == before + 8

    def test_says_that_it_ends_before_it_stops_answering(self, stack, listener):
        port = listener.getsockname()[1]
        server = started(stack, listener, DRAIN_SECONDS="1.5")
        with (
            Askers(f"127.0.0.1:{port}", "/readyz", count=2) as ready,
            Askers(f"127.0.0.1:{port}", "/sign-in/", count=2) as askers,
        ):
            askers.wait_for(4), ready.wait_for(2)
            assert set(ready.answers) == {200}
            server.send_signal(signal.SIGTERM)
            time.sleep(1)
            ready.stop(), askers.stop()
        assert server.wait(30) == 0
        assert set(ready.answers) == {200, 503}
        assert set(askers.answers) == {200}
        assert ready.failures == askers.failures == []


def started(stack: Stack, listener: socket.socket, **environ: str) -> subprocess.Popen:
    with (stack.logs / "restarted.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *WEB.split(), "--bind", f"fd://{listener.fileno()}"],
            env={**stack.environ, "DRAIN_SECONDS": "0", **environ},
            cwd=BASE_DIR,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


@contextmanager
def locked(stack: Stack, table: str) -> Iterator[None]:
    with stack._cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
