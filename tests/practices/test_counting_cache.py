"""Signing in while Valkey is away."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from redis.exceptions import RedisError

from tests import make
from tests.practices.smtp_server import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_answers(settings):
    away = {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": away}


@pytest.fixture
def user():
    return make.member("manager", make.practice(), email=f"mara{uuid4().hex[:8]}@example.test").user


def sign_in(client, user, password: str):
    network = f"10.1.{user.pk % 250}.{uuid4().int % 250}"
    form = {"login": user.email, "password": password}
    return client.post("/sign-in/", form, REMOTE_ADDR=network)


def test_works(client, user):
    assert sign_in(client, user, make.PASSWORD).url == "/"
    assert client.get("/").status_code == 200


def test_still_slows_who_guesses(client, user):
    said = [sign_in(client, user, "not this one").content.decode() for _ in range(10)]
    assert "Too many failed" not in said[0]
    assert "Too many failed" in said[-1]


def test_the_health_page_can_tell_that_it_is_away():
    with pytest.raises(RedisError):
        cache.get_many(["last_tick_at"])
