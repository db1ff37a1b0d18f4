"""Guessing: slowed for accounts, browsers and networks, for every process and past every restart."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from practices.guessing import (
    FORGOTTEN_AFTER,
    FREE,
    LONGEST,
    Subject,
    TooManyTries,
    count_try,
    forgive,
    wait_after,
)
from practices.isolation import practice_scope
from practices.models import Guess, OutboxEnvelope, Practice, SignInEvent
from tests import make
from tests.counts import examples

NOW = make.NOW
WHO = Subject("password", "account:ida@example.test")
FREE_TRIES = FREE["password"]
SAID = "Too many tries in vain"


def wait_of(subject: Subject, now=NOW) -> timedelta:
    try:
        count_try(subject, now=now)
    except TooManyTries as refusal:
        return refusal.wait
    return timedelta(0)


@given(st.integers(0, 10**6), st.integers(0, 40))
@settings(max_examples=examples(50, full=1000))
def test_nobody_waits_longer_than_the_bound_nor_less_after_more_failures(failures, free):
    wait = wait_after(failures, free=free)
    assert timedelta(0) <= wait <= LONGEST
    assert wait <= wait_after(failures + 1, free=free)
    assert bool(wait) == (failures >= free)


@pytest.mark.django_db
class TestCounting:
    def test_slows_after_the_free_tries_and_doubles(self):
        assert [wait_of(WHO) for _ in range(FREE_TRIES)] == [timedelta(0)] * FREE_TRIES
        assert wait_of(WHO) == timedelta(seconds=30)
        assert wait_of(WHO, NOW + timedelta(seconds=31)) == timedelta(0)
        assert wait_of(WHO, NOW + timedelta(seconds=32)) == timedelta(seconds=59)

    def test_refused_tries_make_the_wait_no_longer(self):
        for _ in range(FREE_TRIES + 20):
            wait_of(WHO)
        assert wait_of(WHO) == timedelta(seconds=30)

    def test_forgets_after_an_hour_of_peace(self):
        for _ in range(FREE_TRIES):
            wait_of(WHO)
        later = NOW + FORGOTTEN_AFTER + timedelta(seconds=1)
        assert [wait_of(WHO, later) for _ in range(FREE_TRIES)] == [timedelta(0)] * FREE_TRIES

    def test_never_shuts_an_account_for_longer_whatever_is_tried(self):
        now = NOW
        for _ in range(60):
            now += wait_of(WHO, now)
        assert wait_of(WHO, now) <= LONGEST

    def test_a_clock_set_back_shuts_nobody_out(self):
        for _ in range(FREE_TRIES):
            wait_of(WHO, NOW + timedelta(days=1))
        assert wait_of(WHO, NOW) == timedelta(seconds=30)
        assert wait_of(WHO, NOW + timedelta(seconds=31)) == timedelta(0)

    def test_begins_anew_after_success(self):
        for _ in range(FREE_TRIES):
            wait_of(WHO)
        forgive(WHO)
        assert wait_of(WHO) == timedelta(0)

    def test_keeps_no_address_that_can_be_read(self):
        wait_of(WHO)
        with connection.cursor() as cursor:
            cursor.execute("SELECT g::text FROM practices_guess g")
            assert b"ida@example".hex() not in cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_than_the_free_tries():
    start, taken = threading.Barrier(12), []

    def guess() -> None:
        start.wait(10)
        try:
            taken.append(wait_of(WHO) == timedelta(0))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (taken.count(True), len(taken)) == (FREE_TRIES, 12)
    assert Guess.objects.get().failures == FREE_TRIES


@pytest.mark.django_db
class TestTheDoor:
    @pytest.fixture
    def user(self):
        return make.member("physician", make.practice()).user

    def sign_in(self, client, user, password="not this one at all", **headers):
        return client.post("/sign-in/", {"login": user.email, "password": password}, **headers)

    def test_slows_an_account_from_everywhere_and_says_how_long(self, client, user):
        for number in range(FREE_TRIES):
            said = self.sign_in(client, user, REMOTE_ADDR=f"198.51.100.{number}").content.decode()
            assert SAID not in said
        answer = self.sign_in(Client(), user, make.PASSWORD, REMOTE_ADDR="203.0.113.9")
        assert f"{SAID}. Wait a minute" in answer.content.decode()

    def test_is_open_to_the_browser_that_knows_the_way_while_strangers_guess(self, client, user):
        assert self.sign_in(client, user, make.PASSWORD).status_code == 302
        client.post("/sign-out/")
        for number in range(3 * FREE_TRIES):
            self.sign_in(Client(), user, REMOTE_ADDR=f"198.51.100.{number}")
        assert SAID in self.sign_in(Client(), user, make.PASSWORD, REMOTE_ADDR="203.0.113.9").content.decode()
        assert self.sign_in(client, user, make.PASSWORD).status_code == 302

    def test_slows_the_browser_that_knows_the_way_too(self, client, user):
        self.sign_in(client, user, make.PASSWORD)
        client.post("/sign-out/")
        for _ in range(FREE_TRIES):
            self.sign_in(client, user)
        assert SAID in self.sign_in(client, user, make.PASSWORD).content.decode()

    def test_knows_a_browser_for_its_own_account_alone(self, client, user):
        self.sign_in(client, user, make.PASSWORD)
        client.post("/sign-out/")
        other = make.member("physician", make.practice()).user
        (mine,) = [name for name in client.cookies if "known-" in name]
        for _ in range(FREE_TRIES):
            self.sign_in(Client(), other)
        from practices.guessing import _cookie

        client.cookies[_cookie(other.email)] = client.cookies[mine].value
        assert SAID in self.sign_in(client, other, make.PASSWORD).content.decode()

    def test_slows_a_network_over_many_accounts(self, client, user):
        for _ in range(FREE["address"] - 1):
            count_try(Subject("address", "203.0.113.7"), now=timezone.now())
        post = {"login": "nobody@example.test", "password": "x"}
        assert SAID not in client.post("/sign-in/", post, REMOTE_ADDR="203.0.113.7").content.decode()
        assert SAID in self.sign_in(client, user, REMOTE_ADDR="203.0.113.7").content.decode()
        assert SAID not in self.sign_in(client, user, REMOTE_ADDR="203.0.113.8").content.decode()

    def test_slows_an_account_that_does_not_exist_alike(self, client):
        for _ in range(FREE_TRIES):
            client.post("/sign-in/", {"login": "nobody@example.test", "password": "x"})
        answer = client.post("/sign-in/", {"login": "nobody@example.test", "password": "x"})
        assert SAID in answer.content.decode()

    def test_opens_again_after_the_wait(self, client, user):
        for _ in range(FREE_TRIES):
            self.sign_in(client, user)
        with time_machine.travel(timezone.now() + timedelta(seconds=31)):
            assert self.sign_in(client, user, make.PASSWORD).status_code == 302

    def test_sends_so_many_links_for_a_forgotten_password_and_tells_no_difference(self, client, user):
        for email in (user.email, "nobody@example.test"):
            for _ in range(FREE["reset"]):
                assert client.post("/password/reset/", {"email": email}).status_code == 302
            assert SAID in client.post("/password/reset/", {"email": email}).content.decode()
        assert OutboxEnvelope.objects.count() == FREE["reset"]

    def test_slows_the_old_password_before_a_new_one(self, client, user):
        client.force_login(user)
        new = {"password1": "eleven boats at anchor", "password2": "eleven boats at anchor"}
        for _ in range(FREE_TRIES):
            client.post("/password/change/", {"oldpassword": "x", **new})
        answer = client.post("/password/change/", {"oldpassword": make.PASSWORD, **new})
        assert answer.status_code in (200, 429)
        user.refresh_from_db()
        assert user.check_password(make.PASSWORD)


@pytest.mark.django_db
class TestWhoHasAnAccount:
    """Can't be told by what is answered, nor by how much is done for it."""

    @pytest.fixture
    def user(self):
        return make.member("physician", make.practice()).user

    def asked(self, address: str, **post: str) -> list[str]:
        """The statements that one request makes, without their values."""
        with CaptureQueriesContext(connection) as asked:
            Client().post(address, post)
        return [re.sub(r"'[^']*'|\d+", "?", query["sql"]).split("?")[0] for query in asked]

    def test_by_a_wrong_password(self, user):
        count_try(Subject("address", "127.0.0.1"), now=timezone.now())
        for _ in range(FREE_TRIES + 1):
            known = self.asked("/sign-in/", login=user.email, password="wrong password")
            unknown = self.asked("/sign-in/", login="nobody@example.test", password="wrong password")
            assert abs(len(known) - len(unknown)) <= 6  # a commit for nothing in place of one for something
            writes = [[sql for sql in one if sql.startswith("INSERT")] for one in (known, unknown)]
            assert writes[0] == writes[1]

    def test_by_a_forgotten_password(self, user):
        known = self.asked("/password/reset/", email=user.email)
        unknown = self.asked("/password/reset/", email="nobody@example.test")
        assert abs(len(known) - len(unknown)) <= 3
        assert [sql for sql in known if "outbox" in sql and sql.startswith("INSERT")] != []
        assert [sql for sql in unknown if "outbox" in sql and sql.startswith("INSERT")] != []
        assert OutboxEnvelope.objects.count() == 1

    def test_a_password_is_hashed_for_nobody_too(self, user, monkeypatch):
        hashed = []
        encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify
        monkeypatch.setattr(
            Argon2PasswordHasher, "encode", lambda self, *args: hashed.append("e") or encode(self, *args)
        )
        monkeypatch.setattr(
            Argon2PasswordHasher, "verify", lambda self, *args: hashed.append("v") or verify(self, *args)
        )
        for email in (user.email, "nobody@example.test"):
            Client().post("/sign-in/", {"login": email, "password": "wrong password"})
        assert hashed == ["v", "e"]

    def test_by_the_events_that_refusals_leave(self, user):
        """One for each wrong password, one when it was one too many; none for who only waits."""
        for _ in range(FREE_TRIES + 4):
            Client().post("/sign-in/", {"login": user.email, "password": "wrong password"})
            Client().post("/sign-in/", {"login": "nobody@example.test", "password": "wrong password"})
        with practice_scope(Practice.objects.get()):
            acts = list(SignInEvent.objects.values_list("act", flat=True))
        assert (acts.count("wrong_password"), acts.count("too_many_tries")) == (FREE_TRIES, 1)
