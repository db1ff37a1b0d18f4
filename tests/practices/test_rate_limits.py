"""Tries at public pages: counted by address and minute, for all processes together, and without the cache too."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from practices.counting_cache import CountingCache
from practices.rate_limits import client_address, tries_too_often
from tests import make

NOW = make.NOW


def request(address="203.0.113.9", **headers):
    return RequestFactory(REMOTE_ADDR=address, headers=headers or None).get("/")


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


def tries(count, *, asked=None, now=NOW, limit=3):
    asked = asked or request()
    return [tries_too_often(asked, what="test", limit=limit, now=now) for _try in range(count)]


def test_beyond_the_limit_it_is_too_often_until_the_next_minute():
    assert tries(5) == [False, False, False, True, True]
    assert tries(1, now=NOW + timedelta(seconds=59)) == [True]
    assert tries(1, now=NOW + timedelta(seconds=60)) == [False]


def test_each_address_and_each_page_has_a_count_of_its_own():
    tries(4)
    assert tries(1, asked=request("203.0.113.10")) == [False]
    assert not tries_too_often(request(), what="another", limit=3, now=NOW)


def test_processes_count_together(monkeypatch):
    tries(3)
    other = CountingCache(cache._servers[0], {"OPTIONS": {}})  # as another process would open it
    monkeypatch.setattr("practices.rate_limits.cache", other)
    assert tries(1) == [True]


def test_without_its_server_it_counts_on(settings, monkeypatch):
    away = CountingCache("redis://127.0.0.1:1", {"OPTIONS": {"socket_connect_timeout": 1}})
    monkeypatch.setattr("practices.rate_limits.cache", away)
    assert tries(5) == [False, False, False, True, True]


def test_server_that_goes_between_two_questions_holds_nobody_back(monkeypatch):
    monkeypatch.setattr(cache, "add", lambda *args, **kwargs: True)
    assert tries(2) == [False, False]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_address_is_the_other_end_of_the_connection(address, counted):
    assert client_address(request(address)) == counted


def test_visitors_can_write_any_header_that_no_setting_trusts():
    forged = request("203.0.113.9", **{"X-Real-IP": "198.51.100.1", "X-Forwarded-For": "198.51.100.1"})
    assert client_address(forged) == "203.0.113.9"


def test_trusted_header_says_whose_try_it_is(settings):
    settings.CLIENT_ADDRESS_HEADER = "X-Real-IP"
    assert client_address(request("127.0.0.1", **{"X-Real-IP": "198.51.100.1"})) == "198.51.100.1"
    assert client_address(request("127.0.0.1")) == "127.0.0.1"
    assert client_address(request("127.0.0.1", **{"X-Real-IP": "<script>"})) == "unknown"
