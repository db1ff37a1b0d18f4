"""Two presses at one moment: one answer, one mail."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import OutboxEnvelope
from practices.roles import Role
from tests import make
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest

pytestmark = pytest.mark.django_db(transaction=True)
PRESSES = 4


@pytest.fixture
def practice():
    made = make.practice()
    made.manager = make.member(Role.MANAGER, made)
    with practice_scope(made):
        made.provider = make.provider("Okafor", email="okafor@example.test")
    return made


def press_at_once(url, data, *, user=None):
    clients = [Client(REMOTE_ADDR="198.51.100.7") for _press in range(PRESSES)]
    for client in clients:
        if user:
            client.force_login(user)
    start, statuses = threading.Barrier(PRESSES), []

    def press(client):
        try:
            start.wait(20)
            statuses.append(client.post(url, data).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def test_one_link_answered_many_times_at_once_is_one_answer(practice):
    now = timezone.now()
    with practice_scope(practice):
        request = FeedbackRequest.objects.create(
            provider=practice.provider, asked_at=now, asked_by=practice.manager
        )
        token = make.feedback_link(request, expires_at=now + FeedbackRequest.LIFETIME)

    statuses = press_at_once(reverse("feedback_public", args=[token]), {"overall": "2"})

    assert statuses == [302] + [404] * (PRESSES - 1)
    with practice_scope(practice):
        assert (Feedback.objects.count(), FeedbackIssue.objects.count()) == (1, 1)


def test_asking_many_times_at_once_sends_one_mail(practice):
    url = reverse("feedback_ask_provider", args=[practice.provider.pk])
    assert press_at_once(url, {}, user=practice.manager.user) == [302] * PRESSES
    assert OutboxEnvelope.objects.count() == 1
