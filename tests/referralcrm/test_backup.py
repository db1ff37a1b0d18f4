"""One backup file: what it holds, whom it opens for, and everything that is refused before anything changes."""

import errno
import os
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from pyrage.x25519 import Identity

from practices.encryption import check_values
from referralcrm.backups import shelf
from referralcrm.backups.manifest import Manifest
from referralcrm.backups.restoring import read_manifest, restore_backup
from referralcrm.backups.sealing import BackupRefused, make_key, read_key, read_recipients, seal
from referralcrm.backups.taking import rows_of_dump, take_backup
from referralcrm.embedded.configuration import BASE_DIR
from referralcrm.setting_names import CHOSEN

NOW = datetime(2026, 11, 23, 18, 50, tzinfo=UTC)
KEY, OTHER_KEY = Identity.generate(), Identity.generate()
OF_IT = {
    "now": NOW,
    "release": "1.2.3",
    "owner": settings.OWNER_DATABASE_ROLE,
    "application": settings.APP_DATABASE_ROLE,
    "settings": {"SITE_URL": "https://crm.example"},
}


def database(name: str, role: str = "BACKUP") -> dict:
    return {**getattr(settings, f"{role}_DATABASE"), "NAME": name}


@pytest.fixture(scope="module")
def tests_database(django_db_setup) -> str:
    return connection.settings_dict["NAME"]


def back_up(path: Path, name: str, **given) -> Manifest:
    return take_backup(
        path, **{"database": database(name), "recipients": [KEY.to_public()], **OF_IT, **given}
    )


