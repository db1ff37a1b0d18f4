"""The broker's memory full, and the clock moved an hour forth and back: work goes on, and nothing is made twice."""

import time

import pytest

from tests.faults.at_work import REDELIVER, practices_at_work

HOUR = 3600
TICKS = 3  # seconds in which the tick of these tests has surely struck again


@pytest.mark.faults
def test_with_the_brokers_memory_full_people_go_on_and_jobs_are_done_once_there_is_room(
    tmp_path, migrated, static_files
):
    files = {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(tmp_path, **files, practices=4, weeks=2) as at_work:
        stack, broker = at_work.stack, at_work.stack.redis()
        at_work.wait_until_the_worker_makes_something()
        broker.config_set("maxmemory", 1)
        for _ in range(2 * TICKS):
            at_work.wait_for_acknowledgements()
            time.sleep(0.5)
        assert stack.readiness() == 200
        broker.config_set("maxmemory", 0)
        at_work.wait_until_the_worker_makes_something()
        at_work.wait_until_all_is_done()
        at_work.assert_nothing_is_lost_or_twice(letters_twice=0)
        assert "web" not in stack.fell


@pytest.mark.faults
def test_a_clock_moved_an_hour_forth_and_back_stops_no_work_and_makes_nothing_twice(
    tmp_path, migrated, static_files
):
    clock = tmp_path / "clock"
    clock.write_text("0")
    files = {"copy_of": migrated, "static_files": static_files}
    with practices_at_work(tmp_path, **files, practices=4, weeks=2, clock=clock) as at_work:
        for moved_by in (0, HOUR, 0, -HOUR, 0):
            clock.write_text(str(moved_by))
            at_work.wait_for_acknowledgements()
            at_work.wait_until_the_worker_makes_something(seconds=20)
        at_work.wait_until_all_is_done()
        at_work.stack.run("-c", REDELIVER)
        time.sleep(TICKS)
        at_work.assert_nothing_is_lost_or_twice(letters_twice=0)
        assert at_work.stack.fell == {}
