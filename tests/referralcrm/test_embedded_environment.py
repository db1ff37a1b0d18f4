"""Django's command line finds the servers of the machine, or says what to do."""

import subprocess
import sys

from referralcrm.embedded.configuration import BASE_DIR


def manage(machine, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(
        argv,
        env={**machine.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=machine.data_dir.parent,
    )


def test_running_machine_is_found(machine):
    machine.start_servers()
    shown = manage(
        machine, "shell", "-v0", "-c", "from django.conf import settings as s; print(s.REDIS_URL, s.DEMO)"
    )
    assert shown.stdout.split() == [machine.addresses()["REDIS_URL"], "False"], shown


def test_command_that_migrates_runs_as_the_owner_and_any_other_as_the_application(machine):
    machine.start_servers()
    user = "from django.db import connection as c; print(c.settings_dict['USER'])"
    assert manage(machine, "shell", "-v0", "-c", user).stdout == "referralcrm_app\n"
    assert "[ ] 0001_initial" in manage(machine, "showmigrations").stdout


def test_without_a_running_machine_it_says_what_to_do(machine):
    found = manage(machine, "migrate")
    assert found.returncode == 1
    assert found.stderr == "Start the product first: make run, or set DATABASE_URL\n"


def test_machine_that_was_killed_is_not_taken_for_running(machine):
    supervisor = machine.start_servers()
    supervisor.kill()
    supervisor.wait()
    assert (machine.data_dir / "running.env").exists()
    assert manage(machine, "migrate").stderr == "Start the product first: make run, or set DATABASE_URL\n"


def test_help_needs_no_machine(machine):
    assert "Available subcommands" in manage(machine, "help").stdout


def test_a_backup_key_needs_no_machine_and_no_setting(machine, tmp_path):
    made = manage(machine, "backup", "--make-key", str(tmp_path / "backup.key"))
    assert (made.returncode, made.stderr) == (0, "")
    assert "public key: age1" in made.stdout
    again = manage(machine, "backup", f"--make-key={tmp_path / 'backup.key'}")
    assert (again.returncode, "file exists" in again.stderr) == (1, True)


def test_addresses_given_come_first(machine):
    machine.start_servers()
    found = manage(machine, "check", DATABASE_URL="postgresql://somebody@elsewhere/database")
    assert found.stderr == "SECRET_KEY is missing: see docs/settings.md.\n"


def test_addresses_are_for_their_user_alone(machine):
    machine.start_servers()
    assert (machine.data_dir / "running.env").stat().st_mode & 0o777 == 0o600
    assert machine.data_dir.stat().st_mode & 0o777 == 0o700
    assert not {"SECRET_KEY", "PATIENT_DATA_KEYS", "BLIND_INDEX_KEY"} & set(machine.addresses())
