"""A program by a clock that is moved while it runs: `python -m tests.faults.moved_clock FILE MODULE ARGUMENT …`.

The file holds by how many seconds. The machine's own clock is everybody's, and stays as it is; so do PostgreSQL's
and Valkey's, as if they ran on another machine.
"""

import os
import runpy
import sys
import threading
import time
from pathlib import Path

import time_machine

LOOK_EVERY = 0.05  # seconds


class Clock:
    """This process's clock, and its children's."""

    def __init__(self, file: Path) -> None:
        self.file, self.moved_by = file, 0.0
        self.traveller = time_machine.travel(time.time(), tick=True).start()
        time.time()  # it stands still until it is first looked at

    def follow(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while True:
            wanted = float(self.file.read_text() or self.moved_by)  # empty: it is just being written
            if wanted != self.moved_by:
                self.traveller.shift(wanted - self.moved_by)
                self.moved_by = wanted
            time.sleep(LOOK_EVERY)


def main() -> None:
    clock = Clock(Path(sys.argv[1]))
    clock.follow()
    os.register_at_fork(after_in_child=clock.follow)  # a thread does not live on in a child
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
