"""The backups that `make run` makes by itself: one a day, one before an upgrade."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from referralcrm.backups import shelf
from referralcrm.embedded import own_backups
from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.own_backups import DailyBackup, make_backup_key


@pytest.fixture
def folder(tmp_path, monkeypatch) -> DataFolder:
    monkeypatch.setattr(own_backups, "FIRST_LOOK_AFTER", 0)
    (tmp_path / "var" / "logs").mkdir(parents=True)
    return DataFolder(tmp_path / "var")


@pytest.fixture
def environ(folder, django_db_setup) -> dict[str, str]:
    """As the supervisor passes it on, but for the tests' database."""
    address = os.environ["BACKUP_DATABASE_URL"].rpartition("/")[0]
    given = {"BACKUP_DIR": str(folder.backups), "BACKUP_KEY_FILE": str(folder.backup_key)}
    return {**os.environ, **given, "BACKUP_DATABASE_URL": f"{address}/{connection.settings_dict['NAME']}"}


def looked(daily: DailyBackup, *, seconds: float = 60) -> None:
    """Look until the backup under way is over."""
    deadline = time.monotonic() + seconds
    daily.look()
    while daily.child is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        daily.look()


def test_backup_is_made_when_the_newest_is_a_day_old_and_not_before(folder, environ):
    yesterday = datetime.now(UTC) - timedelta(hours=25)
    shelf.new_path(folder.backups, yesterday).write_bytes(b"")
    with DailyBackup(folder, environ) as daily:
        looked(daily)
        made = shelf.backups_in(folder.backups)
        assert len(made) == 2
        assert datetime.now(UTC) - shelf.made_at(made[-1]) < timedelta(minutes=2)
        daily.look_at = 0
        looked(daily)
        assert shelf.backups_in(folder.backups) == made


def test_backup_that_fails_is_said_and_tried_again_in_an_hour(folder, environ, capsys):
    environ["BACKUP_RECIPIENTS"] = "age1nobody"
    with DailyBackup(folder, environ) as daily:
        looked(daily)
        assert daily.look_at > time.monotonic() + 3000
    said = capsys.readouterr().out
    assert said.startswith("The daily backup failed; again in an hour.")
    assert "BACKUP_RECIPIENTS is malformed" in said


@pytest.mark.parametrize("given", [{"BACKUP_HOURS": "0"}, {"BACKUP_DATABASE_URL": ""}])
def test_none_is_made_where_none_is_wanted_or_possible(folder, environ, given):
    with DailyBackup(folder, {**environ, **given}) as daily:
        looked(daily)
    make_backup_key({**environ, **given})
    assert not folder.backups.exists()
    assert not folder.backup_key.exists()


def test_malformed_hours_are_named(folder, environ):
    with pytest.raises(Refused, match=r"^BACKUP_HOURS must be a number of hours, not 'daily'"):
        DailyBackup(folder, {**environ, "BACKUP_HOURS": "daily"})


def test_the_key_is_made_with_the_other_keys_unless_others_are_to_open_it(folder, environ):
    make_backup_key({**environ, "BACKUP_RECIPIENTS": "age1somebody"})
    assert not folder.backup_key.exists()
    make_backup_key(environ)
    made = folder.backup_key.read_bytes()
    make_backup_key(environ)
    assert folder.backup_key.read_bytes() == made
