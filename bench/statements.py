"""What PostgreSQL alone does: the misspelt name found, and the plans of the heaviest statements."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from installation import MAIN, misspelt, sign_in
from measuring import Figure, by_turns
from pages import addresses
from production import bring_to_rest, superuser_of

from contacts.models import Provider
from contacts.search import nearest
from practices.isolation import practice_scope
from practices.models import Practice
from referralcrm.seeding.days import last_morning
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of

HITS = 10
HEAVIEST = 5
LONG_LIST = re.compile(r"^SELECT .{200,}? FROM ")


def search_figures(providers: int, *, rounds: int) -> Iterator[Figure]:
    """Ten hits for a misspelt name in one practice with so many providers, by turns with one indexed SELECT."""
    (plan,) = plans_of(practices=1, referrals=500)
    larger = replace(plan, prospects=providers - plan.referring, offices=max(plan.offices, providers // 10))
    (practice,) = seed([larger], seed_number=providers, until=last_morning(timezone.now()))
    connections.close_all()
    bring_to_rest(MAIN)
    with practice_scope(practice):
        count = Provider.objects.count()
        some = list(Provider.objects.order_by("pk")[:200:40])
        typed = [misspelt(f"{one.given_name} {one.family_name}") for one in some]
        acts = {
            f"{number}": partial(_find, typed[number % len(typed)], some[0].pk, with_search=number > 0)
            for number in range(len(typed) + 1)
        }
        took = by_turns(acts, rounds=rounds)
    floor = took.pop("0")
    slowest = max(took.values(), key=lambda timing: timing.median)
    budget = "search_10k" if providers <= 10_000 else "search_100k"
    yield Figure(
        "search", f"misspelt name, {count:,} providers", budget, slowest.median, "ms",
        f"{count:,} providers", slowest, floor, {"names": len(typed)},
    )  # fmt: skip


def _find(text: str, key: int, *, with_search: bool) -> None:
    if with_search:
        nearest(Provider.objects.active(), text, limit=HITS)
    else:
        Provider.objects.get(pk=key)


def count_from_here() -> None:
    """Forget what statements took until now."""
    with closing(superuser_of(MAIN)) as link, link.cursor() as sql:
        sql.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        sql.execute("SELECT pg_stat_statements_reset()")


def asked_by_pages(practice: Practice) -> dict[str, list[dict[str, str]]]:
    """Each page's statements with their values and seconds, the page asked once more in this process."""
    logging.getLogger("referralcrm.request").setLevel(logging.WARNING)
    found = {}
    for role, pages in addresses(practice).items():
        client = Client(headers={"host": "localhost"})
        client.force_login(sign_in(practice, role).member.user)
        for what, path in pages.items():
            client.get(path)  # the first request imports and compiles
            with CaptureQueriesContext(connection) as captured:
                client.get(path)
            found[what] = list(captured)
    return found


def statement_figures(asked: Mapping[str, list[dict[str, str]]], *, at: str) -> Iterator[Figure]:
    """How many statements a page asks, and what they take of its time."""
    for what, statements in asked.items():
        spent = 1000 * sum(float(statement["time"]) for statement in statements)
        yield Figure(
            "statements", what, "", len(statements), "statements", at, more={"ms_of_them_all": spent}
        )


def heaviest_plans(practice: Practice, asked: Mapping[str, list[dict[str, str]]]) -> list[dict[str, Any]]:
    """The statements of the pages that took the most of PostgreSQL's time under the rounds, with their plans.

    Which they are is asked of pg_stat_statements; an instance of each, with its values, is taken from the pages.
    """
    took = _time_by_id()
    found: dict[int, tuple[str, str]] = {}
    for what, statements in asked.items():
        for text in [statement["sql"] for statement in statements]:
            if text.lstrip("( ").upper().startswith(("SELECT", "WITH")):
                found.setdefault(_id_of(practice, text), (what, text))
    ranked = sorted(found, key=lambda number: -took.get(number, (0, 0))[0])[:HEAVIEST]
    return [
        {
            "page": found[number][0],
            "total_ms": took.get(number, (0, 0))[0],
            "calls": took.get(number, (0, 0))[1],
            "sql": LONG_LIST.sub("SELECT … FROM ", found[number][1]),
            "plan": _plan(practice, found[number][1]),
        }
        for number in ranked
    ]


def _time_by_id() -> dict[int, tuple[float, int]]:
    with closing(superuser_of(MAIN)) as link, link.cursor() as sql:
        sql.execute(
            "SELECT queryid, sum(total_exec_time), sum(calls)::bigint FROM pg_stat_statements"
            " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1"
        )
        return {number: (time, calls) for number, time, calls in sql.fetchall()}


def _id_of(practice: Practice, statement: str) -> int:
    with practice_scope(practice), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {statement}")
        (plan,) = cursor.fetchone()
    return plan[0].get("Query Identifier", 0)


def _plan(practice: Practice, statement: str) -> str:
    with practice_scope(practice), connection.cursor() as cursor:
        for _time in range(2):  # the first reads what is not in memory yet
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())
