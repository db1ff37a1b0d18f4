"""Real servers and real processes, started, killed and started again by the fault tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
import redis

from referralcrm.embedded import valkey
from referralcrm.embedded.configuration import BASE_DIR, Configuration
from referralcrm.embedded.env_files import read_env_file
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.postgres import SUPERUSER
from referralcrm.embedded.product import WEB
from referralcrm.embedded.servers import running_servers

SERVERS = ("PostgreSQL", "Valkey")


class Stack:
    """PostgreSQL and Valkey of their own, and whatever processes a test adds."""

    def __init__(self, folder: DataFolder, servers, logs: Path) -> None:
        self.folder, self.servers, self.logs = folder, servers, logs
        self.environ = {**servers.environ, "BROKER_VISIBILITY_TIMEOUT": "8", "TICK_SECONDS": "2", "DEMO": "0"}
        self.processes: dict[str, subprocess.Popen] = {}
        self.clock: Path | None = None
        self.fell: Counter[str] = Counter()
        self.kept = {kept.child.command.name: kept for kept in servers.kept}
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"

    def run(self, *arguments: str, timeout: int = 300) -> str:
        """A command beside the servers; its output. Raises when it fails."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environ,
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, *arguments: str) -> None:
        log = (self.logs / f"{name}.log").open("ab")
        by_clock = ["tests.faults.moved_clock", str(self.clock)] if self.clock else []
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", *by_clock, *arguments],
            env=self.environ,
            cwd=BASE_DIR,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def start_worker(self, name: str) -> None:
        celery = (
            "celery",
            "-A",
            "referralcrm",
            "worker",
            "-n",
            f"{name}@%h",
            "-c",
            "2",
            "--loglevel",
            "WARNING",
        )
        self.start(name, *celery)

    def start_beat(self, name: str) -> None:
        self.start(name, "celery", "-A", "referralcrm", "beat", "-s", str(self.logs / f"{name}.schedule"))

    def start_web(self, name: str = "web") -> None:
        self.start(name, *WEB.split(), "--bind", self.url.removeprefix("http://"))

    def kill(self, name: str) -> None:
        """kill -9, in the middle of whatever it does: of a server's first process, of a program with its children."""
        if name in SERVERS:
            self.kept[name].child.process.kill()
            self.kept[name].child.stop()
            return
        process = self.processes.pop(name)
        if process.poll() is None:  # not waited for yet, so its number is still its own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def start_again(self, name: str) -> None:
        """Start what was killed, as the supervisor does."""
        if name in SERVERS:
            self.kept[name].child = self.kept[name].again()
        else:
            {"web": self.start_web, "worker": self.start_worker, "beat": self.start_beat}[name.split("-")[0]](
                name
            )

    def look_after(self) -> None:
        """Start again what fell by itself, as the supervisor does, and count it."""
        for name in [name for name, process in self.processes.items() if process.poll() is not None]:
            self.fell[name] += 1
            self.start_again(name)
        for name in [name for name in SERVERS if not self.kept[name].child.is_alive()]:
            self.fell[name] += 1
            self.kill(name)
            self.start_again(name)

    def came_to_no_database(self) -> Counter[str]:
        """Which workers fell with the sentence that there is no database: it was killed while they started."""
        logs = {name: self.logs / f"{name}.log" for name in self.fell if name.startswith("worker")}
        said = {name: log.read_text().count("The database can't be reached") for name, log in logs.items()}
        return +Counter(said)

    def wait_until_ready(self, *, seconds: float = 60) -> None:
        """Until pages are served."""
        deadline = time.monotonic() + seconds
        while self.readiness() != 200:
            assert time.monotonic() < deadline, (self.logs / "web.log").read_text()
            time.sleep(0.1)

    def readiness(self) -> int | None:
        """What /readyz answers; None where nobody does."""
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=5)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status
            except (OSError, HTTPException):
                return None

    @property
    def runtime(self) -> Path:
        return Path(read_env_file(self.folder.running_env)["RUNTIME_DIR"])

    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(valkey.socket_path(self.runtime)))

    def rows(self, sql: str) -> list[tuple]:
        """Every practice's rows, past row security."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def change(self, sql: str) -> None:
        """As `rows`, for what time does to rows while nobody waits for it."""
        with self._cursor() as cursor:
            cursor.execute(sql)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        address = urlsplit(self.environ["DATABASE_URL"])
        name = address.path.strip("/")
        with (
            closing(
                psycopg2.connect(host=unquote(address.hostname or ""), user=SUPERUSER, dbname=name)
            ) as db,
            db,
            db.cursor() as cursor,
        ):
            yield cursor

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def running_stack(folder: Path, *, copy_of: Path | None = None) -> Iterator[Stack]:
    """A migrated database and an empty broker in a folder of their own; a copy saves the migrating."""
    folder.mkdir(exist_ok=True)
    if copy_of:
        subprocess.run(["cp", "-a", f"{copy_of}/.", folder], check=True)
    configuration = Configuration(
        data_dir=folder / "data", port=8000, demo=False, database_url=None, redis_url=None
    )
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    kept = {name: os.environ.pop(name) for name in ADDRESSES if name in os.environ}
    try:
        with running_servers(configuration, for_tests=True) as servers:
            stack = Stack(DataFolder(configuration.data_dir), servers, logs)
            try:
                if copy_of is None:
                    stack.run("manage.py", "migrate", "--verbosity", "0")
                yield stack
            finally:
                stack.stop()
    finally:
        os.environ.update(kept)


# The addresses of the servers that the other tests run on: not ours.
ADDRESSES = (
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "REDIS_URL",
    "PATIENT_DATA_KEYS",
    "BLIND_INDEX_KEY",
    "SECRET_KEY_FILE",
    "PATIENT_DATA_KEYS_FILE",
    "BLIND_INDEX_KEY_FILE",
    "DATA_DIR",
)
