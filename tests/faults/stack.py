"""Real servers and real processes, started, killed and started again by the fault tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2
import redis

from referralcrm.embedded import valkey
from referralcrm.embedded.configuration import BASE_DIR, Configuration
from referralcrm.embedded.env_files import read_env_file
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.postgres import SUPERUSER
from referralcrm.embedded.servers import running_servers


class Stack:
    """PostgreSQL and Valkey of their own, and whatever processes a test adds."""

    def __init__(self, folder: DataFolder, servers, logs: Path) -> None:
        self.folder, self.servers, self.logs = folder, servers, logs
        self.environ = {**servers.environ, "BROKER_VISIBILITY_TIMEOUT": "8", "TICK_SECONDS": "2", "DEMO": "0"}
        self.processes: dict[str, subprocess.Popen] = {}
        self.broker = next(kept for kept in servers.kept if kept.child.command.name == "Valkey")

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
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", *arguments],
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

    def kill(self, name: str) -> None:
        """kill -9 of the process and all its children, in the middle of whatever they do."""
        process = self.processes.pop(name)
        if process.poll() is None:  # not waited for yet, so its number is still its own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill_broker(self, *, and_forget: bool = False) -> None:
        """kill -9 of Valkey, and its start again; a broker may also come back having forgotten everything."""
        if and_forget:
            self.redis().flushall()
        self.broker.child.process.kill()
        self.broker.child.stop()
        self.broker.child = self.broker.again()

    @property
    def runtime(self) -> Path:
        return Path(read_env_file(self.folder.running_env)["RUNTIME_DIR"])

    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(valkey.socket_path(self.runtime)))

    def rows(self, sql: str) -> list[tuple]:
        """Every practice's rows, past row security."""
        address = urlsplit(self.environ["DATABASE_URL"])
        name = address.path.strip("/")
        with (
            psycopg2.connect(host=unquote(address.hostname or ""), user=SUPERUSER, dbname=name) as db,
            db.cursor() as c,
        ):
            c.execute(sql)
            return c.fetchall()

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """A migrated database and an empty broker in a folder of their own."""
    configuration = Configuration(
        data_dir=folder / "data", port=8000, demo=False, database_url=None, redis_url=None
    )
    logs = folder / "logs"
    logs.mkdir()
    kept = {name: os.environ.pop(name) for name in ADDRESSES if name in os.environ}
    try:
        with running_servers(configuration, for_tests=True) as servers:
            stack = Stack(DataFolder(configuration.data_dir), servers, logs)
            try:
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
    "DATA_DIR",
)
