"""What takes too long or piles up is cut off, and says so."""

import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from celery.beat import ScheduleEntry
from django.conf import settings
from django.db import connection
from django.urls import reverse

from practices.isolation import practice_scope
from practices.models import Draft
from referralcrm import queue
from referralcrm.beat import BoundedScheduler
from referralcrm.celery import EverySoOften, app
from referralcrm.database_limits import OF_COMMANDS, OF_PAGES, OF_TASKS, limits_of
from referralcrm.embedded.configuration import BASE_DIR
from tests.test_access import World

SHOW = """
import referralcrm.wsgi
from django.db import connection
with connection.cursor() as cursor:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        cursor.execute(f"SHOW {name}")
        print(cursor.fetchone()[0])
"""


def test_each_kind_of_process_has_its_own():
    assert limits_of("web", ["gunicorn"]) == OF_PAGES
    assert limits_of("", ["/venv/bin/celery", "-A", "referralcrm", "worker"]) == OF_TASKS
    assert limits_of("", ["/venv/lib/celery/__main__.py", "worker"]) == OF_TASKS
    assert limits_of("", ["manage.py", "migrate"]) == limits_of("", ["celery", "beat"]) == OF_COMMANDS


@pytest.mark.django_db
def test_the_web_server_tells_the_database_how_long_it_waits():
    database = settings.APP_DATABASE
    name, host = connection.settings_dict["NAME"], quote(str(database["HOST"]), safe="")
    url = f"postgresql://{quote(database['USER'])}@{host}/{name}"
    environ = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environ, cwd=BASE_DIR, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["15s", "10s", "1min"], done.stderr


@pytest.mark.django_db
def test_a_page_that_takes_too_long_says_that_we_are_busy_and_keeps_nothing(client, monkeypatch):
    world = World()
    client.force_login(world.manager.user)
    client.raise_request_exception = False

    def takes_long(*args, **kwargs):
        Draft.objects.create(member=world.manager, form="half", data="done")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 50")
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr("contacts.views.referral_list.key_page", takes_long)
    busy = client.get(reverse("referrals"))
    assert (busy.status_code, busy["Retry-After"]) == (503, "30")
    assert busy["X-Request-ID"] in busy.content.decode()
    with practice_scope(world.practice):
        assert not Draft.objects.exists()


@pytest.fixture
def beat():
    app.connection_for_write().default_channel.client.delete("celery")
    yield BoundedScheduler(app, lazy=True)
    app.connection_for_write().default_channel.client.delete("celery")


def test_beat_adds_nothing_to_a_queue_that_nobody_empties(beat, settings):
    entry = ScheduleEntry(name="tick", task="referralcrm.tick", options={}, app=app)
    settings.QUEUE_AT_MOST = 3
    for _ in range(5):
        beat.apply_entry(entry)
    assert queue.length() == 3


def test_beat_strikes_after_the_clock_was_set_back(beat, settings, time_machine):
    time_machine.move_to("2026-11-23 12:00Z", tick=False)
    beat.add(name="tick", task="referralcrm.tick", schedule=EverySoOften(settings.TICK_SECONDS))
    struck = []
    for moved_by in (0, settings.TICK_SECONDS, 3600, -7200, settings.TICK_SECONDS, -5):
        time_machine.shift(moved_by)
        while beat.tick() == 0:  # it struck, and has not said yet when to look again
            struck.append(moved_by)
    assert struck == [settings.TICK_SECONDS, 3600, -7200, settings.TICK_SECONDS, -5]


def test_a_broker_that_is_away_is_not_called_full():
    code = "import django; django.setup(); from referralcrm.queue import is_full; print(is_full())"
    environ = {
        **os.environ,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DJANGO_SETTINGS_MODULE": "referralcrm.settings",
    }
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=environ, cwd=BASE_DIR, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
