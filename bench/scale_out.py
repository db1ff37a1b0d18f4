"""Several web processes and workers against one PostgreSQL and one Valkey, with pgbouncer in between.

    python bench/scale_out.py [--practices 6] [--work-seconds 20] [--rounds 3] [--round-seconds 3] [--seeded 4]

Needs pgbouncer (Debian's package of that name). First three web processes, two workers and two beats work behind
it in transaction mode while coordinators log referrals and it is killed once; what tests/faults holds the product
to must hold. Then the manager's home is asked for by 16 clients of several practices, at one, two and three web
processes, with and without it, by turns; each page must be its own practice's. Writes what it found to
bench/scale_out.json, and exits with an error when something is wrong.
"""

import argparse
import gzip
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psycopg2
from client import Visitor
from pooler import FOR_PAGES, FOR_TASKS, Pooler, running_pooler
from production import clean_environ, share_of_memory

from tests.faults.at_work import REDELIVER, AtWork
from tests.faults.coordinators import Coordinator, Desk
from tests.faults.stack import Stack, running_stack
from tests.practices.smtp_server import free_port, smtp_server

WEBS, CLIENTS, WEEKS = 3, 16, 3
PER_PRACTICE = 12_500  # referrals
SENDERS = 4  # processes of the workers: each may hold a letter that was taken when the pooler is killed
ROWS_OF_OTHERS = "SELECT count(*) FILTER (WHERE practice_id <> %s), count(*) FROM contacts_referral"


def main(wanted: argparse.Namespace) -> None:
    kept = clean_environ()
    os.environ.clear()
    os.environ.update(kept)
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="referralcrm-scale-") as folder,
        smtp_server(port) as postbox,
        running_stack(Path(folder)) as stack,
        running_pooler(stack.runtime) as pooler,
    ):
        stack.environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "DEBUG": "0"}
        stack.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        found = {
            "at_work": at_work(stack, pooler, postbox, wanted),
            "one_connection": take_turns_on_one_connection(stack, pooler),
            "limits": limits_behind(pooler),
            "home": homes_a_second(stack, pooler, wanted),
        }
    print(json.dumps(found, indent=2))
    (ROOT / "bench" / "scale_out.json").write_text(json.dumps(found, indent=2) + "\n")


# Correct: what the fault tests hold the product to, behind a pooler.


def at_work(stack: Stack, pooler: Pooler, postbox: Any, wanted: argparse.Namespace) -> dict[str, Any]:
    """Coordinators at every web process, each practice's at all of them; nothing lost, nothing twice."""
    load = _load()
    scene = json.loads(stack.run("-m", "tests.faults.scene", str(wanted.practices), str(WEEKS)))
    with _processes(stack, pooler) as urls:
        people = [Coordinator(url, Desk(**desk)) for url in urls for desk in scene["desks"]]
        for one in people:
            one.start()
        work = AtWork(stack, scene, people, postbox)
        time.sleep(wanted.work_seconds / 2)
        backends = len(_backends(stack))
        pooler.kill()
        work.wait_for_acknowledgements()
        time.sleep(wanted.work_seconds / 2)
        work.wait_until_all_is_done()
        stack.run("-c", REDELIVER)
        time.sleep(3)
        work.assert_nothing_is_lost_or_twice(letters_twice=SENDERS)
        assert not stack.fell, stack.fell
        strangers = _assert_strangers_are_refused(people)
    return {
        **work.figures(),
        "practices": wanted.practices,
        "backends": backends,
        "refused": strangers,
        "load": load,
    }


@contextmanager
def _processes(stack: Stack, pooler: Pooler) -> Iterator[list[str]]:
    """Three web processes, two workers and two beats, all of them behind the pooler; the addresses."""
    direct = dict(stack.environ)
    stack.environ |= {"DATABASE_POOLED": "1", "DATABASE_URL": pooler.url(FOR_TASKS)}
    for name in ("worker-1", "worker-2"):
        stack.start_worker(name)
    for name in ("beat-1", "beat-2"):
        stack.start_beat(name)
    stack.environ |= {"DATABASE_URL": pooler.url(FOR_PAGES)}
    urls = [_start_web(stack, f"web-{number}") for number in range(WEBS)]
    stack.environ = direct
    try:
        yield urls
    finally:
        stack.stop()


