"""The demo, made once for a module's tests and gone after them."""

from datetime import date

import pytest
from django.db import transaction

from referralcrm.seeding.days import Days
from referralcrm.seeding.making import seed_demo_if_empty

UNTIL = date(2026, 11, 18)  # a Wednesday


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """The demo's practices as of the morning of UNTIL."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield seed_demo_if_empty(UNTIL)
        transaction.set_rollback(True)


@pytest.fixture
def days():
    return Days(UNTIL)
