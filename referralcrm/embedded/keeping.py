"""Keeps the servers and the product's processes alive: restarts what falls, gives up in words."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.interrupts import raise_if_asked
from referralcrm.embedded.processes import Child, Command, start, with_log

LOOK_EVERY = 0.2
RESTART_AFTER = (1, 2, 4, 8, 16)  # seconds; then it is given up
RECOVERED_AFTER = 60


@dataclass
class Kept:
    """A process to be kept alive, how it is started again, and how often it fell of late."""

    child: Child
    again: Callable[[], Child]
    is_vital: bool = True
    falls: int = 0
    restart_at: float | None = None

    @property
    def is_down(self) -> bool:
        """Whether it fell and waits for its restart."""
        return self.restart_at is not None


class Keeper:
    """The servers, and the product's processes: these are started in order and stopped all at once."""

    def __init__(self, servers: Sequence[Kept]) -> None:
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

    def add(self, command: Command, *, is_vital: bool = True) -> None:
        """Start a process and keep it; what is not vital is never given up."""
        self.kept.append(Kept(start(command), lambda: start(command), is_vital))

    def look_after(self) -> None:
        """Restart what fell; raise Refused when something vital falls again and again, or as asked by a signal."""
        time.sleep(LOOK_EVERY)
        raise_if_asked()
        for server in self.servers:
            _look_after(server)
        if any(server.is_down for server in self.servers):
            return  # what starts now would fall for want of it
        for kept in self.kept:
            _look_after(kept)


def _look_after(kept: Kept) -> None:
    if kept.restart_at is None:
        if not kept.child.is_alive():
            kept.child.stop()  # whatever it left in its group
            _note_fall(kept, with_log("It ended unexpectedly", kept.child))
    elif time.monotonic() >= kept.restart_at:
        try:
            kept.child, kept.restart_at = kept.again(), None
        except Refused as refusal:
            _note_fall(kept, str(refusal))


def _note_fall(kept: Kept, reason: str) -> None:
    now, name = time.monotonic(), kept.child.command.name
    kept.falls = 1 if now - kept.child.started > RECOVERED_AFTER and not kept.is_down else kept.falls + 1
    if kept.is_vital and kept.falls > len(RESTART_AFTER):
        raise Refused(f"{name} does not stay up, so everything was stopped. {reason}")
    delay = RESTART_AFTER[min(kept.falls, len(RESTART_AFTER)) - 1]
    print(f"{name} ended unexpectedly; again in {delay} s.", flush=True)
    kept.restart_at = now + delay
