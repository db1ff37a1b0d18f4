"""The whole product on one machine: prepared, started, watched, and stopped in order."""

import errno
import hashlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGKILL, SIGQUIT, SIGTERM
from typing import Any

import psycopg2

from referralcrm.embedded.configuration import BASE_DIR, Configuration, Refused
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.keeping import Keeper
from referralcrm.embedded.own_backups import DailyBackup, back_up_before_upgrade, make_backup_key
from referralcrm.embedded.processes import Command, fresh_log, start, with_log
from referralcrm.embedded.servers import Servers, running_servers

HOST = "127.0.0.1"
DEMO_ACCOUNTS = ("manager", "coordinator", "physician", "liaison", "stranger")
DEMO_PASSWORD = "referral-demo"

# One process with threads: requests wait for the database more than for Python, and a second process
# would cost 80 MB and its own connections.
WEB = "gunicorn referralcrm.wsgi --config python:referralcrm.web_server --graceful-timeout 10"
WORKER = "celery -A referralcrm worker --concurrency 2 --loglevel INFO --without-gossip --without-mingle"
BEAT = "celery -A referralcrm beat --loglevel INFO --pidfile="


def run_product(configuration: Configuration) -> None:
    """Run everything until it is interrupted; raise Refused when it cannot go on."""
    folder = DataFolder(configuration.data_dir)
    with _port(configuration.port) as listener, running_servers(configuration) as servers:
        _prepare(folder, servers.environ, demo=configuration.demo)
        with Keeper(servers.kept) as keeper, DailyBackup(folder, servers.environ) as daily:
            web, *background = _commands(folder, servers, listener)
            keeper.add(web)
            while not _is_ready(configuration.port):
                keeper.look_after()
            for command in background:  # later, since a person waits for the pages alone
                # A broker whose memory or disk is full fells them again and again; pages go on being served.
                keeper.add(command, is_vital=False)
            _announce(folder, configuration, servers.environ["DATABASE_URL"])
            while True:
                keeper.look_after()
                daily.look()


@contextmanager
def _port(number: int) -> Iterator[socket.socket]:
    """Take the port before anything is written; the web server inherits it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The web server of a run that was killed needs a moment to end.
        deadline = time.monotonic() + 3
        while (failure := _bind(listener, number)) == errno.EADDRINUSE and time.monotonic() < deadline:
            time.sleep(0.1)
        if failure:
            reason = os.strerror(failure).lower()
            raise Refused(f"Port {number} cannot be used ({reason}): choose another PORT.")
        yield listener


def _bind(listener: socket.socket, number: int) -> int:
    try:
        listener.bind((HOST, number))
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def _prepare(folder: DataFolder, environ: Mapping[str, str], *, demo: bool) -> None:
    """Bring the database and the static files to this version, and load the demo where there is nothing."""
    print("Preparing the database …", flush=True)
    make_backup_key(environ)
    back_up_before_upgrade(folder, environ)
    _manage(folder, environ, "migrate", "--noinput")
    _collect_static(folder, environ)
    if demo and _is_empty(environ["DATABASE_URL"]):
        _manage(folder, environ, "seed", "--demo-if-empty")


def _is_empty(database_url: str) -> bool:
    """Whether there is no practice yet; asked here, since starting Django to ask it takes a second."""
    with closing(psycopg2.connect(database_url)) as db, db.cursor() as sql:
        sql.execute("SELECT NOT EXISTS (SELECT FROM practices_practice)")
        return bool(sql.fetchone()[0])


def _manage(folder: DataFolder, environ: Mapping[str, str], *arguments: str) -> None:
    log = fresh_log(folder.logs / f"{arguments[0]}.log")
    argv = [sys.executable, "manage.py", *arguments]
    child = start(Command(f"manage.py {arguments[0]}", argv, log, environ=environ, cwd=BASE_DIR))
    try:
        if child.process.wait() != 0:
            raise Refused(with_log(f"manage.py {' '.join(arguments)} failed", child))
    finally:
        child.stop()


def _collect_static(folder: DataFolder, environ: Mapping[str, str]) -> None:
    """Collect the static files unless they are those of the last start, which saves seconds."""
    stamp, digest = folder.path / "static.stamp", _digest_of_static()
    if stamp.exists() and stamp.read_text() == digest:
        return
    _manage(folder, environ, "collectstatic", "--noinput", "--clear")
    stamp.write_text(digest)


def _digest_of_static() -> str:
    sources = [BASE_DIR / "requirements.txt", *sorted((BASE_DIR / "static").rglob("*"))]
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sources if path.is_file()]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _commands(folder: DataFolder, servers: Servers, listener: socket.socket) -> Iterator[Command]:
    def command(name: str, log: str, argv: str, **options: Any) -> Command:
        # Who serves has no business with the role that sees every practice.
        environ = {k: v for k, v in servers.environ.items() if k != "BACKUP_DATABASE_URL"}
        environ["PYTHONUNBUFFERED"] = "1"
        words = [sys.executable, "-m", *argv.split()]
        return Command(name, words, fresh_log(folder.logs / log), environ, cwd=BASE_DIR, **options)

    gently = ((SIGTERM, 15), (SIGQUIT, 5))
    web = f"{WEB} --bind fd://{listener.fileno()}"
    pass_fds = [listener.fileno()]
    yield command("The web server", "web.log", web, endings=gently, orphan_signal=SIGQUIT, pass_fds=pass_fds)
    # Orphans end without a farewell: the worker would wait for a broker that is gone as well, and late
    # acknowledgement brings its tasks back.
    yield command("The worker", "worker.log", WORKER, endings=gently, orphan_signal=SIGKILL)
    yield command("Beat", "beat.log", BEAT, orphan_signal=SIGKILL)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _demo_sign_ins(database_url: str) -> list[str]:
    """The demo's sign-ins that there are: a database may hold a practice and no demo."""
    addresses = [f"{account}@demo.example" for account in DEMO_ACCOUNTS]
    with closing(psycopg2.connect(database_url)) as db, db.cursor() as sql:
        sql.execute("SELECT email FROM practices_user WHERE email = ANY(%s)", [addresses])
        found = {email for (email,) in sql.fetchall()}
    return [address for address in addresses if address in found]


def _announce(folder: DataFolder, configuration: Configuration, database_url: str) -> None:
    print(f"\nReferral CRM is ready: http://localhost:{configuration.port}/  (Ctrl-C stops it)")
    if configuration.demo and (sign_ins := _demo_sign_ins(database_url)):
        print(f"Demo sign-ins, each with the password {DEMO_PASSWORD}:")
        print(*(f"  {address}" for address in sign_ins), sep="\n")
    elif configuration.demo:
        print("There is a practice already, so no demo was made: sign in with an account of yours.")
    else:
        print("To begin a practice: .venv/bin/python manage.py create_practice --help")
    print(f"Logs: {_as_seen_from_here(folder.logs)}", flush=True)


def _as_seen_from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
