"""The whole product as `make run` starts it: what it says, what it survives, and how it ends."""

import base64
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from referralcrm.embedded import keeping
from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.processes import Command, start
from tests.referralcrm.machine import Machine

# Of processor time, which other work on the machine does not lengthen as it does the clock's; a start
# that keeps one core busy throughout takes as long.
SECONDS_TO_START_AGAIN = 10
PROCESSES = {
    "gunicorn": "The web server",
    "celery -A referralcrm worker": "The worker",
    "celery -A referralcrm beat": "Beat",
}
DEMO_ACCOUNTS = ["manager", "coordinator", "physician", "liaison", "stranger"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("product")


@pytest.fixture
def product(folder):
    """A machine without the demo, on the data that the test before left, with a free port."""
    machine = Machine(folder / "var", PORT=free_port(), DEMO="0", PYTHONUNBUFFERED="1")
    yield machine
    machine.end()
    machine.seconds_until_gone()


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def said_until(supervisor: subprocess.Popen[str], sentence: str) -> str:
    """Read what is printed until the sentence appears; fail with all of it when it does not."""
    said = ""
    for line in supervisor.stdout:
        said += line
        if sentence in line:
            return said
    raise AssertionError(f"{said}\nIt ended with {supervisor.wait(60)}.")


def status_of(product, path: str) -> int:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{product.environ['PORT']}{path}", timeout=10
        ) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def health_of(product) -> dict:
    address = f"http://127.0.0.1:{product.environ['PORT']}/readyz"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def ids_of(product, words: str) -> list[int]:
    """Return the processes of this machine whose command line holds the words, the first started first."""
    return sorted(process for process, title in product.processes().items() if words in title)


def test_demo_is_loaded_and_found_again_after_ctrl_c(make_machine):
    product = make_machine(PORT=free_port(), PYTHONUNBUFFERED="1")
    supervisor = product.start("run")
    said = said_until(supervisor, "Logs:")
    assert f"Referral CRM is ready: http://localhost:{product.environ['PORT']}/" in said
    assert re.findall(r"^  (\w+)@demo\.example$", said, re.MULTILINE) == DEMO_ACCOUNTS
    assert "referral-demo" in said
    assert status_of(product, "/readyz") == 200
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(60) == 0
    assert product.processes() == {}

    said_until(product.start("run"), "is ready")
    assert product.processor_seconds() < SECONDS_TO_START_AGAIN


def test_demo_over_a_practice_of_ones_own_prints_no_sign_in_that_does_not_exist(product):
    made = "from practices.models import Practice as P; P.objects.exists() or P.objects.create(name='Ours')"
    assert product.exec(sys.executable, "manage.py", "migrate", "-v0").returncode == 0
    assert product.exec(sys.executable, "manage.py", "shell", "-v0", "-c", made).returncode == 0
    product.environ["DEMO"] = "1"
    supervisor = product.start("run")
    said = said_until(supervisor, "Logs:")
    assert "There is a practice already, so no demo was made" in said
    assert "demo.example" not in said
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0


def test_without_the_demo_no_sign_in_is_printed_and_an_end_asked_for_leaves_no_process(product):
    supervisor = product.start("run")
    said = said_until(supervisor, "Logs:")
    assert "demo.example" not in said
    assert "referral-demo" not in said
    assert ids_of(product, "celery -A referralcrm worker")
    assert ids_of(product, "celery -A referralcrm beat")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0
    assert product.processes() == {}


@pytest.mark.faults
def test_killed_run_leaves_no_process_and_starts_again_at_once(product):
    supervisor = product.start("run")
    said_until(supervisor, "is ready")
    supervisor.kill()
    supervisor.wait()
    again = product.start("run")
    said_until(again, "is ready")
    again.kill()
    again.wait()
    assert product.seconds_until_gone() < 5


@pytest.mark.faults
def test_killed_process_is_started_again(product):
    supervisor = product.start("run")
    said_until(supervisor, "Logs:")
    for words, name in PROCESSES.items():
        killed = ids_of(product, words)[0]
        os.kill(killed, signal.SIGKILL)
        assert f"{name} ended unexpectedly; again in 1 s." in said_until(supervisor, "ended unexpectedly")
        wait_for(lambda words=words, killed=killed: [i for i in ids_of(product, words) if i != killed])
    assert status_of(product, "/readyz") == 200


