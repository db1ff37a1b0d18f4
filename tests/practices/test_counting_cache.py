"""Signing in while Valkey is away, or its memory is full."""

from uuid import uuid4

import pytest
import redis
from django.conf import settings as configured
from django.core.cache import cache
from django.test import Client
from redis.exceptions import RedisError

from practices.rate_limits import tries_too_often
from tests import make
from tests.practices.smtp_server import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def nobody_answers(settings):
    away = {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": away}


@pytest.fixture
def no_memory_is_left(settings):
    broker = redis.Redis.from_url(configured.CACHES["default"]["LOCATION"])
    settings.CACHES = {"default": dict(settings.CACHES["default"])}  # a new one, that has counted nothing
    broker.config_set("maxmemory", 1)
    yield
    broker.config_set("maxmemory", 0)


@pytest.fixture(params=["nobody_answers", "no_memory_is_left"])
def trouble(request):
    request.getfixturevalue(request.param)


@pytest.fixture
def user():
    return make.member("manager", make.practice(), email=f"mara{uuid4().hex[:8]}@example.test").user


def sign_in(client, user, password: str):
    network = f"10.1.{user.pk % 250}.{uuid4().int % 250}"
    form = {"login": user.email, "password": password}
    return client.post("/sign-in/", form, REMOTE_ADDR=network)


def test_works(client, user, trouble):
    assert sign_in(client, user, make.PASSWORD).url == "/"
    assert client.get("/").status_code == 200


def test_works_again_and_again(client, user, trouble):
    assert [sign_in(Client(), user, make.PASSWORD).url for _ in range(4)] == ["/"] * 4


def test_still_slows_who_guesses(client, user, trouble):
    said = [sign_in(client, user, "not this one").content.decode() for _ in range(10)]
    assert "Too many tries" not in said[0]
    assert "Too many tries" in said[-1]


def test_still_counts_who_tries_a_public_page(rf, trouble):
    asked = {"what": f"page-{uuid4()}", "limit": 3, "now": make.NOW}
    assert [tries_too_often(rf.get("/"), **asked) for _ in range(5)] == [False] * 3 + [True] * 2


def test_the_health_page_can_tell_that_it_is_away(nobody_answers):
    with pytest.raises(RedisError):
        cache.get_many(["last_tick_at"])
