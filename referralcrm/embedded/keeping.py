"""Keeps the product's processes alive: restarts what falls, gives up in words."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.processes import Child, Command, start, with_log

LOOK_EVERY = 0.2
RESTART_AFTER = (1, 2, 4, 8, 16)  # seconds; then it is given up
RECOVERED_AFTER = 60


@dataclass
class Kept:
    """A process to be kept alive, and how often it fell of late."""

    child: Child
    falls: int = 0
    restart_at: float | None = None


class Keeper:
    """The product's processes, started in order and stopped all at once."""

    def __init__(self, servers: Sequence[Child]) -> None:
        self.servers = servers
        self.kept: list[Kept] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        print("\nStopping …", flush=True)
        for kept in self.kept:
            kept.child.ask_to_end()
        for kept in self.kept:
            kept.child.stop()

    def add(self, command: Command) -> None:
        """Start a process and keep it."""
        self.kept.append(Kept(start(command)))

    def look_after(self) -> None:
        """Restart what fell; raise Refused when a server ended or a process falls again and again."""
        time.sleep(LOOK_EVERY)
        for server in self.servers:
            if not server.is_alive():
                raise Refused(_ended(server))
        for kept in self.kept:
            _look_after(kept)


def _look_after(kept: Kept) -> None:
    now = time.monotonic()
    if kept.restart_at is not None:
        if now >= kept.restart_at:
            kept.child, kept.restart_at = start(kept.child.command), None
    elif not kept.child.is_alive():
        kept.child.stop()  # whatever it left in its group
        kept.falls = 1 if now - kept.child.started > RECOVERED_AFTER else kept.falls + 1
        if kept.falls > len(RESTART_AFTER):
            raise Refused(_ended(kept.child))
        delay = RESTART_AFTER[kept.falls - 1]
        print(f"{kept.child.command.name} ended unexpectedly; again in {delay} s.", flush=True)
        kept.restart_at = now + delay


def _ended(child: Child) -> str:
    return with_log(f"{child.command.name} ended unexpectedly; everything was stopped", child)
