"""Each check of the doctor on an installation where it really is wrong, and the whole of it on one that is not."""

import re
from datetime import timedelta
from io import BytesIO
from zoneinfo import reset_tzpath

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from pyrage.x25519 import Identity

from practices.models import EncryptionKey, Practice
from referralcrm.backups import shelf
from referralcrm.backups.sealing import seal
from referralcrm.doctor import background, configuration, database, machine, walls
from referralcrm.doctor.findings import Level, looked
from referralcrm.embedded.configuration import Configuration
from referralcrm.embedded.environment import load_environment
from referralcrm.embedded.examining import examine
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.keys import KEY_NAMES
from referralcrm.health import record_task, record_tick
from tests import make
from tests.practices.test_outbox import queue

pytestmark = pytest.mark.django_db
OK, LOOK, WRONG = Level.OK, Level.LOOK, Level.WRONG


def found(check, *given, **more):
    """The level, having made sure that what is not fine says how to mend it."""
    finding = check(*given, **more)
    assert bool(finding.mend) is (finding.level is not OK), finding
    return finding.level


@pytest.fixture
def reconnected(transactional_db):
    """Connect to the tests' database otherwise, for the time of a test."""
    before = dict(connection.settings_dict)

    def reconnect(**given: str) -> None:
        connection.close()
        connection.settings_dict.update(given)

    yield reconnect
    reconnect(**before)


@pytest.fixture
def owner(reconnected):
    """The tests' database as its owner."""
    owner = settings.OWNER_DATABASE
    reconnected(USER=owner["USER"], PASSWORD=owner["PASSWORD"])


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


class TestDatabase:
    def test_that_answers(self):
        assert found(database.can_be_reached) is OK

    def test_that_does_not(self, reconnected):
        reconnected(HOST="/nowhere")
        assert found(database.can_be_reached) is WRONG

    def test_that_is_too_old(self, monkeypatch):
        monkeypatch.setattr(database, "OLDEST_VERSION", 99)
        assert found(database.can_be_reached) is WRONG

    def test_role_that_owns_the_tables(self, owner):
        assert found(database.role_is_held_to_its_rows) is WRONG

    def test_role_that_bypasses_row_security(self, reconnected):
        reconnected(USER=settings.BACKUP_DATABASE["USER"])
        assert found(database.role_is_held_to_its_rows) is WRONG

    def test_role_that_may_become_the_owner(self, reconnected):
        app, owner = settings.APP_DATABASE_ROLE, settings.OWNER_DATABASE_ROLE
        reconnected(USER=settings.BACKUP_DATABASE["USER"])
        with transaction.atomic():
            run(f'GRANT "{owner}" TO "{app}"', f'SET LOCAL ROLE "{app}"')
            finding = database.role_is_held_to_its_rows()
            transaction.set_rollback(True)
        assert finding.level is WRONG
        assert owner in finding.says

    def test_one_role_for_both(self, settings):
        settings.OWNER_DATABASE_ROLE = settings.APP_DATABASE_ROLE
        assert found(database.role_is_not_the_owner_s) is WRONG

    def test_migrations_that_are_missing_or_newer(self, owner):
        run("INSERT INTO django_migrations (app, name, applied) VALUES ('practices', '9999_newer', now())")
        newer = database.migrations_are_this_release_s()
        run("DELETE FROM django_migrations WHERE name = '9999_newer'")
        run(
            "UPDATE django_migrations SET name = 'was_initial' WHERE app = 'exchange' AND name = '0001_initial'"
        )
        missing = found(database.migrations_are_this_release_s)
        run("UPDATE django_migrations SET name = '0001_initial' WHERE name = 'was_initial'")
        assert (newer.level, missing) == (WRONG, WRONG)
        assert "practices.9999_newer" in newer.says

    @pytest.mark.parametrize("key_id", ["gone", "blind-index"])
    def test_key_that_is_missing_or_another(self, key_id):
        EncryptionKey.objects.update_or_create(key_id=key_id, defaults={"check_value": b"another"})
        finding = database.keys_open_the_data()
        assert finding.level is WRONG
        assert key_id in finding.says

    @pytest.mark.parametrize(("seconds", "level"), [(30, LOOK), (3600, WRONG), (-3600, WRONG)])
    def test_clock_that_is_wrong(self, seconds, level):
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False):
            assert found(database.clocks_agree) is level

    def test_of_these_tests_is_fine(self):
        assert {finding.level for finding in looked(database.CHECKS)} == {OK}


