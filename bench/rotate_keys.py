"""How many rows a second a change of keys rewrites, texts and blind indexes.

python -m referralcrm.embedded exec -- python bench/rotate_keys.py [--referrals 20000]
"""

import argparse
import base64
import os
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# What `python -m referralcrm.embedded exec` starts is an empty database.
subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
django.setup()

from django.conf import settings
from django.utils import timezone

from practices import key_rotation
from practices.encryption import verify_keys
from practices.models import Practice
from referralcrm.seeding.days import last_morning
from referralcrm.seeding.making import seed
from referralcrm.seeding.plans import plans_of

LONG = timedelta(hours=1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--referrals", type=int, default=20_000)
    wanted = parser.parse_args()
    verify_keys()
    seed(plans_of(practices=1, referrals=wanted.referrals), seed_number=1, until=last_morning(timezone.now()))
    practice = Practice.objects.get()
    new = base64.b64encode(secrets.token_bytes(64)).decode()
    settings.PATIENT_DATA_KEYS_FILE = settings.BLIND_INDEX_KEY_FILE = ""
    for what in ("texts", "blind indexes"):
        if what == "texts":
            settings.PATIENT_DATA_KEYS = [f"bench:{new}", *settings.PATIENT_DATA_KEYS]
        else:
            settings.BLIND_INDEX_KEY = f"bench:{new},{settings.BLIND_INDEX_KEY}"
        verify_keys()
        key_rotation.begin(datetime.now(UTC))
        began = time.monotonic()
        rows = key_rotation.rewrite(practice.pk, at_once=LONG)
        seconds = time.monotonic() - began
        began = time.monotonic()
        assert key_rotation.left(practice.pk) == {}
        looked = time.monotonic() - began
        print(
            f"{what}: {rows} rows in {seconds:.1f} s, {rows / seconds:.0f} a second; to look for more: {looked:.2f} s"
        )


if __name__ == "__main__":
    main()
