"""`make doctor`: what can be seen from outside, then what the running product says of itself."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from referralcrm.doctor import machine
from referralcrm.doctor.findings import Check, Finding, Level, looked, ok, wrong
from referralcrm.embedded.configuration import BASE_DIR, Configuration
from referralcrm.embedded.environment import what_is_lost
from referralcrm.embedded.folder import DataFolder


def examine(configuration: Configuration) -> int:
    """Print a line for each thing that was looked at; return 1 when something is wrong."""
    folder = DataFolder(configuration.data_dir)
    found = looked(_checks(folder))
    print(*found, sep="\n", flush=True)
    is_wrong = any(finding.level is Level.WRONG for finding in found)
    if folder.is_running() and not what_is_lost(folder):
        is_wrong |= subprocess.call([sys.executable, str(BASE_DIR / "manage.py"), "doctor"]) != 0
    return int(is_wrong)


def _checks(folder: DataFolder) -> Iterator[Check]:
    yield partial(it_runs, folder)
    if folder.path.exists():
        yield partial(machine.folder_is_nobody_else_s, folder.path)
        if not folder.is_running() or what_is_lost(folder):  # otherwise the running product says these itself
            yield partial(machine.disk_has_room, folder.path)
            yield partial(machine.keys_are_nobody_else_s, folder.keys_env)
            yield partial(machine.backup_is_recent, folder.backups)


def it_runs(folder: DataFolder) -> Finding:
    """Whether the product runs on the folder."""
    if folder.is_running():
        if lost := what_is_lost(folder):
            return wrong(*lost)
        return ok(f"Referral CRM runs on {folder.path}")
    if not folder.postgres.exists():
        return wrong(
            f"There is no database in {folder.path}", "choose the right DATA_DIR, or start it: make run"
        )
    return wrong(
        f"Referral CRM does not run on {folder.path}",
        f"make run: it says why when it can't start; logs are in {folder.logs}",
    )