APP = f'"{settings.APP_DATABASE_ROLE}"'
# What an owner, or a superuser in a hurry, does; the check that sees it; what it names.
TORN_DOWN = [
    ("ALTER TABLE contacts_referral NO FORCE ROW LEVEL SECURITY", walls.rows_are_kept_apart, "contacts_referral"),
    ("ALTER TABLE contacts_referral DISABLE ROW LEVEL SECURITY", walls.rows_are_kept_apart, "contacts_referral"),
    ("CREATE POLICY leak ON contacts_referral USING (true)", walls.rows_are_kept_apart, "contacts_referral"),
    ("ALTER POLICY of_this_practice ON contacts_office USING (true)", walls.rows_are_kept_apart, "contacts_office"),
    ("ALTER POLICY of_its_user ON practices_member USING (true)", walls.rows_are_kept_apart, "practices_member"),
    (f"ALTER POLICY written_by_the_database ON practices_auditentry TO {APP}", walls.rows_are_kept_apart, "audit"),
    (
        "ALTER TABLE practices_patientaccess DROP CONSTRAINT patient_access_member_same_practice",
        walls.references_stay_in_the_practice,
        "patient_access_member_same_practice",
    ),
    ("ALTER TABLE contacts_referral DISABLE TRIGGER USER", walls.changes_are_written_down, "contacts_referral"),
    ("ALTER TABLE practices_auditentry DISABLE TRIGGER USER", walls.changes_are_written_down, "auditentry"),
    ("DROP TRIGGER audit_delete ON contacts_office", walls.changes_are_written_down, "contacts_office"),
    (
        "DROP TRIGGER never_changed ON practices_signinevent;"
        " CREATE TRIGGER never_changed BEFORE UPDATE ON practices_signinevent"
        " FOR EACH ROW EXECUTE FUNCTION practices_keep_for_six_years()",
        walls.changes_are_written_down,
        "practices_signinevent",
    ),
    (
        "CREATE OR REPLACE FUNCTION practices_write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS $$ BEGIN RETURN NULL; END $$",
        walls.changes_are_written_down,
        "practices_write_down",
    ),
    (f"GRANT UPDATE, DELETE ON practices_auditentry TO {APP}", walls.trail_is_only_added_to, "UPDATE on practices_a"),
    (f"GRANT UPDATE (at) ON practices_signinevent TO {APP}", walls.trail_is_only_added_to, "UPDATE on practices_s"),
    ("GRANT DELETE ON practices_patientaccess TO PUBLIC", walls.trail_is_only_added_to, "DELETE on practices_p"),
    (f"GRANT TRUNCATE ON contacts_office TO {APP}", walls.trail_is_only_added_to, "TRUNCATE on contacts_office"),
    (f"GRANT EXECUTE ON FUNCTION practices_write_down TO {APP}", walls.trail_is_only_added_to, "write_down"),
    ("ALTER TABLE practices_signinevent DROP COLUMN browser", walls.columns_are_there, "practices_signinevent.browser"),
    ("ALTER TABLE contacts_office DROP CONSTRAINT office_of_practice CASCADE", walls.columns_are_there, "office_same_practice"),
]  # fmt: skip


class TestWalls:
    def test_of_these_tests_stand(self):
        assert {finding.level for finding in looked(walls.CHECKS)} == {OK}

    @pytest.mark.parametrize(
        ("statement", "check", "named"), TORN_DOWN, ids=[row[0][:60] for row in TORN_DOWN]
    )
    def test_one_that_is_down_is_named(self, owner, statement, check, named):
        with transaction.atomic():
            run(statement)
            finding = check()
            transaction.set_rollback(True)
        assert finding.level is WRONG
        assert named in finding.says
        assert finding.mend


@pytest.fixture
def told():
    """Change the broker's own settings, and put them back."""
    broker, before = background._broker(), {}

    def tell(name: str, value: str) -> None:
        before.setdefault(name, broker.config_get(name)[name])
        broker.config_set(name, value)

    yield tell
    for name, value in before.items():
        broker.config_set(name, value)


