"""Whatever shows who a patient is, is written down: every address of the table, for whoever may see patients."""

import re
from datetime import date
from functools import cached_property
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from practices.isolation import practice_scope
from practices.models import PatientAccess
from tests import make
from tests.counts import IS_FULL
from tests.test_access import ADDRESSES, Address, World, address_of

# What stands in the rows made below and nowhere else: names, chart number, reason, notes.
OF_A_PATIENT = re.compile(r"Testperson\w*|Charttest|Reasontest|Notetest|Palpitations at rest", re.IGNORECASE)
# No page of referrals, of people or of what was brought in.
OTHERS = (
    "account_",
    "mfa_",
    "session",
    "healthz",
    "readyz",
    "unsubscribe",
    "theme",
    "calendar",
    "member",
    "draft",
)
OTHERS += ("gift", "insights", "invitation", "location", "cover", "sign_in", "switch", "outbox", "stationery")
NAMES_SHOWN = ["referrals", "provider", "office", "thank_you_week", "return_referrals", "report_back"]
ASKED: dict[str, list[str]] = {
    "touchpoint_new": ["?kind=call&referral={referral}", "?kind=card&referral={referral}"],
    "return_referral_new": ["?referral={referral}"],
    "report_back_tell": ["?referral={referral}"],
    **{name: ["?names=shown"] for name in NAMES_SHOWN},
}


class Ward(World):
    """The world of the addresses, whose patient has everything that a patient may have."""

    @cached_property
    def referral(self) -> Any:
        return make.referral(
            by=self.manager,
            physician=self.physician,
            received_on=date(2026, 11, 10),
            patient_chart_number="Charttest",
            reason="Reasontest",
            notes="Notetest",
        )


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["manager", "physician"] if IS_FULL else ["manager"])
def test_no_address_shows_a_patient_and_leaves_no_line(client, who):
    world, unlogged, shown = Ward(), [], set()
    with practice_scope(world.practice):
        _ = world.thank_you, world.office, world.brought
    client.force_login(getattr(world, who).user)
    for name, address in ADDRESSES.items():
        if name.startswith(OTHERS):
            continue
        for method, query in ways_to_ask(name, address, world):
            text, lines = asked(client, world, method, name, query)
            if OF_A_PATIENT.search(text):
                shown.add(name)
                unlogged += [] if lines else [f"{method} {name}{query}: {OF_A_PATIENT.findall(text)[:3]}"]
    assert unlogged == []
    assert {"referral", "referral_edit", "referrals", "return_referral", "thank_you_week"} <= shown


def ways_to_ask(name: str, address: Address, world: Ward) -> list[tuple[str, str]]:
    queries = ["", *(query.format(referral=world.referral.pk) for query in ASKED.get(name, []))]
    ways = [("get", query) for query in queries] if address.get else []
    return [*ways, ("post", "")] if address.post else ways


def asked(client: Client, world: Ward, method: str, name: str, query: str) -> tuple[str, int]:
    """What is answered, and how many lines of the log it left; nothing of it stays."""
    with transaction.atomic():
        url = address_of(name, world)
        before = lines_of(world)
        response: Any = getattr(client, method)(url + query)
        parts = response.streaming_content if response.streaming else [response.content]
        text = b"".join(parts).decode(errors="ignore")
        lines = lines_of(world) - before
        transaction.set_rollback(True)
    return text, lines


def lines_of(world: Ward) -> int:
    with practice_scope(world.practice):
        return PatientAccess.objects.count()
