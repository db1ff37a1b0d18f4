"""What the tests of lists and reminders stand on."""

from datetime import date

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