@pytest.fixture(scope="module")
def backup(tests_database, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "one.age"
    back_up(path, tests_database)
    return path


@pytest.fixture
def empty(tests_database) -> str:
    """The name of an empty database of the owner's."""
    name = f"{tests_database}_restored"
    as_superuser(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}" OWNER {OF_IT["owner"]}')
    yield name
    as_superuser(f'DROP DATABASE "{name}" WITH (FORCE)')


def as_superuser(*statements: str, name: str = "postgres") -> list[tuple]:
    given = settings.BACKUP_DATABASE
    with closing(psycopg2.connect(dbname=name, user=given["USER"], host=given["HOST"])) as db:
        db.autocommit = True
        with db.cursor() as sql:
            for statement in statements:
                sql.execute(statement)
            return sql.fetchall() if sql.description else []


def restore(path: Path, name: str, **given) -> Manifest:
    asked = {
        "key": KEY,
        "owner": database(name, "OWNER"),
        "application": OF_IT["application"],
        "counted_by": database(name),
        "keys": check_values(),
        "migrations": set(MigrationLoader(None).graph.nodes),
    }
    return restore_backup(path, **{**asked, **given})


def tables_of(name: str) -> set[str]:
    found = as_superuser("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name=name)
    return {table for (table,) in found}


class TestWhatIsTaken:
    def test_lies_under_its_name_for_its_owner_alone(self, backup):
        assert backup.stat().st_mode & 0o777 == 0o600
        assert list(backup.parent.iterdir()) == [backup]

    def test_says_what_it_is_but_no_key(self, backup):
        manifest = read_manifest(backup, KEY)
        assert (manifest.release, manifest.settings) == ("1.2.3", OF_IT["settings"])
        assert manifest.made_at == NOW.isoformat()
        assert manifest.rows["public.django_migrations"] == len(manifest.migrations) > 50
        secrets = [settings.BLIND_INDEX_KEY, *(key.partition(":")[2] for key in settings.PATIENT_DATA_KEYS)]
        assert not [secret for secret in secrets if secret in manifest.to_line().decode()]

    def test_shows_nothing_without_the_key(self, backup):
        assert b"referralcrm" not in backup.read_bytes()
        assert b"django" not in backup.read_bytes()

    def test_over_another_file_is_refused_and_leaves_it(self, tests_database, tmp_path):
        older = tmp_path / "one.age"
        older.write_bytes(b"older")
        with pytest.raises(BackupRefused, match="is there already"):
            back_up(older, tests_database)
        assert older.read_bytes() == b"older"

    @pytest.mark.parametrize("role", ["APP", "OWNER"])
    def test_as_a_role_under_row_security_is_refused(self, tests_database, tmp_path, role):
        with pytest.raises(BackupRefused, match="sees no practice's rows"):
            back_up(tmp_path / "one.age", tests_database, database=database(tests_database, role))
        assert list(tmp_path.iterdir()) == []

    def test_of_an_empty_database_is_refused(self, empty, tmp_path):
        with pytest.raises(BackupRefused, match="nothing to back up yet"):
            back_up(tmp_path / "one.age", empty)

    def test_short_of_rows_is_refused_and_not_kept(self, tests_database, tmp_path):
        programs = programs_with(tmp_path, "pg_dump", '--exclude-table-data="*encryptionkey"')
        with pytest.raises(BackupRefused, match=r"does not hold what .* \(public.practices_encryptionkey\)"):
            back_up(tmp_path / "one.age", tests_database, programs=str(programs))
        assert list(tmp_path.glob("*.age*")) == []

    def test_by_a_program_that_fails_is_refused_in_its_words(self, tests_database, tmp_path):
        programs = programs_with(tmp_path, "pg_dump", "--no-such-option")
        with pytest.raises(BackupRefused, match=r"^pg_dump failed: .*--help"):
            back_up(tmp_path / "one.age", tests_database, programs=str(programs))
        assert list(tmp_path.glob("*.age*")) == []

    def test_on_a_full_disk_is_said(self):
        with pytest.raises(OSError, match="No space left") as full, Path("/dev/full").open("wb", 0) as disk:
            seal(b"{}", (BASE_DIR / "manage.py").open("rb"), disk, [KEY.to_public()])
        assert full.value.errno == errno.ENOSPC

    def test_that_does_not_fit_leaves_the_older_ones_alone(self, tests_database, tmp_path):
        older = tmp_path / "referralcrm-20260101T000000Z.age"
        older.write_bytes(b"older")
        said = command("backup", BACKUP_DIR=str(tmp_path), BACKUP_RECIPIENTS=str(KEY.to_public()), blocks=8)
        assert said.returncode == 1
        assert re.fullmatch(r"CommandError: No backup was made: file too large.*\n", said.stderr)
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(older.name, b"older")]


def programs_with(folder: Path, name: str, option: str) -> Path:
    """PostgreSQL's own programs, one of them always with an option more."""
    from referralcrm.backups.programs import programs_in

    real = programs_in("")
    programs = folder / "programs"
    programs.mkdir()
    for program in ("pg_dump", "pg_restore"):
        always = option if program == name else ""
        path = programs / program
        path.write_text(f'#!/bin/sh\nexec "{real / program}" {always} "$@"\n')
        path.chmod(0o755)
    return programs


def command(*words: str, blocks: int | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py on the tests' own server; `blocks` of 512 bytes bound what it may write into one file."""
    limit = f"ulimit -f {blocks}; " if blocks else ""
    shell = ["sh", "-c", f'{limit}exec "$@"', "sh", sys.executable, "manage.py", *words]
    url = f"postgresql://{settings.BACKUP_DATABASE['USER']}@{settings.BACKUP_DATABASE['HOST'].replace('/', '%2F')}"
    given = {"BACKUP_DATABASE_URL": f"{url}/{connection.settings_dict['NAME']}", **environ}
    if blocks:  # Python would leave a .pyc that is cut at the limit, and fail over it from then on
        given["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(shell, env={**os.environ, **given}, cwd=BASE_DIR, capture_output=True, text=True)


@pytest.fixture
def reader() -> str:
    """A role as docs/roles.sql makes it: no superuser, but one that reads every practice's rows."""
    as_superuser("DROP ROLE IF EXISTS reader_of_all", "CREATE ROLE reader_of_all LOGIN NOSUPERUSER BYPASSRLS")
    as_superuser("GRANT pg_read_all_data TO reader_of_all")
    yield "reader_of_all"
    as_superuser("DROP ROLE reader_of_all")


def test_role_that_reads_all_rows_backs_up_what_a_superuser_does(tests_database, backup, reader, tmp_path):
    manifest = back_up(
        tmp_path / "one.age", tests_database, database=database(tests_database) | {"USER": reader}
    )
    assert manifest == read_manifest(backup, KEY)


class TestWhatIsRestored:
    def test_has_the_rows_the_policies_and_the_rights(self, backup, empty, tests_database):
        manifest = restore(backup, empty)
        assert tables_of(empty) == tables_of(tests_database)
        for question in (
            "SELECT relname, relrowsecurity, relforcerowsecurity, relacl::text, relowner::regrole::text"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
            "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2",
            "SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 2",
            "SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
        ):
            assert as_superuser(question, name=empty) == as_superuser(question, name=tests_database)
        assert as_superuser("SELECT count(*) FROM django_migrations", name=empty) == [
            (len(manifest.migrations),)
        ]

    def test_comes_from_the_ordinary_tools_of_others_too(self, backup):
        """A line of JSON, then what pg_dump wrote: no program of ours is needed."""
        import pyrage

        inside = pyrage.decrypt(backup.read_bytes(), [KEY])
        assert inside.partition(b"\n")[2].startswith(b"PGDMP")


DAMAGED = "damaged or cut short"
BEFORE_ANYTHING = {
    "half of it": (lambda file: file[: len(file) // 2], DAMAGED),
    "without its last byte": (lambda file: file[:-1], DAMAGED),
    "a flipped byte in the middle": (lambda file: flipped(file, len(file) // 2), DAMAGED),
    "a flipped byte at the end": (lambda file: flipped(file, len(file) - 1), DAMAGED),
    "a flipped byte at the beginning": (lambda file: flipped(file, 40), "damaged|does not open|no backup"),
    "another file": (lambda file: b"PGDMP" + file, "no backup"),
    "an empty file": (lambda file: b"", "no backup"),
}


def flipped(file: bytes, place: int) -> bytes:
    return file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]


class TestWhatIsRefused:
    """Each leaves the empty database as empty as it was."""

    @pytest.fixture(autouse=True)
    def unchanged(self, empty):
        yield
        assert tables_of(empty) == set()

    @pytest.mark.parametrize("what", BEFORE_ANYTHING)
    def test_a_file_that_is_not_as_it_was_written(self, backup, empty, tmp_path, what):
        change, sentence = BEFORE_ANYTHING[what]
        changed = tmp_path / "changed.age"
        changed.write_bytes(change(backup.read_bytes()))
        with pytest.raises(BackupRefused, match=sentence):
            restore(changed, empty)

    def test_a_file_that_is_not_there(self, empty, tmp_path):
        with pytest.raises(BackupRefused, match="cannot be read: no such file"):
            restore(tmp_path / "none.age", empty)

    def test_a_sealed_file_that_is_no_backup(self, empty, tmp_path):
        path = tmp_path / "letter.age"
        with path.open("wb") as file:
            seal(b"Dear colleague", (BASE_DIR / "manage.py").open("rb"), file, [KEY.to_public()])
        with pytest.raises(BackupRefused, match="no backup of Referral CRM"):
            restore(path, empty)

    def test_the_wrong_key_to_the_file(self, backup, empty):
        with pytest.raises(BackupRefused, match="The key does not open this backup"):
            restore(backup, empty, key=OTHER_KEY)

    def test_other_keys_to_the_patients(self, backup, empty):
        wrong = {**check_values(), "blind-index": b"another"}
        with pytest.raises(BackupRefused, match=r"not the keys that .*: blind-index"):
            restore(backup, empty, keys=wrong)

    def test_missing_keys_to_the_patients(self, backup, empty):
        given = {"blind-index": check_values()["blind-index"]}
        with pytest.raises(BackupRefused, match="under keys that were not given"):
            restore(backup, empty, keys=given)

    def test_a_newer_release_s_backup(self, backup, empty):
        known = set(MigrationLoader(None).graph.nodes) - {("practices", "0001_initial")}
        with pytest.raises(BackupRefused, match=r"newer release \(1\.2\.3; .* practices.0001_initial"):
            restore(backup, empty, migrations=known)

    def test_a_newer_release_s_manner_of_writing(self, backup):
        line = replace(read_manifest(backup, KEY), format=2).to_line()
        with pytest.raises(BackupRefused, match="newer release"):
            Manifest.from_line(line)

    def test_a_newer_server_s_backup(self, backup, empty, tests_database, tmp_path):
        manifest = replace(read_manifest(backup, KEY), postgresql=99)
        newer = tmp_path / "newer.age"
        with newer.open("wb") as file:
            seal(manifest.to_line(), (BASE_DIR / "manage.py").open("rb"), file, [KEY.to_public()])
        with pytest.raises(BackupRefused, match="of PostgreSQL 99"):
            restore(newer, empty)

    def test_other_roles(self, backup, empty):
        with pytest.raises(BackupRefused, match="rights are those of the roles"):
            restore(backup, empty, application="somebody")

    def test_a_restore_that_stops_halfway(self, backup, empty, tmp_path):
        programs = programs_with(tmp_path, "pg_restore", "--no-such-option")
        with pytest.raises(BackupRefused, match=r"^pg_restore failed"):
            restore(backup, empty, programs=str(programs))


def test_database_that_holds_tables_is_refused(backup, tests_database):
    with pytest.raises(BackupRefused, match=r"holds \d+ tables already"):
        restore(backup, tests_database)


class TestKeys:
    def test_a_key_is_made_once_for_its_owner_alone(self, tmp_path):
        path = tmp_path / "keys" / "backup.key"
        made = make_key(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert str(read_key(path)) == str(made)
        with pytest.raises(FileExistsError):
            make_key(path)

    @pytest.mark.parametrize("text", ["", "age1notasecret", "AGE-SECRET-KEY-1DAMAGED", "é"])
    def test_a_damaged_one_is_named_and_not_repeated(self, tmp_path, text):
        path = tmp_path / "backup.key"
        path.write_text(text)
        with pytest.raises(BackupRefused, match=re.escape(str(path))) as refusal:
            read_key(path)
        assert not text or text not in str(refusal.value)

    def test_a_missing_one_is_asked_for(self, tmp_path):
        with pytest.raises(BackupRefused, match="put your copy there"):
            read_key(tmp_path / "backup.key")

    def test_a_malformed_public_key_is_named(self):
        with pytest.raises(BackupRefused, match="BACKUP_RECIPIENTS is malformed"):
            read_recipients(["age1notakey"])


class TestShelf:
    def made(self, folder: Path, *days_ago: int) -> None:
        for days in days_ago:
            shelf.new_path(folder, NOW - timedelta(days=days)).write_bytes(b"")

    def test_old_ones_go_and_the_newest_stays_however_old(self, tmp_path):
        self.made(tmp_path, 29, 30, 31, 90)
        (tmp_path / "notes.txt").write_text("mine")
        gone = shelf.remove_old(tmp_path, keep_days=30, now=NOW)
        assert [(NOW - shelf.made_at(path)).days for path in gone] == [90, 31]
        assert [(NOW - shelf.made_at(path)).days for path in shelf.backups_in(tmp_path)] == [30, 29]
        later = NOW + timedelta(days=365)
        shelf.remove_old(tmp_path, keep_days=30, now=later)
        assert [(NOW - shelf.made_at(path)).days for path in shelf.backups_in(tmp_path)] == [29]
        assert (tmp_path / "notes.txt").exists()

    def test_what_a_killed_backup_left_goes_after_a_day(self, tmp_path):
        for name, age in (("old", 2), ("new", 0)):
            path = tmp_path / f".referralcrm-x.age.{name}.part"
            path.write_bytes(b"half")
            moment = (NOW - timedelta(days=age)).timestamp()
            os.utime(path, (moment, moment))
        shelf.remove_old(tmp_path, keep_days=30, now=NOW)
        assert [path.name for path in tmp_path.iterdir()] == [".referralcrm-x.age.new.part"]


def test_rows_are_counted_from_copy_to_its_end():
    dump = [
        b"COPY public.empty (id) FROM stdin;\n",
        b"\\.\n",
        b"COPY public.two (id, text) FROM stdin;\n",
        b"1\tCOPY public.three (id) FROM stdin;\n",
        b"COPY public.three (id) FROM stdin;\n",
        b"\\.\n",
        b"SELECT pg_catalog.setval('public.two_id_seq', 2, true);\n",
    ]
    assert rows_of_dump(dump) == {"public.empty": 0, "public.two": 2}


def test_every_setting_of_the_docs_is_carried_or_belongs_to_the_machine():
    """A new one belongs into referralcrm/setting_names.py, or below."""
    documented = set(
        re.findall(r"^\| `([A-Z_]+)`", (BASE_DIR / "docs/settings.md").read_text(), re.MULTILINE)
    )
    assert set(CHOSEN) <= documented
    assert documented - set(CHOSEN) == {
        *("SECRET_KEY", "PATIENT_DATA_KEYS", "BLIND_INDEX_KEY", "KEYS_FILE", "SECRET_KEY_FALLBACKS"),
        *("DATABASE_URL", "OWNER_DATABASE_URL", "BACKUP_DATABASE_URL", "REDIS_URL", "POSTGRES_BIN"),
        *("DATA_DIR", "STATIC_ROOT", "BACKUP_DIR", "BACKUP_KEY_FILE"),
    }
