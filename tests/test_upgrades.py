"""A filled database goes back to older releases and forward again, in place and from a backup, and loses nothing.

The newest step by `make test`, which is what a change adds to; all of them, and the way back to nothing, by
`make test-full`.
"""

import json
import os
import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from tests.counts import IS_FULL
from tests.upgrading import RELEASES, held

APPS = ("practices", "contacts", "touchpoints", "exchange", "insights")
WALKED = list(RELEASES) if IS_FULL else list(RELEASES)[:1]
ADDRESSES = ("DATABASE_URL", "OWNER_DATABASE_URL", "BACKUP_DATABASE_URL")


@pytest.fixture
def make_database(django_db_setup):
    """Make a database beside the tests' own; return the environment of whoever uses it."""
    made = []

    def make(name: str) -> dict[str, str]:
        made.append(f"{connection.settings_dict['NAME']}_{name}")
        owner = settings.OWNER_DATABASE_ROLE
        as_superuser(f'DROP DATABASE IF EXISTS "{made[-1]}"', f'CREATE DATABASE "{made[-1]}" OWNER {owner}')
        return {
            **os.environ,
            **{address: f"{os.environ[address].rpartition('/')[0]}/{made[-1]}" for address in ADDRESSES},
        }

    yield make
    for name in made:
        as_superuser(f'DROP DATABASE "{name}" WITH (FORCE)')


def as_superuser(*statements: str) -> None:
    with closing(psycopg2.connect(os.environ["BACKUP_DATABASE_URL"])) as db:
        db.autocommit = True
        with db.cursor() as sql:
            for statement in statements:
                sql.execute(statement)


def python(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environ,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def test_filled_database_goes_back_and_forward_and_a_backup_of_then_becomes_the_same(make_database, tmp_path):
    environ = make_database("walked")
    own = {"BACKUP_DIR": str(tmp_path), "BACKUP_KEY_FILE": str(tmp_path / "backup.key")}
    *back, now = json.loads(python({**environ, **own}, "-m", "tests.upgrading", "migrate", *WALKED))
    assert [step[0] for step in back] == [*WALKED, *reversed(WALKED[:-1])]
    assert all(is_older for _, _, _, is_older in back)
    assert now[0] == "now"
    assert now[3] is False
    for name, compared, changed, _ in [*back, now]:
        assert changed == [], name
        assert compared > 300

    restored = make_database("restored")
    (backup,) = tmp_path.glob("*.age")
    python({**restored, **own}, "manage.py", "restore", str(backup))
    there, here = held(restored["BACKUP_DATABASE_URL"]), held(environ["BACKUP_DATABASE_URL"])
    assert there.keys() == here.keys()
    assert {column for column in here if here[column] != there[column]} == set()


if IS_FULL:

    def test_every_app_can_be_taken_back_to_nothing_and_built_again(make_database):
        environ = make_database("back_and_forth")
        python(environ, "manage.py", "migrate", "--verbosity=0")
        for app in reversed(APPS):
            python(environ, "manage.py", "migrate", app, "zero", "--verbosity=0")
        python(environ, "manage.py", "migrate", "--verbosity=0")