def _start_web(stack: Stack, name: str) -> str:
    stack.url = f"http://127.0.0.1:{free_port()}"
    stack.start_web(name)
    deadline = time.monotonic() + 60
    while stack.readiness() != 200:
        assert time.monotonic() < deadline, (stack.logs / f"{name}.log").read_text()
        time.sleep(0.1)
    return stack.url


def _backends(stack: Stack, *names: str) -> list[int]:
    """PostgreSQL's processes that serve the application's role, or those of its programs that bear these names."""
    serving = stack.rows(
        "SELECT pid, application_name FROM pg_stat_activity WHERE usename = 'referralcrm_app'"
    )
    return [process for process, name in serving if not names or name in names]


def _assert_strangers_are_refused(people: Sequence[Coordinator]) -> int:
    """Each coordinator asks for referrals of the other practice, and for their own."""
    asked = 0
    for one in people:
        others = next(each for each in people if each.desk.email != one.desk.email)
        for mine, theirs in list(zip(one.logged.values(), others.logged.values(), strict=False))[:20]:
            assert _status(one, f"/referrals/{mine}/") == 200
            assert _status(one, f"/referrals/{theirs}/") == 404
            asked += 1
    return asked


def _status(one: Coordinator, path: str) -> int:
    visitor = Visitor(int(one.url.rpartition(":")[2]))
    visitor.headers["Cookie"] = "; ".join(f"{each.name}={each.value}" for each in one.cookies)
    with closing(visitor.connection):
        return visitor.streamed(path).status


# Two practices in turn on one connection of the pooler.


def take_turns_on_one_connection(stack: Stack, pooler: Pooler, turns: int = 300) -> dict[str, Any]:
    """Two clients share one backend, transaction by transaction; whoever sets nothing sees nothing."""
    ours, theirs = (
        practice
        for (practice,) in stack.rows("SELECT DISTINCT practice_id FROM contacts_referral ORDER BY 1 LIMIT 2")
    )
    with closing(pooler.connect()) as one, closing(pooler.connect()) as other:
        backends = set()
        for turn in range(turns):
            for client, practice in ((one, ours), (other, theirs)):
                backends.add(_look(client, practice, ends_well=turn % 3 > 0))
                for each in (one, other):
                    assert _seen_outside(each) == 0
        assert len(backends) == 1
    return {
        "turns": turns * 2,
        "backends": len(backends),
        "leaks_with_a_session_setting": _session_setting_leaks(pooler, ours),
    }


def _look(client: Any, practice: int, *, ends_well: bool) -> int:
    """One transaction of a practice, kept or taken back; the backend that served it."""
    with client.cursor() as sql:
        sql.execute("SELECT set_config('app.practice_id', %s, true)", [str(practice)])
        sql.execute(ROWS_OF_OTHERS, [practice])
        others, seen = sql.fetchone()
        assert others == 0 and seen > 0
        sql.execute("SELECT pg_backend_pid()")
        backend = sql.fetchone()[0]
    client.commit() if ends_well else client.rollback()
    return backend


def _seen_outside(client: Any) -> int:
    with client.cursor() as sql:
        sql.execute("SELECT count(*) FROM contacts_referral")
        seen = sql.fetchone()[0]
    client.rollback()
    return seen


def _session_setting_leaks(pooler: Pooler, practice: int) -> bool:
    """That this look would see a leak: set for the session, which the product never does, it does leak."""
    with closing(pooler.connect()) as one, closing(pooler.connect()) as other:
        with one.cursor() as sql:
            sql.execute("SELECT set_config('app.practice_id', %s, false)", [str(practice)])
        one.commit()
        leaked = _seen_outside(other) > 0
        with one.cursor() as sql:
            sql.execute("SELECT set_config('app.practice_id', '', false)")
        one.commit()
    assert leaked
    return leaked


def limits_behind(pooler: Pooler) -> dict[str, Any]:
    """What the database was told for each kind of process, and what becomes of options of a connection."""
    told = {}
    for database in (FOR_PAGES, FOR_TASKS):
        with closing(pooler.connect(database)) as client, client.cursor() as sql:
            sql.execute("SHOW statement_timeout")
            told[database] = sql.fetchone()[0]
    assert told == {FOR_PAGES: "15s", FOR_TASKS: "4min"}
    try:
        pooler.connect(options="-c statement_timeout=1000").close()
        told["options"] = "taken"
    except psycopg2.OperationalError as error:
        told["options"] = str(error).strip().rpartition("FATAL:")[2].strip()
    return told


