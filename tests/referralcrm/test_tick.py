"""What a tick puts into the queue."""

import base64
import json

import pytest
import redis
from django.conf import settings

from referralcrm.tasks import tick
from tests import make

PRACTICES = 8


@pytest.fixture
def queue():
    """The real broker's queue, empty and with no worker at it."""
    broker = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    broker.delete("celery")
    yield broker
    broker.delete("celery")


def queued(queue: redis.Redis) -> list[int]:
    """Whose turn it is, in the order in which a worker takes them."""
    messages = [json.loads(message) for message in reversed(queue.lrange("celery", 0, -1))]
    queue.delete("celery")
    bodies = [
        json.loads(base64.b64decode(message["body"]))
        for message in messages
        if message["headers"]["task"] == "referralcrm.tick_practice"
    ]
    return [practice for (practice, _moment), _keywords, _embedded in bodies]


@pytest.mark.django_db
def test_mail_does_not_wait_behind_the_practices(queue):
    make.practice()
    tick()
    first = json.loads(queue.lrange("celery", -1, -1)[0])
    assert first["headers"]["task"] == "referralcrm.send_mail"


@pytest.mark.django_db
def test_every_practice_has_its_turn_and_none_is_always_the_last(queue):
    practices = {make.practice().pk for _ in range(PRACTICES)}
    rounds = []
    for _ in range(3):
        tick()
        rounds.append(queued(queue))
    assert all(set(one) == practices for one in rounds)
    assert len(set(map(tuple, rounds))) > 1
