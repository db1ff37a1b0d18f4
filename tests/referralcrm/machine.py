"""One machine of the product in a folder of its own, started as a user starts it."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

from referralcrm.embedded.configuration import BASE_DIR
from referralcrm.embedded.env_files import read_env_file

# What the servers of this very test run set, and a newcomer's shell does not.
SET_BY_SERVERS = {
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "BACKUP_DATABASE_URL",
    "BACKUP_DIR",
    "BACKUP_KEY_FILE",
    "REDIS_URL",
    "SECRET_KEY",
    "PATIENT_DATA_KEYS",
    "BLIND_INDEX_KEY",
    "SECRET_KEY_FILE",
    "PATIENT_DATA_KEYS_FILE",
    "BLIND_INDEX_KEY_FILE",
    "KEYS_FILE",
    "STATIC_ROOT",
    "SITE_URL",
    "DEMO",
    "DATA_DIR",
    "PORT",
}


class Machine:
    """Starts `python -m referralcrm.embedded …` on its own folder, and finds whatever it started."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.mark = f"MARK_OF_TEST={uuid.uuid4()}"
        clean = {name: value for name, value in os.environ.items() if name not in SET_BY_SERVERS}
        name, _, value = self.mark.partition("=")
        self.environ = {**clean, name: value, "DATA_DIR": str(data_dir), **environ}

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(arguments),
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=BASE_DIR,
        )

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.run("exec", "--data-dir", str(self.data_dir), "--", *command)

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return self.exec(sys.executable, "-c", code)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._argv(arguments),
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=BASE_DIR,
        )

    def start_servers(self) -> subprocess.Popen[str]:
        """Start the servers beside a command that waits, and return once they answer."""
        waiting = "import signal; print('answers', flush=True); signal.pause()"
        supervisor = self.start("exec", "--data-dir", str(self.data_dir), "--", sys.executable, "-c", waiting)
        assert supervisor.stdout.readline() == "answers\n"
        return supervisor

    def addresses(self) -> dict[str, str]:
        return read_env_file(self.data_dir / "running.env")

    def processes(self) -> dict[int, str]:
        """All that this machine started and that still lives, wherever it hangs in the process tree, by id."""
        found = (process for process in Path("/proc").glob("[0-9]*") if self._is_ours(process))
        return {int(process.name): _title(process) for process in found}

    def processor_seconds(self) -> float:
        """What the living processes have used, with those they started and waited for."""
        used = 0
        for process in self.processes():
            try:
                after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                continue
            used += sum(int(ticks) for ticks in after_name[11:15])  # own and waited for, user and system
        return used / os.sysconf("SC_CLK_TCK")

    def seconds_until_gone(self, *, patience: float = 15) -> float:
        start = time.monotonic()
        while self.processes() and time.monotonic() < start + patience:
            time.sleep(0.05)
        assert self.processes() == {}
        return time.monotonic() - start

    def end(self) -> None:
        """Kill what is left, and remove what the next start would have removed."""
        runtime = self.addresses()["RUNTIME_DIR"] if (self.data_dir / "running.env").exists() else None
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if runtime:
            shutil.rmtree(runtime, ignore_errors=True)

    def _argv(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "referralcrm.embedded", *arguments]

    def _is_ours(self, process: Path) -> bool:
        try:
            # PostgreSQL writes its titles over its environment, but it works in our folder.
            works_here = (process / "cwd").readlink().is_relative_to(self.data_dir)
            return works_here or self.mark.encode() in (process / "environ").read_bytes()
        except OSError:
            return False


def _title(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return process.name