# What it gains.


def homes_a_second(stack: Stack, pooler: Pooler, wanted: argparse.Namespace) -> dict[str, Any]:
    """The manager's home by 16 clients, in turns over the ways to serve it."""
    stack.environ |= {"DEMO": "1"}
    seats = json.loads(stack.run(__file__, "--make", str(wanted.seeded)))
    pooled = {"DATABASE_POOLED": "1", "DATABASE_URL": pooler.url(FOR_PAGES)}
    ways = {"direct": _web_ports(stack, "direct"), "pooled": _web_ports(stack, "pooled", **pooled)}
    found: dict[str, Any] = {
        "cores": os.cpu_count(),
        "load_before": _load(),
        "referrals": stack.rows("SELECT count(*) FROM contacts_referral")[0][0],
    }
    taken: dict[str, list[float]] = {}
    backends: dict[str, tuple[int, float]] = {}
    for _ in range(wanted.rounds):
        for count in range(1, WEBS + 1):
            for way, ports in ways.items():
                name = f"{way}, {count} web"
                names = [_name(way, number) for number in range(count)]
                rate = _answers_a_second(ports[:count], seats, wanted.round_seconds)
                taken.setdefault(name, []).append(rate)
                serving = _backends(stack, *names)
                backends[name] = len(serving), sum(map(share_of_memory, serving))
    for name, rates in taken.items():
        found[name] = {
            "a_second": round(statistics.median(rates), 1),
            "rounds": [round(rate, 1) for rate in rates],
            "backends": backends[name][0],
            "backends_mb": round(backends[name][1]),
        }
    stack.stop()
    return {**found, "load_after": _load()}


def _web_ports(stack: Stack, way: str, **settings: str) -> list[int]:
    """As many web processes as are tried; the database knows their connections by these names."""
    direct, ports = dict(stack.environ), []
    for number in range(WEBS):
        stack.environ |= {**settings, "PGAPPNAME": _name(way, number)}
        ports.append(int(_start_web(stack, f"web-{way}-{number}").rpartition(":")[2]))
    stack.environ = direct
    return ports


def _name(way: str, number: int) -> str:
    """One name for all behind the pooler, which tells the backend each change of it."""
    return way if way == "pooled" else f"{way}-{number}"


def _answers_a_second(ports: Sequence[int], seats: Sequence[dict[str, str]], seconds: float) -> float:
    """By all clients together, spread over the web processes; each page is its own practice's."""
    pages: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    until = time.perf_counter() + seconds

    def ask(number: int) -> None:
        visitor = Visitor(ports[number % len(ports)], seats[number % len(seats)]["session"])
        with closing(visitor.connection):
            while time.perf_counter() < until:
                pages[number].append(visitor.get("/").body)

    clients = [Thread(target=ask, args=[number]) for number in range(CLIENTS)]
    begun = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.perf_counter() - begun
    for number, answers in enumerate(pages):
        assert answers
        assert {_practice_of(page) for page in answers} == {seats[number % len(seats)]["practice"]}
    return sum(map(len, pages)) / took


def _practice_of(page: bytes) -> str:
    """As its title says it, after the middle dot."""
    text = gzip.decompress(page).decode()
    found = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
    return unescape(found[1]).rpartition(" · ")[2].strip() if found else ""


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def make_seats(practices: int) -> None:
    """In a process of its own: seed practices, and print a manager's session of each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    import django

    django.setup()
    from installation import Installation, sign_in

    from practices.roles import Role

    installation = Installation()
    installation.grow(practice=PER_PRACTICE, total=PER_PRACTICE * practices, other=PER_PRACTICE)
    seats = [(sign_in(each, Role.MANAGER).session, each.name) for each in installation.practices]
    print(json.dumps([{"session": session, "practice": name} for session, name in seats]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--practices", type=int, default=6)
    parser.add_argument("--work-seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--round-seconds", type=float, default=3)
    parser.add_argument("--seeded", type=int, default=4, help="practices whose homes are asked for")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    wanted = _arguments()
    make_seats(wanted.make) if wanted.make else main(wanted)