def wait_for(truth: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.faults
def test_killed_server_is_started_again_beneath_the_product(product):
    product.environ["TICK_SECONDS"] = "2"
    supervisor = product.start("run")
    said_until(supervisor, "Logs:")
    wait_for(lambda: health_of(product)["status"] == "ok")
    served_by = ids_of(product, "gunicorn")
    for words, name, meanwhile in (
        ("valkey-server", "Valkey", "degraded"),  # pages go on being served
        ("postgres -D", "PostgreSQL", "unavailable"),
    ):
        os.kill(ids_of(product, words)[0], signal.SIGKILL)
        said_until(supervisor, f"{name} ended unexpectedly; again in 1 s.")
        assert health_of(product)["status"] == meanwhile
        wait_for(lambda: ticks_and_works_again(product))
    assert ids_of(product, "gunicorn") == served_by


def ticks_and_works_again(product) -> bool:
    """Whether a tick and a task ran in the last moments, and so after what was killed came back."""
    said = health_of(product)
    ages = [said[part]["seconds_ago"] for part in ("tick", "worker")]
    return said["status"] == "ok" and all(age is not None and age <= 1 for age in ages)


@pytest.mark.parametrize("name", ["a server", "a process"])
def test_what_falls_again_and_again_is_given_up_in_a_sentence(tmp_path, monkeypatch, name):
    monkeypatch.setattr(keeping, "RESTART_AFTER", (0.01, 0.02))
    said = "import os; os.write(1, b'No good.')"
    falls = Command(name, [sys.executable, "-c", said], tmp_path / "its.log")
    server = [keeping.Kept(start(falls), lambda: start(falls))] if name == "a server" else []
    with keeping.Keeper(server) as keeper:
        if not server:
            keeper.add(falls)
        with pytest.raises(Refused, match=f"^{name} does not stay up, so everything was stopped.*\nNo good"):
            for _ in range(100):
                keeper.look_after()


def test_what_pages_can_do_without_is_started_again_for_as_long_as_it_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keeping, "RESTART_AFTER", (0.01, 0.02))
    monkeypatch.setattr(keeping, "LOOK_EVERY", 0.02)
    with keeping.Keeper([]) as keeper:
        keeper.add(Command("the worker", ["false"], tmp_path / "its.log"), is_vital=False)
        while capsys.readouterr().out.count("the worker ended unexpectedly; again in 0.02 s.") == 0:
            keeper.look_after()
        for _ in range(4):
            fallen = keeper.kept[0].falls
            while keeper.kept[0].falls == fallen:
                keeper.look_after()


DROPS_WHAT_IS_RAISED = """
import os, signal
from referralcrm.embedded import interrupts, keeping
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(10):
            pass
interrupts.heed_signals()
Finalized()
print("went on", flush=True)
try:
    keeping.Keeper([]).look_after()
except KeyboardInterrupt:
    print("ends", flush=True)
"""


def test_signal_in_the_middle_of_a_finalizer_is_not_lost():
    said = subprocess.run(
        [sys.executable, "-c", DROPS_WHAT_IS_RAISED], capture_output=True, text=True, timeout=60
    )
    assert "Exception ignored in" in said.stderr
    assert said.stdout.split("\n")[:2] == ["went on", "ends"]


def test_server_that_can_not_start_again_is_given_up_with_its_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keeping, "RESTART_AFTER", (0.01, 0.02))

    def again():
        raise Refused("The disk is full.")

    server = keeping.Kept(start(Command("a server", ["true"], tmp_path / "its.log")), again)
    with (
        pytest.raises(Refused, match=r"^a server does not stay up.* The disk is full\.$"),
        keeping.Keeper([server]) as keeper,
    ):
        for _ in range(100):
            keeper.look_after()
    assert capsys.readouterr().out.count("ended unexpectedly; again in") == 2


def test_malformed_setting_is_named_before_the_web_server_starts(product):
    product.environ["SESSION_HOURS"] = "long"
    refused = product.run("run")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "SESSION_HOURS is malformed: see docs/settings.md."
    assert "Traceback" not in refused.stderr
    assert product.processes() == {}


def test_wrong_keys_are_refused(product):
    assert product.exec(sys.executable, "manage.py", "migrate", "-v0").returncode == 0
    assert product.python("import referralcrm.wsgi").returncode == 0  # notes the right ones
    keys = product.data_dir.with_name("var-keys") / "keys.env"
    keys.rename(keys.with_name("right.env"))
    other = base64.b64encode(secrets.token_bytes(64)).decode()
    keys.write_text(
        re.sub(
            "PATIENT_DATA_KEYS=.*", f"PATIENT_DATA_KEYS=k1:{other}", keys.with_name("right.env").read_text()
        )
    )
    refused = product.run("run")
    keys.with_name("right.env").rename(keys)
    assert refused.returncode == 1
    assert "not the keys this database was written with" in refused.stderr
    assert f"read from {keys}" in refused.stderr
    assert "Traceback" not in refused.stderr
