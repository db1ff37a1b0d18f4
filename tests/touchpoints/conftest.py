"""What the tests of lists and reminders stand on."""

from datetime import date
from types import SimpleNamespace

import pytest

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make


@pytest.fixture
def harbor(db):
    practice = make.practice(starts_on=date(2026, 11, 9))
    practice.physician = make.member(Role.PHYSICIAN, practice, name="Dr Chen")
    practice.colleague = make.member(Role.PHYSICIAN, practice, name="Dr Roy")
    practice.coordinator = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        yield practice


@pytest.fixture
def sending(db):
    """A desk with a patient of ours who needs a cardiologist, and one in the network. Outside any scope."""
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.cardiology = make.specialty()
        desk.office = make.office(
            "Lakeside", street="12 Lake St", city="Oak Park", state="IL", zip_code="60302", phone="555-0100"
        )
        desk.provider = make.provider(
            "Okafor", at=desk.office, specialty=desk.cardiology, languages=["Spanish"], payers=["Aetna"]
        )
        desk.row = make.return_referral(
            desk.coordinator,
            physician=desk.physician,
            specialty=desk.cardiology,
            patient_family_name="Testperson",
            zip_code="60302",
            language="Spanish",
        )
    return desk
