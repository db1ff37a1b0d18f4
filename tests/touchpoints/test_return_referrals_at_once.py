"""Several desks, one moment: one patient is written once and sent once, and nobody waits for ever."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from touchpoints.models import ReturnReferral, Touchpoint

pytestmark = pytest.mark.django_db(transaction=True)
DESKS = 6


@pytest.fixture
def practice():
    made = make.practice()
    made.coordinator = make.member(Role.COORDINATOR, made)
    made.physician = make.member(Role.PHYSICIAN, made)
    with practice_scope(made):
        made.specialty = make.specialty()
        made.row = make.return_referral(
            made.physician, specialty=made.specialty, provider=make.provider(specialty=made.specialty)
        )
    return made


def post_at_once(posts: list[tuple[str, dict]], *, member) -> list[int]:
    start, statuses = threading.Barrier(len(posts)), []

    def post(client: Client, url: str, form: dict) -> None:
        try:
            start.wait(20)
            statuses.append(client.post(url, form).status_code)
        finally:
            connection.close()

    threads = []
    for url, form in posts:
        client = Client()
        client.force_login(member.user)
        threads.append(threading.Thread(target=post, args=[client, url, form]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def need(practice, **changes):
    return {
        "patient_family_name": "Testperson",
        "patient_given_name": "Una",
        "physician": practice.physician.pk,
        "specialty": practice.specialty.pk,
        "urgency": "routine",
        **changes,
    }


def test_one_need_sent_many_times_is_one_return_referral(practice):
    posts = [(reverse("return_referral_new"), need(practice))] * DESKS
    assert post_at_once(posts, member=practice.coordinator) == [302] * DESKS
    with practice_scope(practice):
        assert ReturnReferral.objects.exclude(pk=practice.row.pk).count() == 1


def test_many_clicks_send_the_patient_once(practice):
    posts = [(reverse("return_referral_step", args=[practice.row.pk]), {"act": "send"})] * DESKS
    assert post_at_once(posts, member=practice.coordinator) == [302] * DESKS
    with practice_scope(practice):
        assert Touchpoint.objects.count() == 1


def test_one_corrects_while_another_sends_and_a_third_cancels(practice):
    step = reverse("return_referral_step", args=[practice.row.pk])
    posts = [
        (reverse("return_referral_need", args=[practice.row.pk]), need(practice)),
        (step, {"act": "send"}),
        (step, {"act": "cancel", "reason": "Moved away"}),
    ]
    statuses = post_at_once(posts * 2, member=practice.coordinator)
    assert set(statuses) <= {302, 422}
    with practice_scope(practice):
        row = ReturnReferral.objects.get(pk=practice.row.pk)
        assert row.state == "cancelled"
        assert not Touchpoint.objects.standing().exists()
