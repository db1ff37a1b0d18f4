"""The disk fills up under people at work, and gets room again: `python -m tests.faults.full_disk FOLDER MIGRATED STATIC`.

Run in a mount namespace of its own (unshare --mount): FOLDER becomes a small disk in memory that nobody else sees.
Prints, as JSON, what was seen.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.at_work import AtWork, practices_at_work, wait_until

ROOMY, LEFT = 900, 1  # MB


def main(folder: Path, migrated: Path, static_files: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}m", "tmpfs", folder], check=True)
    files = {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(folder, **files, practices=3, weeks=2) as at_work:
        at_work.wait_for_acknowledgements()
        before = at_work.count_acknowledged()
        _resize(folder, shutil.disk_usage(folder).used // 2**20 + LEFT)
        seen = _until_full(at_work)
        seen["acknowledged_before"], seen["acknowledged_while_full"] = (
            before,
            at_work.count_acknowledged() - before,
        )
        _resize(folder, ROOMY)
        if not at_work.stack.kept["PostgreSQL"].child.is_alive():
            at_work.stack.kept["PostgreSQL"].child.stop()
            at_work.stack.start_again("PostgreSQL")
        began = time.monotonic()
        at_work.wait_for_acknowledgements()
        seen["seconds_until_all_could_log_again"] = round(time.monotonic() - began, 1)
        at_work.wait_until_all_is_done()
        at_work.assert_nothing_is_lost_or_twice(letters_twice=10)
    print(json.dumps(seen | at_work.figures()))


def _resize(folder: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", folder], check=True)


def _until_full(at_work: AtWork) -> dict:
    """First some rows find no room, then the database's own journal, which stops it."""
    people, stack = at_work.people, at_work.stack
    began = time.monotonic()
    refused = sum(one.refused for one in people)
    wait_until(lambda: sum(one.refused for one in people) > refused + 3, 120, lambda: "nothing was refused")
    seen = {"seconds_until_refused": round(time.monotonic() - began, 1), "ready_when_full": stack.readiness()}
    is_down = False
    try:
        for _ in range(5):
            stack.rows("SELECT pg_switch_wal()")
    except Exception as error:
        is_down, seen["journal"] = True, str(error).splitlines()[0]
    time.sleep(3)
    seen["journal_stopped_it"] = is_down
    seen["postgres_is_up"] = stack.kept["PostgreSQL"].child.is_alive()
    seen["ready_without_journal"] = stack.readiness()
    return seen


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
