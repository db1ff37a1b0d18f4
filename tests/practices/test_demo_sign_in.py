"""The demo's password is printed: it opens nothing but a demo, and nothing from afar."""

import pytest
from django.urls import reverse

from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(settings):
    settings.DEMO = True
    return make.member("manager", make.practice(), email="manager@demo.example")


def sign_in(client, email="manager@demo.example", **headers):
    form = {"login": email, "password": make.PASSWORD}
    return client.post(reverse("account_login"), form, **headers)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_demo_sign_in_opens_on_the_same_machine(client, manager):
    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"HTTP_FORWARDED": "for=203.0.113.9"},
    ],
)
def test_demo_sign_in_is_refused_from_another_machine_and_through_a_proxy(client, manager, headers):
    assert sign_in(client, **headers).status_code == 403
    assert not is_signed_in(client)


def test_demo_sign_in_is_refused_where_there_is_no_demo(client, manager, settings):
    settings.DEMO = False
    assert sign_in(client).status_code == 403
    assert not is_signed_in(client)


def test_addresses_of_further_invented_practices_are_the_demos_too(client, settings):
    make.member("manager", make.practice(), email="manager@practice-7.demo.example")
    assert sign_in(client, "manager@practice-7.demo.example").status_code == 403


def test_sessions_of_the_demo_end_when_it_is_switched_off(client, manager, settings):
    sign_in(client)
    settings.DEMO = False
    answer = client.get(reverse("home"))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("account_login"))


def test_everybody_else_signs_in_from_anywhere(client, settings):
    make.member("manager", make.practice(), email="manager@notdemo.example")
    sign_in(client, "manager@notdemo.example", REMOTE_ADDR="203.0.113.9")
    assert is_signed_in(client)
