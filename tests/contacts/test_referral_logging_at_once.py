"""Two desks, one moment: neither fails, and what can be there once is there once."""

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client

from contacts.models import Provider
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.contacts.test_referral_logging import NEW, logged, typed

pytestmark = pytest.mark.django_db(transaction=True)
DESKS = 6


def post_at_once(practice, forms: list[dict], *, member=None) -> list[int]:
    """Each form from a desk of its own (or all of one member's), at the same moment; their answers."""
    desks = [(Client(), member or make.member(Role.COORDINATOR, practice), form) for form in forms]
    for client, member, _form in desks:
        client.force_login(member.user)
    start, statuses = threading.Barrier(len(desks)), []

    def post(client: Client, form: dict) -> None:
        try:
            start.wait(20)
            statuses.append(client.post(NEW, form).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[client, form]) for client, _member, form in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@pytest.fixture
def practice():
    made = make.practice()
    with practice_scope(made):
        make.provider("Okafor", given_name="Ngozi")
    return made


def test_the_same_source_number_is_logged_once_and_the_others_are_told(practice):
    patients = [{"patient_given_name": f"Ida{number}"} for number in range(DESKS)]
    forms = [typed(provider_text="Okafor", source_number="X1", **patient) for patient in patients]
    assert post_at_once(practice, forms) == [302] + [422] * (DESKS - 1)
    assert len(logged(practice)) == 1


def test_one_submission_sent_many_times_is_one_referral(practice):
    form = typed(provider_text="Okafor", submission_key=str(uuid.uuid4()))
    assert post_at_once(practice, [form] * DESKS) == [302] * DESKS
    assert len(logged(practice)) == 1


def test_one_submission_with_somebody_new_adds_them_once(practice):
    member = make.member(Role.COORDINATOR, practice)
    new = {"new_given_name": "Zoe", "new_family_name": "Umbraleaf", "provider_choice": "new"}
    form = typed(provider_text="Zoe Umbraleaf", submission_key=str(uuid.uuid4()), **new)
    assert post_at_once(practice, [form] * DESKS, member=member) == [302] * DESKS
    with practice_scope(practice):
        assert Provider.objects.filter(family_name="Umbraleaf").count() == 1
