"""The disk fills up under people at work, and gets room again: `python -m tests.faults.full_disk FOLDER MIGRATED STATIC`.

Run in a mount namespace of its own (unshare --mount): FOLDER becomes a small disk in memory that nobody else sees.
Prints, as JSON, what was seen.
"""

import json
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
from tests.faults.stack import SERVERS

ROOMY, LEFT = 900, 1  # MB


def main(folder: Path, migrated: Path, static_files: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}m", "tmpfs", folder], check=True)
    files = {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(folder, **files, practices=3, weeks=2) as at_work:
        at_work.wait_for_acknowledgements()
        _resize(folder, shutil.disk_usage(folder).used // 2**20 + LEFT)
        seen = _while_full(at_work)
        _resize(folder, ROOMY)
        for name in SERVERS:
            if not at_work.stack.kept[name].child.is_alive():
                at_work.stack.kill(name)
                at_work.stack.start_again(name)
        began = time.monotonic()
        at_work.wait_for_acknowledgements()
        seen["seconds_until_all_could_log_again"] = round(time.monotonic() - began, 1)
        at_work.wait_until_all_is_done()
        at_work.assert_nothing_is_lost_or_twice(letters_twice=10)
    print(json.dumps(seen | at_work.figures() | {"fell": at_work.stack.fell}))


def _resize(folder: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", folder], check=True)


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
