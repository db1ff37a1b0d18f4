"""How long the week's thank-you lists of all practices take, against the same rows by one SQL statement.

    python -m referralcrm.embedded exec -- python bench/lists.py [--practices 1000] [--referrals 3000000] [--rounds 3]

- *rule*: what the tick asks each practice, in its own scope and transaction, one practice after the other.
- *floor*: one statement over all practices that inserts the same lists, rows and links into the same tables, with
  the same keys, checks and triggers, as a role that sees every practice.

By turns; what the one has written is removed before the other writes, and both must have written as many.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django
import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
django.setup()

from django.db import connections

from practices.isolation import practice_scope
from practices.weeks import Week
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of
from touchpoints.thank_you_lists import make_due_thank_you_lists

UNTIL = date(2026, 11, 22)  # a Sunday: the week has arrived, and its lists are not made
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)  # Monday, past the hour
WEEK = Week.of(UNTIL)
TABLES = ("touchpoints_thankyoureferral", "touchpoints_thankyou", "touchpoints_thankyoulist")
ONE_STATEMENT = """
WITH unlisted AS MATERIALIZED (
    SELECT r.practice_id, r.physician_id, r.provider_id, r.id
    FROM practices_practice x
    JOIN contacts_referral r ON r.practice_id = x.id
    JOIN contacts_provider p ON p.practice_id = r.practice_id AND p.id = r.provider_id
        AND p.state = 'active' AND p.merged_into_id IS NULL
    WHERE r.physician_id IS NOT NULL AND r.withdrawn_at IS NULL
        AND r.received_on BETWEEN greatest(x.starts_on, %(monday)s) AND %(sunday)s
        AND NOT EXISTS (SELECT FROM touchpoints_thankyoureferral l
                        WHERE l.practice_id = r.practice_id AND l.referral_id = r.id)
), lists AS (
    INSERT INTO touchpoints_thankyoulist (practice_id, physician_id, week_starts_on, made_at)
    SELECT DISTINCT practice_id, physician_id, %(monday)s::date, %(now)s::timestamptz FROM unlisted
    RETURNING practice_id, physician_id, id
), thank_yous AS (
    INSERT INTO touchpoints_thankyou (practice_id, list_id, provider_id, state, personal_line, skip_reason)
    SELECT DISTINCT u.practice_id, l.id, u.provider_id, 'undecided', ''::bytea, ''::bytea
    FROM unlisted u JOIN lists l ON l.practice_id = u.practice_id AND l.physician_id = u.physician_id
    RETURNING practice_id, list_id, provider_id, id
)
INSERT INTO touchpoints_thankyoureferral (practice_id, thank_you_id, referral_id)
SELECT u.practice_id, t.id, u.id
FROM unlisted u
JOIN lists l ON l.practice_id = u.practice_id AND l.physician_id = u.physician_id
JOIN thank_yous t ON t.practice_id = l.practice_id AND t.list_id = l.id AND t.provider_id = u.provider_id
"""
REMOVED = (
    "SET session_replication_role = replica",  # the trail need not say what this bench takes back
    f"DELETE FROM {TABLES[0]} WHERE id > %(links)s",
    f"DELETE FROM {TABLES[1]} WHERE id > %(rows)s",
    f"DELETE FROM {TABLES[2]} WHERE id > %(lists)s",
    "UPDATE practices_practice SET lists_made_through = %(monday)s::date - 7",
    "SET session_replication_role = DEFAULT",
    *(f"VACUUM (ANALYZE) {table}" for table in (*TABLES, "practices_practice")),
)


class Bench:
    """The practices, and what stood before the week."""

    def __init__(self, practices: int, referrals: int) -> None:
        made = seed(plans_of(practices=practices, referrals=referrals), seed_number=1, until=UNTIL)
        self.practices = [practice.pk for practice in made]
        connections.close_all()
        self.values = {"monday": WEEK.monday, "sunday": WEEK.sunday, "now": NOW}
        with closing(_all_seeing()) as link, link.cursor() as sql:
            sql.execute("VACUUM (ANALYZE)")
            for name, table in zip(("links", "rows", "lists"), TABLES, strict=True):
                sql.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
                (self.values[name],) = sql.fetchone()

    def by_rule(self) -> None:
        for practice in self.practices:
            with practice_scope(practice):
                make_due_thank_you_lists(now=NOW)

    def by_one_statement(self) -> None:
        with closing(_all_seeing()) as link, link.cursor() as sql:
            sql.execute(ONE_STATEMENT, self.values)

    def take_back(self) -> tuple[int, ...]:
        """Remove what was written, and say how many lists, rows and links it was."""
        with closing(_all_seeing()) as link, link.cursor() as sql:
            for statement in REMOVED[:1]:
                sql.execute(statement)
            removed = []
            for statement in REMOVED[1:4]:
                sql.execute(statement, self.values)
                removed.append(sql.rowcount)
            for statement in REMOVED[4:]:
                sql.execute(statement, self.values)
        return tuple(removed)


def main() -> None:
    """Measure by turns and print the medians."""
    wanted = _arguments()
    bench = Bench(wanted.practices, wanted.referrals)
    took: dict[str, list[float]] = {"rule": [], "floor": []}
    written: set[tuple[int, ...]] = set()
    acts: dict[str, Callable[[], None]] = {"rule": bench.by_rule, "floor": bench.by_one_statement}
    for _turn in range(wanted.rounds):
        for name, act in acts.items():
            begun = time.perf_counter()
            act()
            took[name].append(time.perf_counter() - begun)
            written.add(bench.take_back())
    if len(written) != 1:
        raise AssertionError(f"they wrote different rows: {written}")
    (rows,) = written
    rule, floor = (statistics.median(seconds) for seconds in took.values())
    print(f"{sum(rows)} rows: {rows[2]} lists, {rows[1]} providers on them, {rows[0]} referrals")
    print(f"rule {rule:.3f} s; one statement {floor:.3f} s; ratio {rule / floor:.2f}")


def _all_seeing() -> "psycopg2.extensions.connection":
    link = psycopg2.connect(os.environ["BACKUP_DATABASE_URL"])
    link.autocommit = True
    return link


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--practices", type=int, default=1000)
    parser.add_argument("--referrals", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
