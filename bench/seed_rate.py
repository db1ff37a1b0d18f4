"""How many referrals a second the seeder makes, with all that hangs on them, committed.

    python -m referralcrm.embedded exec -- python bench/seed_rate.py [--referrals 200000] [--practices 50]

Counted from the first row to the last commit: practices, their people, referrals with each step of their ways,
thank-you lists, touchpoints, reminders. Processor seconds stand beside the time, since on a machine that does
other things too they say more.
"""

import argparse
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
django.setup()

from contacts.models import Referral, ReferralStep
from practices.isolation import practice_scope
from practices.models import Practice
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of
from touchpoints.models import ThankYou, Touchpoint

UNTIL = date(2026, 11, 20)


def main() -> None:
    arguments = _arguments()
    plans = plans_of(practices=arguments.practices, referrals=arguments.referrals)
    since, python = perf_counter(), _python_seconds()
    seed(plans, seed_number=1, until=UNTIL, processes=arguments.processes)
    took, python = perf_counter() - since, _python_seconds() - python
    print(f"{arguments.referrals} referrals of {arguments.practices} practices, {os.cpu_count()} cores")
    print(f"{took:.1f} s: {arguments.referrals / took:.0f} referrals a second")
    print(f"Python used {python:.1f} processor seconds; the load of the machine is {os.getloadavg()[0]:.1f}")
    for model in (Referral, ReferralStep, Touchpoint, ThankYou):
        print(f"{_count(model):>10} {model._meta.verbose_name_plural}")


def _python_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _count(model: Any) -> int:
    total = 0
    for practice in Practice.objects.all():
        with practice_scope(practice):
            total += model.objects.count()
    return total


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--referrals", type=int, default=200_000)
    parser.add_argument("--practices", type=int, default=50)
    parser.add_argument("--processes", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
