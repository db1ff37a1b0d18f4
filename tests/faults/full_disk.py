"""The disk fills up under people at work, and gets room again: `python -m tests.faults.full_disk FOLDER MIGRATED STATIC`.

Run in a mount namespace of its own (unshare --mount), FOLDER becomes a small disk in memory that nobody else sees.
Who may not mount gets what comes nearest: no file of the servers may grow. Prints, as JSON, what was seen.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.at_work import AtWork, practices_at_work, wait_until
from tests.faults.stack import SERVERS, Stack

ROOMY, LEFT = 900, 1  # MB


class SmallDisk:
    """The folder as a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}m", "tmpfs", folder], check=True)

    def fill(self, stack: Stack) -> None:
        self._resize(shutil.disk_usage(self.folder).used // 2**20 + LEFT)

    def give_room(self) -> None:
        self._resize(ROOMY)

    def _resize(self, megabytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", self.folder], check=True)


class NoLargerFile:
    """The servers' files may not be written beyond their first byte; who is started anew is free of that."""

    def fill(self, stack: Stack) -> None:
        for name in SERVERS:
            first = stack.kept[name].child.process.pid
            of = Path(f"/proc/{first}").stat()
            for process in [first, *_children_of(first)]:  # some of them end meanwhile
                told = ["prlimit", f"--pid={process}", "--fsize=1:unlimited"]
                subprocess.run(told, user=of.st_uid, group=of.st_gid, extra_groups=[], check=process == first)

    def give_room(self) -> None:
        """Nothing to do: what ran into the limit has ended."""


def _children_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in children.split()]


def main(folder: Path, migrated: Path, static_files: Path) -> None:
    disk = SmallDisk(folder) if os.environ.get("MAY_MOUNT") else NoLargerFile()
    files = {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(folder, **files, practices=3, weeks=2) as at_work:
        at_work.wait_for_acknowledgements()
        disk.fill(at_work.stack)
        seen = _while_full(at_work)
        disk.give_room()
        began = time.monotonic()
        at_work.wait_for_acknowledgements()
        seen["seconds_until_all_could_log_again"] = round(time.monotonic() - began, 1)
        at_work.wait_until_all_is_done()
        at_work.assert_nothing_is_lost_or_twice(letters_twice=10)
    print(json.dumps(seen | at_work.figures() | {"fell": at_work.stack.fell}))


def _while_full(at_work: AtWork) -> dict[str, Any]:
    """First rows find no room; then the database's journal, without which it stops."""
    stack = at_work.stack
    refused, kept = _count_refused(at_work), at_work.count_acknowledged()
    wait_until(lambda: _count_refused(at_work) > refused + 5, 120, lambda: "nothing was refused")
    seen: dict[str, Any] = {"answers_for_rows": _answers(at_work), "ready_without_rows": stack.readiness()}
    with suppress(psycopg2.Error):
        for _ in range(5):
            stack.rows("SELECT pg_switch_wal()")
    time.sleep(3)
    seen["ready_without_journal"] = stack.readiness()
    seen["servers_up"] = [name for name in SERVERS if stack.kept[name].child.is_alive()]
    seen["refused_while_full"] = _count_refused(at_work) - refused
    seen["acknowledged_while_full"] = at_work.count_acknowledged() - kept
    return seen


def _count_refused(at_work: AtWork) -> int:
    return sum(one.refused for one in at_work.people)


def _answers(at_work: AtWork) -> dict[str, int]:
    return dict(sum((one.answers for one in at_work.people), Counter()))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
