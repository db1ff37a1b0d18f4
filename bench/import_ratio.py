"""How long importing 100,000 referrals takes, against COPY and insert of the same rows already encrypted.

    python -m referralcrm.embedded exec -- python bench/import_ratio.py [--rows 100000] [--rounds 5]

Both run by turns in the same practice, each on a table emptied of the other's rows, and each ends committed.

- *import*: everything between the file's bytes in the database and the committed result: the check (read,
  understand, match names) and the write (read again, understand, encrypt, blind indexes, find what is there
  already, add providers, one INSERT with the first step of each referral's way).
- *floor*: the very rows that an import staged, saved before as COPY text, are copied into a temporary table and
  inserted into the same indexed table, under the same row security, constraints and role. Nothing else: no
  reading, no encrypting, no step of the way, no look for what is there already.
"""

import argparse
import csv
import io
import os
import random
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django
import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
django.setup()

from django.db import connection
from django.utils import timezone

from contacts.models import Referral, ReferralStep
from contacts.npi import check_digit
from exchange import checking, writing
from exchange.files import take_in
from exchange.models import Import
from exchange.people import resolve
from exchange.reviewing import accept_suggestions
from practices.encryption import verify_keys
from practices.isolation import practice_scope
from practices.models import Member, Practice, User
from practices.roles import Role

State = Import.State
FAMILY = ["Testperson", "Muster", "Ejemplo", "Exempel", "Esempio", "Voorbeeld", "Beispiel", "Specimen"]
GIVEN = [
    "Ida",
    "Otto",
    "Eva",
    "Max",
    "Lena",
    "Rosa",
    "Hugo",
    "Nora",
    "Emil",
    "Vera",
    "Felix",
    "Alma",
    "Bruno",
    "Clara",
]
REASONS = ["Palpitations", "Murmur heard on exam", "Chest pain on exertion", "Abnormal ECG", "Syncope"]
HEADER = "Referral #,Referral Date,Referring Provider,NPI,Referring Practice,Patient Name,DOB,MRN,Referred To,Reason"
PLAIN_INSERT = """
INSERT INTO contacts_referral (
    practice_id, provider_id, office_id, physician_id, location_id, received_on, channel, urgency, payer,
    source_number, patient_family_name, patient_given_name, patient_born_on, patient_chart_number, reason,
    notes, patient_name_birth_index, patient_name_initial_index, patient_chart_index, status,
    contact_attempts, next_action, logged_at, logged_by_id, withdrawn_reason)
SELECT %(practice)s, provider_id, office_id, physician_id, location_id, received_on, channel, urgency, payer,
    source_number, family, given, born, chart, reason, notes, birth_index, initial_index, chart_index, 'received',
    0, '', %(now)s, %(member)s, ''
FROM incoming
"""


def made_file(rows: int) -> bytes:
    """An export of one large practice: 160 providers in 60 offices over two years, distinct patients."""
    chance = random.Random(20261123)
    today = timezone.localdate()
    out = io.StringIO(newline="")
    write = csv.writer(out, lineterminator="\r\n").writerow
    write(HEADER.split(","))
    for number in range(rows):
        sender = int(160 * chance.random() ** 2)
        nine = f"1{sender:08d}"
        family = f"{chance.choice(FAMILY)}{chance.randrange(4000)}".upper()
        write(
            [
                f"R{number}",
                f"{today - timedelta(days=chance.randrange(730)):%m/%d/%Y}",
                f"SENDER{sender}, {GIVEN[sender % 14].upper()} MD",
                nine + check_digit(nine),
                f"Office {sender % 60}",
                f"{family}, {chance.choice(GIVEN).upper()} {chance.choice('ABCDEF')}",
                f"{date(1940, 1, 1) + timedelta(days=chance.randrange(25_000)):%m/%d/%Y}",
                f"MRN{number}",
                "Chen, Robert MD",
                chance.choice(REASONS),
            ]
        )
    return out.getvalue().encode()


class Bench:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.practice = Practice.objects.create(name="Bench", starts_on=timezone.localdate())
        self.staged = b""
        with practice_scope(self.practice):
            self.manager = self._member("manager", Role.MANAGER)
            self._member("Robert Chen", Role.PHYSICIAN)

    def _member(self, name: str, role: str) -> Member:
        user = User.objects.create_user(f"{role}@bench.example", name=name)
        return Member.objects.create(user=user, role=role)

    def empty(self) -> None:
        """Both start from an empty, vacuumed table."""
        with practice_scope(self.practice):
            Import.objects.all().delete()
            for model in (ReferralStep, Referral):
                model.objects.all()._raw_delete("default")
        as_owner("VACUUM ANALYZE contacts_referral", "VACUUM ANALYZE contacts_referralstep")

    def imported(self) -> tuple[float, float]:
        """Seconds of the check and of the write."""
        now = timezone.now()
        with practice_scope(self.practice):
            source = take_in(self.content, name="bench.csv", by=self.manager, now=now)
            source.enter(State.CHECKING, now=now)
        begun = time.perf_counter()
        with practice_scope(self.practice):
            checking.check(source.pk, now=now)
        checked = time.perf_counter()
        with practice_scope(self.practice):
            source.refresh_from_db()
            accept_suggestions(source)
            source.enter(State.WRITING, now=now)
        resumed = time.perf_counter()
        with practice_scope(self.practice):
            writing.write(source.pk, now=now)
        return checked - begun, time.perf_counter() - resumed

    def stage(self) -> None:
        """Keep what an import copies, for the floor to copy again."""
        with practice_scope(self.practice):
            source = Import.objects.get()
            _understander, rows = checking.understood_rows(source)
            self.staged = "".join(writing.copy_lines(source, rows, resolve(source))).encode()

    def floor(self) -> float:
        begun = time.perf_counter()
        values: dict[str, Any] = {
            "practice": self.practice.pk,
            "member": self.manager.pk,
            "now": timezone.now(),
        }
        with practice_scope(self.practice), connection.cursor() as cursor:
            cursor.execute(writing.INCOMING)
            cursor.copy_expert("COPY incoming FROM STDIN", io.BytesIO(self.staged))
            cursor.execute("ANALYZE incoming")
            cursor.execute(PLAIN_INSERT, values)
            cursor.execute("DROP TABLE incoming")
        return time.perf_counter() - begun


def as_owner(*statements: str) -> None:
    link = psycopg2.connect(os.environ["OWNER_DATABASE_URL"])
    link.autocommit = True
    with link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    link.close()


def most_memory() -> float:
    """MB at the peak. Not getrusage's: that begins with the peak of whoever started us."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    verify_keys()
    bench = Bench(made_file(wanted.rows))
    checks, writes, floors, peak = [], [], [], 0.0
    for turn in range(wanted.rounds):
        bench.empty()
        check, write = bench.imported()
        if turn == 0:
            peak = most_memory()
            bench.stage()
        bench.empty()
        floor = bench.floor()
        checks.append(check)
        writes.append(write)
        floors.append(floor)
        print(f"round {turn + 1}: check {check:.2f} s, write {write:.2f} s, floor {floor:.2f} s", flush=True)
    whole = statistics.median(a + b for a, b in zip(checks, writes, strict=True))
    floor = statistics.median(floors)
    print(f"{wanted.rows:,} rows, medians of {wanted.rounds}: check {statistics.median(checks):.2f} s,")
    print(f"write {statistics.median(writes):.2f} s, both {whole:.2f} s; floor {floor:.2f} s")
    print(
        f"ratio {whole / floor:.2f} (write alone {statistics.median(writes) / floor:.2f}); peak {peak:.0f} MB, the file included"
    )


main()
