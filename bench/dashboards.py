"""What the pages of figures cost in one practice with 250,000 referrals, against the signed-in page of one query.

    python -m referralcrm.embedded exec -- python bench/dashboards.py [--referrals 250000] [--rounds 15]

The practice is the seeder's. Both are asked by turns in one process, through the whole middleware, signed in as
the same member; the page of one query is that of one's calendar. Median times, the ratio of them, and the
queries of each. First how long the figures take to be counted: all of them once, and after one more referral.
"""

import argparse
import os
import statistics
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from time import perf_counter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
os.environ.setdefault("ALLOWED_HOSTS", "testserver")
os.environ["DEMO"] = "1"  # the seeder's members sign in at a demo alone

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
subprocess.run(
    [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], check=True, cwd=ROOT
)
django.setup()

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Office, Provider, ProviderOffice, Referral
from contacts.referral_way import log_referral
from insights.counting import count_figures
from insights.models import DailyFigures, SourceFigures
from practices.encryption import verify_keys
from practices.isolation import practice_scope
from practices.models import Member, Practice
from practices.roles import Role
from referralcrm.seeding.days import last_morning
from referralcrm.seeding.loading import settle
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of
from touchpoints.models import Reminder, ThankYou, ThankYouList, Touchpoint

ONE_QUERY = "/calendar/"  # whether one has an address
PAGES = {
    Role.MANAGER: [
        "/insights/",
        "/insights/?period=month",
        "/insights/?location={location}",
        "/insights/?physician={physician}",
        "/insights/referrers/",
        "/insights/referrers/?physician={physician}",
        "/insights/outreach/",
        "/",
    ],
    Role.PHYSICIAN: ["/insights/", "/insights/referrers/", "/insights/outreach/", "/"],
    Role.COORDINATOR: ["/"],
    Role.LIAISON: ["/insights/", "/insights/referrers/", "/insights/outreach/", "/"],
}
MOST_TIMES, MOST_QUERIES = 8, 12


def main() -> None:
    arguments = _arguments()
    verify_keys()
    (practice,) = seed(
        plans_of(practices=1, referrals=arguments.referrals),
        seed_number=1,
        until=last_morning(timezone.now()),
    )
    settle(Office, Provider, ProviderOffice, Referral, Touchpoint, Reminder, ThankYou, ThankYouList)
    _count(practice)
    settle(DailyFigures, SourceFigures)
    print(f"{arguments.referrals} referrals, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with practice_scope(practice):
        for model in (DailyFigures, SourceFigures):
            print(f"{model.objects.count():>10} rows of {model.__name__}")
    too_much = [line for role in PAGES for line in _measure(practice, role, arguments.rounds)]
    print("\n".join(too_much) or "every page keeps within its bounds")


def _count(practice: Practice) -> None:
    now = timezone.now()
    rounds = {
        "all figures once": now,
        "with nothing changed": now,
        "after one more referral": now,
        "on the next day": now + timedelta(days=1),
        "in the next month": now + timedelta(days=32),
        "back again": now,
    }
    for what, moment in rounds.items():
        if what.startswith("after"):
            _log_one(practice)
        since = perf_counter()
        with practice_scope(practice):
            count_figures(now=moment)
        print(f"{perf_counter() - since:8.3f} s to count {what}")


def _log_one(practice: Practice) -> None:
    now = timezone.now()
    with practice_scope(practice):
        by = Member.objects.filter(role=Role.MANAGER)[0]
        last = Referral.objects.latest("received_on")
        log_referral(
            by=by, now=now, provider=last.provider, received_on=last.received_on, channel="fax",
            physician=last.physician, patient_family_name="Testperson", patient_given_name="Ida",
        )  # fmt: skip


def _measure(practice: Practice, role: Role, rounds: int) -> list[str]:
    client, names, too_much = Client(), {}, []
    with practice_scope(practice):
        member = Member.objects.filter(role=role).select_related("user")[0]
        busiest = Referral.objects.filter(physician__isnull=False)[0]
        names["physician"] = busiest.physician_id
        names["location"] = Referral.objects.filter(location__isnull=False)[0].location_id
    client.force_login(member.user)
    for address in PAGES[role]:
        url = address.format(**names)
        page, floor = _by_turns(client, url, rounds)
        with CaptureQueriesContext(connection) as captured:
            client.get(url, secure=True)
        times, queries = page / floor, len(captured)
        print(
            f"{role:<12}{url:<40}{page * 1000:7.1f} ms {times:5.1f} times {floor * 1000:5.1f} ms, {queries} queries"
        )
        if times > MOST_TIMES or queries > MOST_QUERIES:
            too_much.append(f"TOO MUCH: {role} {url}")
    return too_much


def _by_turns(client: Client, url: str, rounds: int) -> tuple[float, float]:
    took: dict[str, list[float]] = {url: [], ONE_QUERY: []}
    for turn in range(rounds + 2):
        for address in took:
            since = perf_counter()
            answer = client.get(address, secure=True)
            assert answer.status_code == 200, (address, answer.status_code)
            if turn > 1:  # the first rounds fill caches
                took[address].append(perf_counter() - since)
    return statistics.median(took[url]), statistics.median(took[ONE_QUERY])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--referrals", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
