"""What the audit trail costs: bulk inserts, bulk and single updates, deletes, with its triggers and without, by turns.

    python -m referralcrm.embedded exec -- python bench/audit.py [--rounds 7] [--only tick]

Each measure is taken by turns with the triggers on and off (as the owner, on a database of this bench alone), in a
transaction that is rolled back, so that both meet the same table. Medians, and the quickest.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from contacts.models import Provider, Referral
from practices.encryption import verify_keys
from practices.isolation import practice_scope
from practices.models import AuditEntry, Member, Practice, User
from practices.roles import Role
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of
from referralcrm.tasks import QUESTIONS

SEEDED_UNTIL, TICKED = (
    date(2026, 11, 20),
    datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
)  # a Friday, and the Monday
INSERT = """
INSERT INTO contacts_referral (
    practice_id, provider_id, physician_id, received_on, channel, urgency, payer, patient_family_name,
    patient_given_name, patient_chart_number, reason, notes, patient_name_initial_index, status, contact_attempts,
    next_action, logged_at, logged_by_id, withdrawn_reason)
SELECT %s, %s, %s, DATE '2026-01-01' + n %% 300, 'fax', 'routine', '', sha256(n::text::bytea),
    sha256((n + 1)::text::bytea), '', sha256((n + 2)::text::bytea), '', md5(n::text)::bytea, 'received', 0,
    '', now(), %s, ''
FROM generate_series(1, %s) n
"""


class Bench:
    def __init__(self) -> None:
        self.practice = Practice.objects.create(name="Bench", starts_on=date(2026, 1, 5))
        with practice_scope(self.practice):
            user = User.objects.create_user("manager@bench.example", name="Manager")
            self.member = Member.objects.create(user=user, role=Role.MANAGER)
            self.provider = Provider.objects.create(family_name="Okafor", given_name="Ngozi")
            self.insert(100_000)
        (self.seeded,) = seed(
            plans_of(practices=1, referrals=3_000), seed_number=1, until=SEEDED_UNTIL, processes=1
        )
        self.client = Client()
        self.client.force_login(user)
        settings.ALLOWED_HOSTS = ["testserver"]
        settings.SECURE_SSL_REDIRECT = False

    def insert(self, rows: int) -> None:
        values = [self.practice.pk, self.provider.pk, self.member.pk, self.member.pk, rows]
        self.run(INSERT, *values)

    def run(self, sql: str, *params: int | str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)

    def change(self, rows: int) -> None:
        self.run(
            "UPDATE contacts_referral SET urgency = 'urgent', reason = 'x' WHERE id IN"
            " (SELECT id FROM contacts_referral ORDER BY id LIMIT %s)",
            rows,
        )

    def change_one(self) -> None:
        for number in range(100):
            self.run("UPDATE contacts_provider SET phone = %s WHERE id = %s", str(number), self.provider.pk)

    def delete(self, rows: int) -> None:
        self.run(
            "DELETE FROM contacts_referral WHERE id IN (SELECT id FROM contacts_referral ORDER BY id LIMIT %s)",
            rows,
        )

    def tick(self) -> None:
        """What a Monday's tick does for a practice of 3,000 referrals: lists, reminders, digests, figures."""
        for question in QUESTIONS:
            question(now=TICKED)

    def page(self) -> None:
        """A provider saved by their form."""
        values = {"family_name": "Okafor", "given_name": "Ngozi", "tier": "A", "state": "active"}
        for number in range(10):
            values["phone"] = f"555-010{number}"
            answer = self.client.post(reverse("provider_edit", args=[self.provider.pk]), values)
            assert answer.status_code == 302, answer.status_code


def switch(*, on: bool) -> None:
    link = psycopg2.connect(os.environ["OWNER_DATABASE_URL"])
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'audit%'")
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {'ENABLE' if on else 'DISABLE'} TRIGGER {trigger}")
    link.close()


def measured(bench: Bench, act: Callable[[], None], *, on: bool, is_page: bool) -> float:
    switch(on=on)
    if is_page:  # enters and commits by itself
        begun = time.perf_counter()
        act()
        return time.perf_counter() - begun
    with practice_scope(bench.seeded if act == bench.tick else bench.practice):
        begun = time.perf_counter()
        act()
        taken = time.perf_counter() - begun
        transaction.set_rollback(True)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="acts whose name holds this")
    wanted = parser.parse_args()
    rounds = wanted.rounds
    verify_keys()
    bench = Bench()
    acts: dict[str, Callable[[], None]] = {
        "insert 20,000 referrals": lambda: bench.insert(20_000),
        "insert 100,000 referrals": lambda: bench.insert(100_000),
        "change 20,000 referrals": lambda: bench.change(20_000),
        "remove 20,000 referrals": lambda: bench.delete(20_000),
        "change one provider (of 100)": bench.change_one,
        "save a provider's form (of 10)": bench.page,
        "a practice's first tick of a week": bench.tick,
    }
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {rounds} rounds by turns; milliseconds")
    print(f"{'':36}{'without':>10}{'with':>10}{'':>8}   quickest")
    for name, act in acts.items():
        if wanted.only not in name:
            continue
        times: dict[bool, list[float]] = {False: [], True: []}
        is_page = "form" in name
        each = 100 if "100)" in name else 10 if "10)" in name else 1
        for turn in range(2 * rounds + 2):
            taken = measured(bench, act, on=bool(turn % 2), is_page=is_page)
            if turn > 1:
                times[bool(turn % 2)].append(1000 * taken / each)
        off, on = (statistics.median(times[way]) for way in (False, True))
        least = f"{min(times[False]):.2f} {min(times[True]):.2f}"
        print(f"{name:36}{off:10.2f}{on:10.2f}{on / off:7.2f}x   {least}", flush=True)
    size_of_the_trail(bench)


def size_of_the_trail(bench: Bench) -> None:
    """Bytes of an entry with its indexes, for how a practice's trail grows."""
    with practice_scope(bench.practice):
        before = total_size()
        bench.change(20_000)
        grown = total_size() - before
        print(f"an entry of a referral's change: {grown / 20_000:.0f} bytes with its indexes")
        print(f"entries: {AuditEntry.objects.count():,}; referrals: {Referral.objects.count():,}")


def total_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('practices_auditentry')")
        return cursor.fetchone()[0]


if __name__ == "__main__":
    main()
