"""How long 300 labels, 300 envelopes and a writing sheet of 300 cards take.

    python -m referralcrm.embedded exec -- python bench/labels.py [--cards 300] [--rounds 5]

The first round of a process also reads the typeface (about 0.1 s); the median is of all rounds.
"""

import argparse
import os
import statistics
import sys
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django

django.setup()

from contacts.models import Provider
from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.cards import Card
from touchpoints.printing.envelopes import SIZES, envelopes
from touchpoints.printing.labels import SHEETS, labels
from touchpoints.printing.writing_sheet import writing_sheet

FAMILY = ["Okafor", "Nguyễn", "Łukasiewicz", "Georgíou", "O’Neill", "Adébáyọ̀", "Smith-Jones"]


def card(number: int) -> Card:
    """One invented card."""
    provider = Provider(family_name=FAMILY[number % len(FAMILY)], given_name="Amara", credentials="MD")
    office = f"Lakeside Family Medicine {number}"
    where = {"street": f"{number} Lake St", "suite": "Ste 4", "city": "Oak Park", "state": "IL"}
    return Card(
        row_id=number,
        provider=provider,
        physician="Ana Reyes, MD",
        address=PostalAddress.of(str(provider), office, zip_code="60302", **where),
        office=f"{office}, Oak Park",
        office_id=number,
        week_starts_on=date(2026, 11, 16),
        count=1 + number % 3,
        carried_count=number % 2,
        is_first_ever=number % 5 == 0,
        personal_line="See you at the harbor run!",
        line_problem="",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cards", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    cards = [card(number) for number in range(wanted.cards)]
    addresses = [one.address for one in cards]
    sender = addresses[0]
    documents = {
        "labels 5160": lambda: labels(addresses, sheet=SHEETS["5160"], sender=sender, start=17),
        "labels 5163": lambda: labels(addresses, sheet=SHEETS["5163"], sender=sender),
        "envelopes A7": lambda: envelopes(addresses, size=SIZES["A7"], sender=sender),
        "writing sheet": lambda: writing_sheet(cards, title="Cards"),
    }
    for name, make in documents.items():
        seconds, size = [], 0
        for _round in range(wanted.rounds):
            begun = time.perf_counter()
            size = len(make())
            seconds.append(time.perf_counter() - begun)
        median, worst = statistics.median(seconds), max(seconds)
        print(f"{wanted.cards} × {name}: median {median:.2f} s, slowest {worst:.2f} s, {size / 1024:.0f} KB")


main()
