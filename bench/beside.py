"""The benches that stand alone, run on databases of their own, and what they print as figures."""

import re
import subprocess
import sys
from collections.abc import Iterator

from forms import Ticked
from installation import EMPTY
from measuring import Figure
from production import ROOT, copy_database, drop_database, environ_of


def import_figures(rows: int, rounds: int) -> Iterator[Figure]:
    """bench/import_ratio.py."""
    said = _said("import_ratio", "--rows", rows, "--rounds", rounds)
    at = f"{rows:,} rows"
    spent, floor = _numbers(r"both ([\d.]+) s; floor ([\d.]+) s", said)
    (times,) = _numbers(r"^ratio ([\d.]+)", said)
    (memory,) = _numbers(r"peak (\d+) MB", said)
    more = {"seconds": spent, "floor_seconds": floor}
    yield Figure("import", "check and write", "import_time", times, "times", at, more=more)
    yield Figure("import", "memory", "import_memory", memory, "MB", at)


def tick_figures(ticked: Ticked) -> Iterator[Figure]:
    """bench/tick.py: on the Monday that makes the week's lists, and the days after."""
    said = _said(
        "tick", "--practices", ticked.practices, "--few", ticked.few, "--referrals", ticked.referrals,
        "--days", ticked.days,
    )  # fmt: skip
    found = re.findall(r"^(\d+) practices: ([\d.]+) s, ([\d.]+) ms each.*at most ([\d., ]+) MB", said, re.M)
    at = f"{ticked.referrals:,} referrals in {ticked.practices:,} practices"
    for practices, seconds, each, memory in found:
        more = {"seconds": float(seconds), "worker_mb": [float(mb) for mb in memory.split(",")]}
        yield Figure("tick", f"tick, {practices} practices", "", float(each), "ms a practice", at, more=more)
    (growth,) = _numbers(r"many to few: ([\d.]+)", said)
    yield Figure(
        "tick", f"a practice of {ticked.practices:,} to one of {ticked.few}", "", growth, "times", at
    )


def list_figures(practices: int, referrals: int, rounds: int) -> Iterator[Figure]:
    """bench/lists.py."""
    said = _said("lists", "--practices", practices, "--referrals", referrals, "--rounds", rounds)
    spent, floor, times = _numbers(r"rule ([\d.]+) s; one statement ([\d.]+) s; ratio ([\d.]+)", said)
    (rows,) = _numbers(r"(\d+) rows", said)
    at = f"{referrals:,} referrals in {practices:,} practices"
    more = {"seconds": spent, "floor_seconds": floor, "rows": rows}
    yield Figure("lists", "weekly lists", "lists", times, "times", at, more=more)


def _said(bench: str, *arguments: object) -> str:
    """What a bench printed, on an installation without a practice."""
    database = f"bench_{bench}"
    copy_database(EMPTY, database)
    argv = [sys.executable, str(ROOT / "bench" / f"{bench}.py"), *map(str, arguments)]
    try:
        done = subprocess.run(argv, env=environ_of(database), cwd=ROOT, capture_output=True, text=True)
    finally:
        drop_database(database)
    if done.returncode:
        raise RuntimeError(f"bench/{bench}.py failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _numbers(pattern: str, said: str) -> list[float]:
    found = re.search(pattern, said, re.M)
    if found is None:
        raise LookupError(f"{pattern} is not in:\n{said}")
    return [float(number) for number in found.groups()]
