"""How long a statement, a lock and a pause within a transaction may take, by what kind of process asks."""

import sys
from collections.abc import Sequence
from typing import NamedTuple


class Limits(NamedTuple):
    """In seconds; 0: as long as it takes."""

    statement: int
    lock: int
    pause: int  # a transaction that does nothing holds its locks


# A page's reader has gone by then. A task's last statement ends before its own time limit (300). Whoever runs a
# command waits for it, and a migration must not be cut off.
OF_PAGES = Limits(statement=15, lock=10, pause=60)
OF_TASKS = Limits(statement=240, lock=60, pause=280)
OF_COMMANDS = Limits(statement=0, lock=0, pause=0)


def limits_of(process: str, argv: Sequence[str] = tuple(sys.argv)) -> Limits:
    """`web` says so itself (wsgi.py); a worker is known by its command line."""
    if process == "web":
        return OF_PAGES
    is_worker = any("celery" in word for word in argv[:1]) and "worker" in argv
    return OF_TASKS if is_worker else OF_COMMANDS


def connection_options(limits: Limits) -> str:
    """As libpq's `options` take them."""
    named = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.pause,
    }
    return " ".join(f"-c {name}={seconds * 1000}" for name, seconds in named.items())
