"""pgbouncer in transaction mode before the embedded PostgreSQL, as docs/scaling.md sets it up."""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from referralcrm.database_limits import OF_PAGES, OF_TASKS, Limits
from referralcrm.embedded.accounts import give_folder, ordinary_account
from referralcrm.embedded.postgres import DATABASE, socket_folder
from referralcrm.embedded.processes import Child, Command, start
from referralcrm.embedded.roles import APPLICATION

PORT = 6432
FOR_PAGES, FOR_TASKS, SINGLE = "referralcrm_web", "referralcrm_tasks", "single"
CONNECTIONS = {FOR_PAGES: 4, FOR_TASKS: 4, SINGLE: 1}


@dataclass
class Pooler:
    """A running pgbouncer, and where it listens."""

    child: Child
    sockets: Path

    def url(self, database: str) -> str:
        """As DATABASE_URL takes it."""
        return f"postgresql://{APPLICATION}@{quote(str(self.sockets), safe='')}:{PORT}/{database}"

    def connect(self, database: str = SINGLE, **options: Any) -> Any:
        """A client of its own."""
        return psycopg2.connect(
            host=str(self.sockets), port=PORT, user=APPLICATION, dbname=database, **options
        )

    def kill(self) -> None:
        """kill -9, and a new one in its place."""
        self.child.process.kill()
        self.child.stop()
        self.child = start(self.child.command)
        self.wait_until_it_answers()

    def wait_until_it_answers(self, *, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.child.is_alive():
            with suppress(psycopg2.OperationalError), closing(self.connect()):
                return
            time.sleep(0.05)
        raise TimeoutError(f"pgbouncer did not start: {self.child.command.log}")


@contextmanager
def running_pooler(runtime: Path) -> Iterator[Pooler]:
    """Start it beside the server whose sockets lie in this folder. Raises when it is not installed."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        raise SystemExit("pgbouncer is missing: apt-get install pgbouncer")
    account = ordinary_account()  # it refuses to run as root, as PostgreSQL does
    sockets = give_folder(runtime / "pgbouncer", account)
    configuration = sockets / "pgbouncer.ini"
    configuration.write_text(_configuration(sockets, socket_folder(runtime)))
    configuration.chmod(0o644)  # in a folder that nobody else may enter
    command = Command("pgbouncer", [program, configuration], runtime / "pgbouncer.log", cwd=Path("/"))
    if account:
        command = replace(command, user=account.pw_uid, group=account.pw_gid)
    pooler = Pooler(start(command), sockets)
    try:
        pooler.wait_until_it_answers()
        yield pooler
    finally:
        pooler.child.stop()


def _configuration(sockets: Path, server: Path) -> str:
    limits = {FOR_PAGES: OF_PAGES, FOR_TASKS: OF_TASKS, SINGLE: OF_PAGES}
    databases = "\n".join(
        f"{name} = host={server} dbname={DATABASE} user={APPLICATION} pool_size={CONNECTIONS[name]}"
        f" connect_query='{_set(limits[name])}'"
        for name in CONNECTIONS
    )
    return f"""[databases]
{databases}
[pgbouncer]
listen_addr =
listen_port = {PORT}
unix_socket_dir = {sockets}
auth_type = any
pool_mode = transaction
max_client_conn = 400
log_connections = 0
log_disconnections = 0
"""


def _set(limits: Limits) -> str:
    named = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.pause,
    }
    return "; ".join(f"SET {name} = {seconds * 1000}" for name, seconds in named.items())
