"""The product as it runs in production: gunicorn beside real servers, its processes, their memory, a cold start."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from referralcrm.embedded.keys import KEY_NAMES
from referralcrm.embedded.product import WEB
from referralcrm.embedded.servers import SETTINGS_KEPT

ROOT = Path(__file__).resolve().parent.parent
URLS = ("DATABASE_URL", "OWNER_DATABASE_URL", "BACKUP_DATABASE_URL")
OWNER, APPLICATION = "referralcrm_owner", "referralcrm_app"
SET_BY_SERVERS = {
    *SETTINGS_KEPT,
    *KEY_NAMES,
    *(f"{name}_FILE" for name in KEY_NAMES),
    "KEYS_FILE",
    "DATA_DIR",
}


def clean_environ() -> dict[str, str]:
    """The environment without what servers around us have set: ours are our own."""
    return {name: value for name, value in os.environ.items() if name not in SET_BY_SERVERS}


def environ_of(database: str) -> dict[str, str]:
    """The environment of a process that works in this database of our server."""
    return {**os.environ, **{name: _named(os.environ[name], database) for name in URLS}}


def superuser_of(database: str) -> "psycopg2.extensions.connection":
    """A connection that sees every practice, for what the product never does: copying, vacuuming, reading plans."""
    link = psycopg2.connect(_named(os.environ["BACKUP_DATABASE_URL"], database))
    link.autocommit = True
    return link


def copy_database(source: str, name: str) -> None:
    """The same rows under another name; nobody may be connected to the source."""
    with closing(superuser_of("postgres")) as link, link.cursor() as sql:
        sql.execute(f"CREATE DATABASE {name} TEMPLATE {source} OWNER {OWNER}")
        sql.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {APPLICATION}")


def drop_database(name: str) -> None:
    """Free its disk."""
    with closing(superuser_of("postgres")) as link, link.cursor() as sql:
        sql.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def bring_to_rest(database: str) -> None:
    """What autovacuum does in time, done now: or it would come in the middle of a round."""
    with closing(superuser_of(database)) as link, link.cursor() as sql:
        sql.execute("VACUUM (ANALYZE)")
        sql.execute("CHECKPOINT")


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@dataclass(frozen=True)
class Web:
    """A web server that answers, and the process of it that does."""

    port: int
    process: int


@contextmanager
def serving(database: str) -> Iterator[Web]:
    """Gunicorn as the product starts it, on a port of its own."""
    port = _free_port()
    argv = [sys.executable, "-m", *WEB.split(), "--bind", f"127.0.0.1:{port}"]
    environ = {**environ_of(database), "DEBUG": "0", "PYTHONUNBUFFERED": "1"}
    del environ["BACKUP_DATABASE_URL"]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(argv, env=environ, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_until_ready(port, server)
            yield Web(port, children_of(server.pid)[0])
        finally:
            server.terminate()
            server.wait()


def wait_until_ready(port: int, server: subprocess.Popen, *, seconds: float = 60) -> None:
    """Return at the first page that can be served. Raises when the server ends, or never gets there."""
    deadline, said = time.monotonic() + seconds, b""
    while time.monotonic() < deadline and server.poll() is None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                if answer.status == http.client.OK:
                    return
                said = answer.read()
            except (OSError, http.client.HTTPException):
                pass
        time.sleep(0.02)
    raise TimeoutError(f"the web server did not get ready: {said.decode()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children_of(process: int) -> list[int]:
    """The processes it started that live."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def memory_of(process: int) -> float:
    """MB that the process holds now."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def share_of_memory(process: int) -> float:
    """MB of its own, and its part of what it shares with others; without the right to look, what it holds."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return memory_of(process)
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cold_starts() -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of the first start (which makes keys, database and demo) and of the next; then MB of each part."""
    seconds, memory = {}, {}
    with tempfile.TemporaryDirectory(prefix="referralcrm-bench-", ignore_cleanup_errors=True) as parent:
        for which in ("first", "next"):
            with _product(Path(parent) / "var") as (took, product):
                seconds[which] = took
                if which == "next":
                    time.sleep(5)  # the worker and beat start after the pages
                    memory = _memory_by_part(product.pid)
    return seconds, memory


@contextmanager
def _product(data_dir: Path) -> Iterator[tuple[float, subprocess.Popen]]:
    port = _free_port()
    environ = {**clean_environ(), "DATA_DIR": str(data_dir), "PORT": str(port)}
    argv = [sys.executable, "-m", "referralcrm.embedded", "run"]
    begun = time.perf_counter()
    product = subprocess.Popen(
        argv, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_ready(port, product)
        took = time.perf_counter() - begun
        yield took, product
    finally:
        product.terminate()
        product.wait()


PARTS = {"gunicorn": "web server", "worker": "worker", "beat": "beat", "valkey": "Valkey"}


def _memory_by_part(supervisor: int) -> dict[str, float]:
    found = {"supervisor": share_of_memory(supervisor)}
    for child in children_of(supervisor):
        command = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
        name = next((part for word, part in PARTS.items() if word in command), "PostgreSQL")
        found[name] = found.get(name, 0) + sum(map(share_of_memory, _with_descendants(child)))
    return found


def _with_descendants(process: int) -> list[int]:
    return [process, *(each for child in children_of(process) for each in _with_descendants(child))]
