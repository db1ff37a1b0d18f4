"""What the health addresses say, with and without what they depend on."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from referralcrm.embedded.configuration import BASE_DIR
from referralcrm.health import record_task, record_tick

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NOBODY_THERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def nothing_noted():
    cache.delete_many(["last_tick_at", "last_task_at"])


@pytest.mark.django_db
def test_everything_at_work_is_ok(client):
    record_tick(NOW)
    record_task(NOW)
    with time_machine.travel(NOW + timedelta(seconds=30), tick=False):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "server": "ok",
        "database": "ok",
        "migrations": "ok",
        "keys": "ok",
        "broker": {"status": "ok"},
        "tick": {"status": "ok", "seconds_ago": 30},
        "worker": {"status": "ok", "seconds_ago": 30},
    }


@pytest.mark.django_db
@pytest.mark.parametrize("late", ["tick", "worker"])
def test_late_tick_or_worker_is_degraded_and_still_served(client, late):
    record_tick(NOW if late == "tick" else NOW + timedelta(hours=1))
    record_task(NOW if late == "worker" else NOW + timedelta(hours=1))
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    said = answer.json()
    assert said["status"] == said[late]["status"] == "degraded"
    assert said[late]["seconds_ago"] == 3600
    assert {part for part in ("broker", "tick", "worker") if said[part]["status"] == "degraded"} == {late}


@pytest.mark.django_db
def test_nothing_noted_yet_is_degraded(client):
    said = client.get("/readyz").json()
    assert said["tick"] == said["worker"] == {"status": "degraded", "seconds_ago": None}


def test_migrations_missing_is_unavailable():
    """The servers' own database, which only the tests' copy of is migrated."""
    status, said = ask("/readyz")
    assert status == 503
    assert (said["status"], said["database"], said["migrations"]) == ("unavailable", "ok", "unapplied")


def test_database_away_is_unavailable_but_the_process_lives():
    away = {"DATABASE_URL": f"postgresql://nobody@{NOBODY_THERE}/nothing"}
    status, said = ask("/readyz", **away)
    assert status == 503
    assert (said["status"], said["database"]) == ("unavailable", "unreachable")
    assert ask("/healthz", **away) == (200, {"status": "ok"})


def test_broker_away_is_told_and_noting_goes_on_without():
    away = {"REDIS_URL": f"redis://{NOBODY_THERE}/0"}
    _, said = ask("/readyz", **away)
    assert said["database"] == "ok"
    assert said["broker"] == {"status": "degraded"}
    assert said["tick"] == said["worker"] == {"status": "degraded", "seconds_ago": None}
    noted = run(
        "from django.utils.timezone import now; from referralcrm.health import *; record_tick(now()); record_task(now())",
        **away,
    )
    assert noted.returncode == 0, noted.stderr


def ask(path: str, **environ: str) -> tuple[int, dict[str, Any]]:
    code = "from django.test import Client; a = Client().get(PATH); print(a.status_code, a.content.decode())"
    answered = run(code.replace("PATH", repr(path)), **environ)
    status, _, said = answered.stdout.partition(" ")
    return int(status), json.loads(said)


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, since settings are read once."""
    argv = [sys.executable, str(BASE_DIR / "manage.py"), "shell", "-v0", "-c", code]
    environ = {**os.environ, "ALLOWED_HOSTS": "testserver", **environ}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60)
