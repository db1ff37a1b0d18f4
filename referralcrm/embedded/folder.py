"""The data folder: who holds it, what lies in it, and the short folder for sockets."""

import fcntl
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.env_files import read_env_file

LEAST_FREE_MB = 300
RUNTIME_PREFIX = "referralcrm-"


class DataFolder:
    """The folder that holds everything of one machine but its keys, which lie beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.postgres = path / "postgres"
        # A restore's result, whole, on its way to the place of the other.
        self.restored_postgres = path / "postgres.restored"
        self.valkey = path / "valkey"
        self.static = path / "static"
        self.logs = path / "logs"
        self.lock_file = path / "lock"
        self.running_env = path / "running.env"
        # Beside and not inside: who copies the data alone has no key to it.
        self.keys_env = path.with_name(path.name + "-keys") / "keys.env"
        self.backup_key = self.keys_env.with_name("backup.key")
        self.backups = path.with_name(path.name + "-backups")

    def is_running(self) -> bool:
        """Whether a supervisor holds this folder now."""
        try:
            with self.lock_file.open("rb") as file:
                return not _lock(file, fcntl.LOCK_SH)
        except OSError:
            return False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder where missing and hold it; raise Refused when that cannot be."""
        self._prepare()
        with self.lock_file.open("a+b") as file:
            if not _lock(file, fcntl.LOCK_EX):
                raise Refused(self._taken())
            self._forget_previous_run()
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
            file.flush()
            yield

    def _prepare(self) -> None:
        try:
            for folder in (self.path, self.logs, self.static):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise Refused(f"The folder {self.path} cannot be made ({error.strerror}).") from error
        self._refuse_foreign_or_full()

    def _refuse_foreign_or_full(self) -> None:
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise Refused(
                f"The folder {self.path} belongs to {_name_of(owner)}: "
                "start as that user, or choose another DATA_DIR."
            )
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise Refused(f"The folder {self.path} cannot be written to.")
        free = shutil.disk_usage(self.path).free // 2**20
        if free < LEAST_FREE_MB:
            raise Refused(
                f"The disk that holds {self.path} is full: {free} MB are free, {LEAST_FREE_MB} MB are needed."
            )

    def _taken(self) -> str:
        process = self.lock_file.read_text(encoding="ascii", errors="replace").strip() or "unknown"
        return (
            f"Referral CRM already runs on {self.path} (process {process}): "
            "stop that first, or choose another DATA_DIR and PORT."
        )

    def _forget_previous_run(self) -> None:
        """Remove what a run that was killed left behind."""
        if not self.running_env.exists():
            return
        runtime = Path(read_env_file(self.running_env).get("RUNTIME_DIR", ""))
        with suppress(FileNotFoundError):
            # Only what a run of ours can have made is removed, whatever the file says.
            if runtime.name.startswith(RUNTIME_PREFIX) and runtime.stat().st_uid == os.geteuid():
                shutil.rmtree(runtime, ignore_errors=True)
        self.running_env.unlink()


@contextmanager
def runtime_folder() -> Iterator[Path]:
    """Make a folder with a short path, since a socket's path ends at 107 characters."""
    path = Path(tempfile.mkdtemp(prefix=RUNTIME_PREFIX, dir=_short_folder()))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Cleaners of /tmp leave a locked folder alone, however old it grows.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield path
    finally:
        os.close(descriptor)
        shutil.rmtree(path, ignore_errors=True)


def _short_folder() -> str:
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        if os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return folder
    raise Refused("No short folder for sockets: /tmp, /var/tmp or /dev/shm must be writable, and not noexec.")


def _lock(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
