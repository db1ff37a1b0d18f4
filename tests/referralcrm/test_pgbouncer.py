"""Behind a pooler each transaction may be another practice's: none leaves anything on its connection.

`bench/scale_out.py` shows the same with pgbouncer itself (docs/scaling.md); here one connection serves everybody in
turn, with real commits, as pgbouncer in transaction mode hands it out.
"""

import os
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import DataError, close_old_connections, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.models import Provider, Referral
from practices.isolation import practice_scope
from referralcrm.checked_env import CheckedEnv
from referralcrm.database_limits import OF_PAGES, OF_TASKS
from referralcrm.embedded.configuration import BASE_DIR
from referralcrm.tasks import tick_practice
from tests import make
from tests.exchange import bring
from tests.test_access import ADDRESSES, ROUTES, World

pytestmark = pytest.mark.django_db(transaction=True)

# What the next transaction on this connection would find there.
LEFT = {
    # Django says its time zone to each new connection, and a pooler hands that on.
    "settings": "SELECT name FROM pg_settings WHERE source = 'session' AND name <> 'TimeZone'",
    "practice, user, actor": """
        SELECT name FROM unnest(ARRAY['app.practice_id', 'app.user_id', 'app.actor']) name
        WHERE current_setting(name, true) <> ''
    """,
    "prepared statements": "SELECT name FROM pg_prepared_statements",
    "cursors": "SELECT name FROM pg_cursors WHERE name NOT LIKE '<unnamed%'",
    "channels": "SELECT pg_listening_channels()",
    "locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    "temporary tables": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
}
NOTHING: dict[str, set[Any]] = {}
POOLED = """
import django
django.setup()
from django.db import connection
options = connection.get_connection_params().get("options")
print(options, connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"])
"""
PAGES = [name for name, address in ADDRESSES.items() if address.get and not ROUTES[name].parameters]


def left() -> dict[str, set[Any]]:
    """What lasts beyond the transactions that this connection has seen, by its kind."""
    assert not connection.in_atomic_block
    found = {}
    with connection.cursor() as cursor:
        for what, statement in LEFT.items():
            cursor.execute(statement)
            found[what] = {value for (value,) in cursor.fetchall()}
    return {what: values for what, values in found.items() if values}


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def seen_outside() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_referral")
        return cursor.fetchone()[0] + Provider._base_manager.count()


@pytest.fixture
def one_connection(monkeypatch):
    """A page in a test would close it after each request; here everybody gets the same, as behind a pooler."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    before = backend()
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    assert backend() == before


@pytest.mark.parametrize("ending", ["kept", "taken back", "failed"])
def test_two_practices_in_turn_on_one_connection_see_their_own_rows_alone(ending, one_connection):
    desks = [make.member("coordinator", make.practice(name)) for name in ("Ours", "Theirs")]
    rows = {}
    for desk in desks:
        with practice_scope(desk.practice):
            rows[desk.practice_id] = {make.referral(desk).pk for _ in range(2)}
    for desk in desks * 3:
        expected = pytest.raises(DataError) if ending == "failed" else nullcontext()
        with expected, practice_scope(desk.practice):
            assert set(Referral._base_manager.values_list("pk", flat=True)) == rows[desk.practice_id]
            if ending == "failed":
                connection.cursor().execute("SELECT 1 / 0")
            transaction.set_rollback(ending == "taken back")
        assert seen_outside() == 0
        assert left() == NOTHING


def test_pages_of_two_practices_in_turn_on_one_connection_show_their_own_alone(one_connection):
    world = World()
    clients = {}
    for word, member in (("Ourword", world.manager), ("Theirword", world.stranger)):
        with practice_scope(member.practice):
            make.referral(member, provider=make.provider(word))
        clients[word] = Client()
        clients[word].force_login(member.user)
    shown = set()
    for name in PAGES:
        for word, client in clients.items():
            answer = client.get(reverse(name), follow=False)
            page = (answer.getvalue() if answer.streaming else answer.content).decode(errors="replace")
            assert left() == NOTHING, name
            shown |= {(word, each) for each in clients if each in page}
    assert shown == {(word, word) for word in clients}


def test_a_tick_and_an_import_leave_nothing_on_their_connection(one_connection):
    world = World()
    bring.brought(bring.HEADER + bring.line("1") + bring.line("2"), by=world.manager)
    assert left() == NOTHING
    tick_practice(world.practice.pk, timezone.now().isoformat())
    assert left() == NOTHING


def test_what_would_be_left_is_seen():
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', '1', false), pg_advisory_lock(47)")
        cursor.execute("SET statement_timeout = '47s'; CREATE TEMP TABLE kept (n int); LISTEN news")
        cursor.execute("PREPARE said AS SELECT 1; DECLARE held CURSOR WITH HOLD FOR SELECT 1")
    assert left().keys() == LEFT.keys()
    connection.close()
    assert left() == NOTHING


def test_a_pooled_process_sends_no_options_and_keeps_no_cursor():
    environ = {**os.environ, "DATABASE_POOLED": "1", "DJANGO_SETTINGS_MODULE": "referralcrm.settings"}
    argv = [sys.executable, "-c", POOLED]
    done = subprocess.run(argv, env=environ, cwd=BASE_DIR, capture_output=True, text=True, timeout=60)
    assert done.stdout == "None True\n", done.stderr


@pytest.mark.parametrize("limits", [OF_PAGES, OF_TASKS], ids=["pages", "tasks"])
def test_the_documented_pooler_sets_the_limits_that_connections_set(limits):
    named = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.pause,
    }
    sets = "; ".join(f"SET {name} = {seconds * 1000}" for name, seconds in named.items())
    assert f"connect_query='{sets}'" in (BASE_DIR / "docs" / "scaling.md").read_text()


def test_a_poolers_socket_may_have_a_port(monkeypatch):
    monkeypatch.setenv("POOLED_URL", "postgresql://me@%2Frun%2FPostgreSQL:6432/web")
    database = CheckedEnv().postgresql("POOLED_URL")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("/run/PostgreSQL", 6432, "web")
