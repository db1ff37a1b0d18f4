"""Child processes that end with their parent, and what became of earlier ones."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
LARGEST_LOG = 5 * 2**20
# Loaded before any fork: a child between fork and exec may not load libraries.
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Command:
    """How one process is started and asked to end."""

    name: str
    argv: Sequence[str | Path]
    log: Path | None
    environ: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None
    pass_fds: Sequence[int] = ()
    own_group: bool = True
    # Tried in this order, each with its seconds of patience; SIGKILL comes last.
    endings: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10),)
    orphan_signal: signal.Signals = signal.SIGTERM


@dataclass
class Child:
    """A started process."""

    command: Command
    process: subprocess.Popen[bytes]
    started: float
    # Where its own part of the log begins.
    log_start: int = 0
    is_asked: bool = False
    is_stopped: bool = False

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def ask_to_end(self) -> None:
        """Send the first request to end, once: some programs take a second one for impatience."""
        if not self.is_asked:
            self.process.send_signal(self.command.endings[0][0])
            self.is_asked = True

    def stop(self) -> None:
        """End the process: by request first, by force when that is not heard."""
        if self.is_stopped:  # its number may be another's by now
            return
        self.is_stopped = True
        self.ask_to_end()
        for position, (request, patience) in enumerate(self.command.endings):
            if position > 0:
                self.process.send_signal(request)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                break
        if self.command.own_group:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


def start(command: Command) -> Child:
    """Start a process that the kernel ends when its parent dies; from the main thread only."""
    options: dict[str, Any] = {}
    if command.user is not None:
        options = {"user": command.user, "group": command.group, "extra_groups": []}
    if command.log is not None:
        options |= {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with (command.log or Path(os.devnull)).open("ab") as log:
        log_start = log.tell()
        process = subprocess.Popen(
            [os.fspath(part) for part in command.argv],
            stdout=log if command.log else None,
            env=command.environ,
            cwd=command.cwd,
            pass_fds=command.pass_fds,
            process_group=0 if command.own_group else None,
            preexec_fn=_end_with_parent(os.getpid(), command.orphan_signal),
            **options,
        )
        return Child(command, process, time.monotonic(), log_start)


def _end_with_parent(parent: int, orphan_signal: signal.Signals) -> Any:
    def end_with_parent() -> None:
        # After the change of user, which clears it: Popen calls this last.
        LIBC.prctl(PR_SET_PDEATHSIG, orphan_signal)
        if os.getppid() != parent:
            os._exit(1)

    return end_with_parent


def fresh_log(path: Path) -> Path:
    """Return the log's path, its previous part set aside once it is large."""
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(path.name + ".1"))
    return path


def with_log(sentence: str, child: Child, *, lines: int = 12) -> str:
    """Return the sentence with the last that the process said, or with the one cause that says it all."""
    log = child.command.log
    if log is None or not log.exists():
        return f"{sentence}."
    with log.open("rb") as file:
        file.seek(max(child.log_start, log.stat().st_size - 20_000))
        said = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    if any("No space left on device" in line for line in said):
        return f"{sentence}: the disk that holds {log.parent.parent} is full."
    return "\n".join([f"{sentence}. The end of {log}:", *said])


def wait_until_gone(name: str, folder: Path, *, seconds: float = 30) -> bool:
    """Wait until no process of this name works in the folder; say whether that came true."""
    deadline = time.monotonic() + seconds
    while works_in(name, folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def works_in(name: str, folder: Path) -> bool:
    """Whether a process of this name has the folder as its working directory."""
    return any(_works_in(process, name, folder) for process in Path("/proc").glob("[0-9]*"))


def _works_in(process: Path, name: str, folder: Path) -> bool:
    with suppress(OSError):  # it ended meanwhile, or is another user's
        if (process / "comm").read_text(errors="replace").strip() == name:
            return (process / "cwd").samefile(folder)
    return False
