"""The same table again, for who was somebody a moment ago, and for who is but lacks the second factor.

Signed out between a page and its form, or idle for too long: answered as if nobody had ever been there. A practice
that asks for a second factor, from a member without one: nothing but the way to set it up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import Member, Practice, Session
from tests import make
from tests.test_access import ADDRESSES, SIGN_IN, World, address_of

pytestmark = pytest.mark.django_db

METHODS = [
    (name, method, getattr(address, method))
    for name, address in ADDRESSES.items()
    for method in ("get", "post")
    if getattr(address, method) is not None
]
# What sets a second factor up, proves who one is for that, or leaves.
OPEN = {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn"}
OPEN |= {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}


@contextmanager
def taken_back(world: World) -> Iterator[None]:
    """One world for all addresses: what is made for one of them is gone with it."""
    made = dict(vars(world))
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    vars(world).clear()
    vars(world).update(made)


def answered(client: Client, method: str, url: str) -> int | str:
    response = getattr(client, method)(url, {"sent": "1"})
    to_sign_in = response.status_code == 302 and response.url.startswith(reverse("account_login") + "?next=")
    return SIGN_IN if to_sign_in else response.status_code


def deleted() -> None:
    Session.objects.all().delete()


def idle() -> None:
    Session.objects.update(active_at=timezone.now() - timedelta(minutes=16))


@pytest.mark.parametrize("ended", [deleted, idle])
def test_who_was_signed_out_between_page_and_form_is_nobody(ended):
    world, client, wrong = World(), Client(), {}
    for name, method, answers in METHODS:
        with taken_back(world):
            url = address_of(name, world)
            client.force_login(world.manager.user)
            if ended is deleted and ADDRESSES[name].get and method == "post":
                client.get(url)
            ended()
            found = answered(client, method, url)
        if found != answers["anonymous"]:
            wrong[f"{method} {name}"] = found
    assert wrong == {}


def test_who_lacks_the_second_factor_gets_nothing_but_its_set_up():
    world, client, wrong = World(), Client(), {}
    Practice.objects.filter(pk=world.practice.pk).update(second_factor_from=date(2026, 1, 1))
    for name, method, answers in METHODS:
        with taken_back(world):
            url = address_of(name, world)
            client.force_login(world.manager.user)
            response = getattr(client, method)(url, {"sent": "1"})
        leads_to_set_up = response.status_code == 302 and response.url == reverse("mfa_index")
        if answers["anonymous"] == SIGN_IN and name not in OPEN:
            is_right = leads_to_set_up
        elif answers["anonymous"] == 401:
            is_right = response.status_code in ((200,) if name.startswith("session_") else (403,))
        else:
            is_right = response.status_code == answers["manager"]
        if not is_right:
            wrong[f"{method} {name}"] = response.status_code
    assert wrong == {}


def test_before_the_day_a_banner_says_until_when(client):
    practice = make.practice(second_factor_from=date(2099, 3, 2))
    client.force_login(make.member("liaison", practice).user)
    page = " ".join(client.get("/").content.decode().split())
    assert "From Monday, March 2 on, the password alone opens nothing here any more." in page


def test_the_stricter_of_two_practices_decides(client):
    user = make.member("liaison", make.practice()).user
    strict = make.practice("Strict", second_factor_from=date(2026, 1, 1), idle_minutes=5)
    with practice_scope(strict):
        Member.objects.create(user=user, role="liaison")
    client.force_login(user)
    assert client.get("/").url == reverse("mfa_index")
    Practice.objects.update(second_factor_from=None)
    assert client.get("/").status_code == 200
    Session.objects.update(active_at=timezone.now() - timedelta(minutes=6))
    assert client.get("/").url.startswith(reverse("account_login"))
