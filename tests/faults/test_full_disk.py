"""The disk fills up under people at work, first for rows, then for the database's journal; then it has room again."""

import json
import os
import subprocess
import sys

import pytest

from referralcrm.embedded.configuration import BASE_DIR

APART = ["unshare", "--mount"]  # what is mounted there is gone with the program


@pytest.mark.faults
def test_a_full_disk_refuses_and_loses_nothing_and_work_goes_on_once_there_is_room(
    tmp_path, migrated, static_files
):
    program = [sys.executable, "-m", "tests.faults.full_disk", tmp_path, migrated, static_files]
    environ = dict(os.environ)
    if (
        subprocess.run([*APART, "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True).returncode
        == 0
    ):
        program, environ["MAY_MOUNT"] = [*APART, *program], "1"
    done = subprocess.run(program, env=environ, cwd=BASE_DIR, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    print(seen)
    assert seen["refused_while_full"] > 0
