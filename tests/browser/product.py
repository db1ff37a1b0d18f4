"""The whole product as `make run` starts it: servers, web, worker, beat and demo, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from referralcrm.embedded.configuration import BASE_DIR

OURS = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass
class Product:
    """A running product on the demo's data."""

    url: str
    environ: dict[str, str]
    folder: Path

    def manage(self, *arguments: str) -> str:
        """One `manage.py` command beside the running product; its output. Raises when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environ,
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tick(self, now: str) -> None:
        """Hand the real worker a tick that takes `now` (ISO, aware) for the time."""
        self.manage("shell", "-v", "0", "-c", f"from referralcrm.tasks import tick; tick.delay({now!r})")


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """Start it, wait until it says that it is ready, and stop it as Ctrl-C does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {name: os.environ[name] for name in OURS if name in os.environ}
    environ |= {"PORT": str(port), "DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"}
    output = folder / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "referralcrm.embedded", "run"],
            env=environ,
            cwd=BASE_DIR,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, output)
        yield Product(f"http://127.0.0.1:{port}", environ, folder / "data")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen, output: Path, *, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while "is ready" not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)