class TestBackground:
    @pytest.fixture
    def heard(self, settings):
        record_tick(timezone.now())
        record_task(timezone.now())
        settings.EMAIL_URL = "smtp://localhost"

    def test_that_is_fine(self, heard):
        assert {finding.level for finding in looked(background.CHECKS)} == {OK}

    def test_broker_that_is_away(self, settings):
        settings.REDIS_URL = "redis+socket:///nowhere"
        assert found(background.broker_answers) is WRONG
        assert found(background.broker_forgets_nothing) is LOOK

    def test_broker_that_forgets(self, told):
        told("maxmemory-policy", "allkeys-lru")
        assert found(background.broker_forgets_nothing) is WRONG

    def test_broker_that_does_not_write(self, told):
        told("appendonly", "no")
        assert found(background.broker_writes_to_disk) is LOOK

    @pytest.mark.parametrize(
        ("check", "noted"),
        [(background.tick_is_on_time, "last_tick_at"), (background.worker_works, "last_task_at")],
    )
    def test_tick_or_worker_that_is_late_or_never_came(self, heard, check, noted):
        cache.set(noted, (timezone.now() - timedelta(minutes=10)).isoformat())
        assert found(check) is WRONG
        cache.delete(noted)
        assert found(check) is WRONG

    def test_mail_that_is_not_set_up(self, settings):
        settings.EMAIL_URL = ""
        assert found(background.mail_leaves) is LOOK

    def test_mail_that_is_stuck_or_given_up(self, heard):
        mail = queue(now=timezone.now())
        assert found(background.mail_leaves) is OK
        type(mail).objects.update(next_try_at=timezone.now() - timedelta(hours=2))
        assert found(background.mail_leaves) is WRONG
        type(mail).objects.update(state="failed")
        assert found(background.mail_leaves) is LOOK


class TestConfiguration:
    @pytest.fixture
    def in_earnest(self, settings):
        settings.SITE_URL, settings.ALLOWED_HOSTS = "https://crm.example", ["crm.example"]
        settings.BEHIND_TLS, settings.DEBUG, settings.DEMO = True, False, False
        make.practice()
        return settings

    def test_that_is_fine(self, in_earnest):
        assert {finding.level for finding in looked(configuration.CHECKS)} == {OK}

    @pytest.mark.parametrize("allowed", [["other.example"], ["*"]])
    def test_address_that_is_not_answered_or_any_that_is(self, in_earnest, allowed):
        in_earnest.ALLOWED_HOSTS = allowed
        assert found(configuration.address_is_answered) is WRONG

    @pytest.mark.parametrize(
        ("url", "level"), [("http://crm.example", WRONG), ("http://localhost:8000", LOOK)]
    )
    def test_pages_in_clear(self, in_earnest, url, level):
        in_earnest.SITE_URL, in_earnest.BEHIND_TLS = url, False
        assert found(configuration.visitors_come_through_tls) is level

    @pytest.mark.parametrize(("left_on", "level"), [("DEBUG", WRONG), ("DEMO", LOOK)])
    def test_what_is_left_on_from_a_trial(self, in_earnest, left_on, level):
        setattr(in_earnest, left_on, True)
        assert found(configuration.it_is_in_earnest) is level

    def test_static_files_that_were_not_collected(self, monkeypatch):
        monkeypatch.setattr(storages["staticfiles"], "hashed_files", {})
        assert found(configuration.static_files_are_there) is WRONG

    def test_time_zone_that_this_machine_does_not_know(self, in_earnest, tmp_path):
        Practice.objects.update(time_zone="Mars/Olympus_Mons")
        finding = configuration.time_zones_are_known()
        reset_tzpath()
        assert finding.level is WRONG
        assert "Mars/Olympus_Mons" in finding.says


