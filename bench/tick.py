"""How long a day's tick takes over many practices, and what memory its workers need.

    python -m referralcrm.embedded exec -- python bench/tick.py [--practices 1000] [--referrals 3000000]
        [--few 10] [--workers 2] [--days 3]

Seeds a few practices and walks them through the days, then seeds the rest, of the same size each, and walks all of
them: each day one tick through the real broker and real workers, from the message to the last practice's end. The
first day is a Monday, on which lists are made; one tick before warms the workers up. Medians are over the days.
Processor seconds, of the workers and of the database's processes that serve them, stand beside the time, since on
a machine that does other things too they say more.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
django.setup()

from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from kombu import Connection

from contacts.models import Provider, Referral
from practices.isolation import practice_scope
from practices.models import Practice
from referralcrm.seeding.loading import refresh_statistics
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of
from referralcrm.tasks import tick
from touchpoints.models import Reminder, ThankYou, Touchpoint

UNTIL = date(2026, 11, 20)  # a Friday
FIRST = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def main() -> None:
    wanted = _arguments()
    plans = plans_of(practices=wanted.practices, referrals=wanted.referrals)
    print(f"{os.cpu_count()} cores, {wanted.workers} workers, load {os.getloadavg()[0]:.1f}")
    _seed(plans[: wanted.few], number=1)
    few = _measured(wanted)
    _seed(plans[wanted.few :], number=2)
    many = _measured(wanted)
    print(f"per practice, many to few: {many / few:.2f}")


def _seed(plans: list, *, number: int) -> None:
    begun = time.perf_counter()
    seed(plans, seed_number=number, until=UNTIL)
    refresh_statistics(Provider, Referral, Reminder, ThankYou, Touchpoint)  # as a database at rest has them
    connections.close_all()
    print(f"{len(plans)} practices seeded in {time.perf_counter() - begun:.0f} s", flush=True)


def _measured(wanted: argparse.Namespace) -> float:
    """Seconds per practice in the median of the days."""
    practices, seconds, used = Practice.objects.count(), [], []
    with _workers(wanted.workers) as pids:
        _tick(FIRST - timedelta(days=1))
        busy = [*pids, *_serving()]
        for day in range(wanted.days):
            before = _processor_seconds(busy)
            seconds.append(_tick(FIRST + timedelta(days=day)))
            after = _processor_seconds(busy)
            used.append(sum(after[pid] - before[pid] for pid in after))
            print(f"  day {day + 1}: {seconds[-1]:.2f} s, {used[-1]:.2f} processor seconds", flush=True)
        memory = [f"{_peak(pid) / 1024:.0f}" for pid in pids]
    each, used_each = (1000 * statistics.median(one) / practices for one in (seconds, used))
    print(
        f"{practices} practices: {statistics.median(seconds):.2f} s, {each:.1f} ms each"
        f" ({used_each:.1f} ms of processor); at most {', '.join(memory)} MB a worker;"
        f" {_open_reminders()} reminders are open",
        flush=True,
    )
    return each


def _serving() -> list[int]:
    """The database's processes that serve the workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def _processor_seconds(pids: list[int]) -> dict[int, float]:
    """What each has used so far; one whose connection was closed meanwhile is left out."""
    used = {}
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def _tick(now: datetime) -> float:
    """Seconds from the message until the last practice was asked."""
    begun = time.time()
    tick.delay(now=now.isoformat())
    empty_for = 0
    while empty_for < 20:  # a message just taken from the queue is neither there nor marked as taken
        time.sleep(0.02)
        empty_for = 0 if _waiting() else empty_for + 1
    return datetime.fromisoformat(cache.get("last_task_at")).timestamp() - begun


def _waiting() -> int:
    with Connection(settings.CELERY_BROKER_URL) as broker:
        client = broker.default_channel.client
        return client.llen("celery") + client.hlen("unacked")


@contextmanager
def _workers(count: int) -> Iterator[list[int]]:
    """Workers of one process each, and the processes that do the work."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "referralcrm",
        "worker",
        "-c",
        "1",
        "--loglevel",
        "ERROR",
    ]
    started = [
        subprocess.Popen([*command, "-n", f"bench{number}@%h"], cwd=ROOT, stdout=subprocess.DEVNULL)
        for number in range(count)
    ]
    try:
        children = [_child_of(worker.pid) for worker in started]
        yield children
    finally:
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.wait()


def _child_of(pid: int) -> int:
    """The pool's process, once the worker has started it: a copy of the worker that stays."""
    seen = 0
    for _try in range(600):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        copies = [child for child in children if _command_of(child) == _command_of(pid)]
        if seen in copies:
            return seen
        seen = copies[0] if copies else 0
        time.sleep(0.1)
    raise TimeoutError("the worker did not start")


def _command_of(pid: int) -> bytes:
    """Its command line; empty for one that has ended, as what a worker asks the system at its start soon has."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _peak(pid: int) -> int:
    """The most memory the process ever held, in KB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _open_reminders() -> int:
    total = 0
    for practice in Practice.objects.all():
        with practice_scope(practice):
            total += Reminder.objects.open().count()
    return total


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--practices", type=int, default=1000)
    parser.add_argument("--referrals", type=int, default=3_000_000)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--days", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
