"""Two desks, one moment: neither fails, and what can be there once is there once."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from contacts.merging import merge_offices, merge_providers
from contacts.models import Office, Provider
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


def during_a_merge(practice, act, merge) -> None:
    """Let `act` run in a connection of its own, as far as it gets, before the merge beside it is committed."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as desk:
        with practice_scope(practice):
            merge()
            done = desk.submit(run)
            wait_until_it_waits(done)
        done.result(30)


def wait_until_it_waits(done) -> None:
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline and not done.done():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)


def two_of_each(practice) -> tuple[Provider, Provider, Office, Office]:
    with practice_scope(practice):
        keep_at, drop_at = make.office("Lakeside Clinic"), make.office("Lakeside Klinik")
        return make.provider("Quist", at=keep_at), make.provider("Kwist", at=drop_at), keep_at, drop_at


@pytest.mark.parametrize("what", ["provider", "office"])
def test_sender_chosen_before_a_merge_was_committed_is_the_one_that_was_kept(practice, what):
    keep, drop, keep_at, drop_at = two_of_each(practice)
    manager, client = make.member(Role.MANAGER, practice), Client()
    client.force_login(manager.user)

    def merge() -> None:
        if what == "provider":
            merge_providers(keep=keep, drop=drop, by=manager, now=make.NOW)
        else:
            merge_offices(keep=keep_at, drop=drop_at, by=manager, now=make.NOW)

    chosen = {
        "provider": drop.pk,
        "provider_text": str(drop),
        "office": drop_at.pk,
        "office_text": str(drop_at),
    }
    statuses: list[int] = []
    during_a_merge(practice, lambda: statuses.append(client.post(NEW, typed(**chosen)).status_code), merge)
    assert statuses == [302]
    (row,) = logged(practice)
    assert (row.provider_id, row.office_id) == (
        (keep.pk, drop_at.pk) if what == "provider" else (drop.pk, keep_at.pk)
    )


def test_correction_made_during_a_merge_asks_who_is_meant_and_loses_nothing(practice):
    keep, drop, keep_at, _ = two_of_each(practice)
    manager, client = make.member(Role.MANAGER, practice), Client()
    client.force_login(manager.user)
    with practice_scope(practice):
        row = make.referral(manager, provider=make.provider("Other", at=keep_at), office=keep_at)
    address = reverse("referral_edit", args=[row.pk])
    form = typed(provider=drop.pk, provider_text=str(drop), received_on=row.received_on.isoformat())
    statuses: list[int] = []
    during_a_merge(
        practice,
        lambda: statuses.append(client.post(address, form).status_code),
        lambda: merge_providers(keep=keep, drop=drop, by=manager, now=make.NOW),
    )
    assert statuses == [422]  # it waited for the merge, after which that one is nobody any more
    assert client.post(address, {**form, "provider": keep.pk, "provider_text": str(keep)}).status_code == 302
    (row,) = logged(practice)
    assert row.provider_id == keep.pk
