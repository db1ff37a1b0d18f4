"""The drill: a filled installation is backed up while it serves, wiped, restored, and used again."""

import base64
import http.cookiejar
import re
import shutil
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import make
from tests.referralcrm.filled import EMAIL, PATIENT, hashes
from tests.referralcrm.machine import Machine
from tests.referralcrm.test_embedded_product import free_port, ids_of, said_until

OTHER = "PATIENT_DATA_KEYS=k1:" + base64.b64encode(bytes(range(64))).decode()
SESSIONS = {"public.django_session", "public.practices_session"}


class Visitor:
    """A browser without scripting, by its cookies."""

    def __init__(self, machine: Machine) -> None:
        self.address = f"http://localhost:{machine.environ['PORT']}"
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, path: str) -> str:
        with self.opener.open(self.address + path, timeout=20) as answer:
            return answer.read().decode()

    def sign_in(self) -> str:
        """Return the page that comes after it."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/sign-in/"))[1]
        form = {"login": EMAIL, "password": make.PASSWORD, "csrfmiddlewaretoken": token}
        with self.opener.open(
            self.address + "/sign-in/", urllib.parse.urlencode(form).encode(), timeout=20
        ) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def drill(tmp_path_factory):
    """An installation with rows in every table whose tick does not come, and the id of a referral in it."""
    folder = tmp_path_factory.mktemp("drill")
    machine = Machine(folder / "var", PORT=free_port(), DEMO="0", PYTHONUNBUFFERED="1", TICK_SECONDS="3600")
    fill = '"$1" manage.py migrate -v0 && "$1" -m tests.referralcrm.filled fill'
    made = machine.exec("sh", "-c", fill, "sh", sys.executable)
    assert made.returncode == 0, made.stderr
    yield machine, int(made.stdout)
    machine.end()


@contextmanager
def running(machine: Machine) -> Iterator[dict[str, str]]:
    """The product beneath a test; what it yields hashes its tables."""
    supervisor = machine.start("run")
    said_until(supervisor, "is ready")
    yield machine.addresses()
    supervisor.terminate()
    assert supervisor.wait(60) == 0


@contextmanager
def visited(machine: Machine) -> Iterator[list[bool]]:
    """Somebody who asks for a page again and again; what it yields says whether each was served."""
    served: list[bool] = []
    is_over = threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            served.append("Sign in" in Visitor(machine).get("/sign-in/"))

    visitor = threading.Thread(target=visit)
    visitor.start()
    yield served
    is_over.set()
    visitor.join()


def backup_of(machine: Machine) -> Path:
    return max(machine.data_dir.with_name("var-backups").glob("*.age"))


def restore(machine: Machine, *options: str) -> str:
    done = machine.run("restore", str(backup_of(machine)), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusal(machine: Machine, *options: str) -> str:
    done = machine.run("restore", str(backup_of(machine)), *options)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_was_wiped_is_restored_row_by_row_and_signs_its_manager_in(drill):
    machine, referral = drill
    with running(machine) as addresses:
        Visitor(machine).sign_in()
        before = hashes(addresses["BACKUP_DATABASE_URL"])
        with visited(machine) as served:
            made = machine.run("backup")
        assert made.returncode == 0, made.stderr
        assert "read back and counted" in made.stdout
        assert served
        assert all(served)
    assert before["public.practices_session"].startswith("1 rows")

    shutil.rmtree(machine.data_dir)
    restore(machine)
    with running(machine) as addresses:
        after = hashes(addresses["BACKUP_DATABASE_URL"])
        assert {table: after[table] for table in SESSIONS & after.keys()} == dict.fromkeys(
            SESSIONS & after.keys(), "0 rows, "
        )
        assert {t: after[t] for t in after.keys() - SESSIONS} == {
            t: before[t] for t in before.keys() - SESSIONS
        }
        for web in ids_of(machine, "gunicorn"):  # who serves is not told how to see every practice
            assert b"BACKUP_DATABASE_URL" not in Path(f"/proc/{web}/environ").read_bytes()
        manager = Visitor(machine)
        assert "Sign out" in manager.sign_in()
        assert PATIENT in manager.get(f"/referrals/{referral}/")


def test_database_that_is_there_is_replaced_only_when_told(drill):
    machine, _ = drill
    assert "holds a database" in refusal(machine)


def test_file_that_is_not_there_is_asked_for(machine):
    asked = machine.run("restore", "")
    assert (asked.returncode, asked.stderr) == (1, "Which backup? There is no file .: make restore FILE=…\n")
    assert not machine.data_dir.exists()


def test_running_product_is_not_restored_over(drill):
    machine, _ = drill
    supervisor = machine.start_servers()
    assert "already runs on" in refusal(machine, "--replace")
    supervisor.kill()
    supervisor.wait()


def test_other_keys_are_refused_and_with_the_right_copy_the_old_database_is_kept_aside(drill):
    machine, _ = drill
    in_place = machine.data_dir.with_name("var-keys")
    copied = in_place.rename(machine.data_dir.with_name("stick"))
    database = (machine.data_dir / "postgres").stat().st_ino
    assert "The keys are missing" in refusal(machine, "--replace")
    other = copied.with_name("other")
    shutil.copytree(copied, other)
    lines = (copied / "keys.env").read_text().splitlines()
    (other / "keys.env").write_text("\n".join(re.sub("^PATIENT_DATA_KEYS=.*", OTHER, line) for line in lines))
    said = refusal(machine, "--replace", "--keys", str(other))
    assert "not the keys that the backup's data was written with: k1" in said
    assert "Nothing was changed." in said
    assert (machine.data_dir / "postgres").stat().st_ino == database
    assert not in_place.exists()

    said = restore(machine, "--replace", "--keys", str(copied))
    (aside,) = machine.data_dir.glob("postgres.before-*")
    assert str(aside) in said
    assert aside.stat().st_ino == database
    assert (in_place / "keys.env").read_text() == (copied / "keys.env").read_text()
    assert (in_place / "keys.env").stat().st_mode & 0o777 == 0o600
    assert machine.exec("true").returncode == 0


@pytest.mark.faults
def test_restore_that_is_killed_halfway_leaves_the_old_database(drill):
    machine, _ = drill
    database = (machine.data_dir / "postgres").stat().st_ino
    killed = machine.start("restore", str(backup_of(machine)), "--replace")
    deadline = time.monotonic() + 60
    while not (machine.data_dir / "restoring" / "postgres").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    machine.seconds_until_gone(patience=60)
    assert (machine.data_dir / "postgres").stat().st_ino == database
    assert machine.exec("true").returncode == 0


def test_restore_cut_short_at_its_last_step_is_finished_by_the_next_start(drill):
    machine, _ = drill
    database = machine.data_dir / "postgres"
    inode = database.stat().st_ino
    database.rename(machine.data_dir / "postgres.restored")
    assert machine.exec("true").returncode == 0
    assert database.stat().st_ino == inode