class TestMachine:
    def test_disk_that_is_full_or_nearly(self, tmp_path):
        much = 10**9
        assert found(machine.disk_has_room, tmp_path, full_below=0, low_below=0) is OK
        assert found(machine.disk_has_room, tmp_path, full_below=0, low_below=much) is LOOK
        assert found(machine.disk_has_room, tmp_path, full_below=much) is WRONG

    @pytest.mark.parametrize("mode", [0o640, 0o604])
    def test_keys_that_others_may_read(self, tmp_path, mode):
        file = tmp_path / "keys.env"
        assert found(machine.keys_are_nobody_else_s, file) is WRONG
        file.touch(0o600)
        assert found(machine.keys_are_nobody_else_s, file) is OK
        file.chmod(mode)
        assert found(machine.keys_are_nobody_else_s, file) is WRONG

    def test_folder_that_others_may_enter(self, tmp_path):
        tmp_path.chmod(0o700)
        assert found(machine.folder_is_nobody_else_s, tmp_path) is OK
        tmp_path.chmod(0o755)
        assert found(machine.folder_is_nobody_else_s, tmp_path) is WRONG

    def test_backups_that_are_old_missing_or_unknown(self, tmp_path):
        now = timezone.now()
        assert found(machine.backup_is_recent, None) is LOOK
        assert found(machine.backup_is_recent, tmp_path) is LOOK
        for days, level in ((4, WRONG), (1, OK)):
            with shelf.new_path(tmp_path, now - timedelta(days=days)).open("wb") as file:
                seal(b"{}", BytesIO(bytes(20_000)), file, [Identity.generate().to_public()])
            assert found(machine.backup_is_recent, tmp_path, now=now) is level

    @pytest.mark.parametrize(
        "held", [b"", b"rubbish\n", bytes(20_000), b"age-encryption.org/v1\n-> X25519 a\n--- b\n"]
    )
    def test_file_that_is_no_backup(self, tmp_path, held):
        file = shelf.new_path(tmp_path, timezone.now())
        file.write_bytes(held)
        finding = machine.backup_is_recent(tmp_path)
        assert finding.level is WRONG
        assert file.name in finding.says


def test_what_can_not_be_looked_at_is_wrong_and_the_rest_is_looked_at():
    def one_that_breaks():
        raise ValueError("with what stays untold")

    first, second = looked([one_that_breaks, background.broker_answers])
    assert str(first).startswith("wrong         one that breaks: could not be looked at (ValueError)")
    assert "untold" not in str(first)
    assert second.level is OK


def test_command_says_a_line_each_no_secret_and_exits_by_the_worst(capsys, settings, tmp_path):
    settings.BACKUP_DIR, settings.SITE_URL = str(tmp_path), "http://crm.example"
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    *lines, counts = said.splitlines()
    assert all(re.match(r"(ok|look at this|wrong) +\S", line) for line in lines)
    assert re.fullmatch(r"\d+ ok, \d+ look at this, [1-9]\d* wrong", counts)
    secrets = [settings.SECRET_KEY, settings.BLIND_INDEX_KEY, *settings.PATIENT_DATA_KEYS]
    assert not [secret for secret in secrets if secret in said]


def test_installation_that_does_not_run_is_looked_at_from_outside(tmp_path, capsys):
    stopped = Configuration(tmp_path / "var", 8000, demo=False, database_url=None, redis_url=None)
    assert examine(stopped) == 1
    assert "There is no database in" in capsys.readouterr().out
    (tmp_path / "var" / "postgres").mkdir(parents=True)
    assert examine(stopped) == 1
    said = capsys.readouterr().out
    assert "does not run on" in said
    assert f"{tmp_path / 'var-keys' / 'keys.env'} is missing" in said


@pytest.mark.parametrize("lost", ["keys", "addresses"])
def test_installation_that_lost_a_file_while_it_runs_is_told_what_to_do(tmp_path, capsys, monkeypatch, lost):
    for name in KEY_NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    running = Configuration(tmp_path / "var", 8000, demo=False, database_url=None, redis_url=None)
    folder = DataFolder(running.data_dir)
    with folder.held():
        kept = folder.running_env if lost == "keys" else folder.keys_env
        kept.parent.mkdir(exist_ok=True)
        kept.touch(0o600)
        assert examine(running) == 1
        said = capsys.readouterr().out
        gone = folder.keys_env if lost == "keys" else folder.running_env
        assert str(gone) in said
        assert ("Stop nothing before they are back" in said) is (lost == "keys")
        assert "There is no backup" in said
        monkeypatch.setenv("DATA_DIR", str(running.data_dir))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        with pytest.raises(SystemExit, match=re.escape(str(gone))):
            load_environment(["manage.py", "doctor"])
