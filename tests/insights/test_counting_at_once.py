"""Two who count at one moment, and who logs while somebody counts."""

import threading
from types import SimpleNamespace

import pytest
from django.db import connection

from insights.counting import count_figures
from insights.models import DailyFigures, Uncounted
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30


@pytest.fixture
def desk():
    practice = make.practice()
    desk = SimpleNamespace(practice=practice, manager=make.member(Role.MANAGER, practice))
    with practice_scope(practice):
        desk.provider = make.provider()
    return desk


def elsewhere(act):
    """Do it over a connection of its own, and wait for it."""
    found = []

    def run():
        try:
            found.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)
    return found[0]


def count(desk):
    with practice_scope(desk.practice):
        return count_figures(now=make.NOW)


def log(desk):
    with practice_scope(desk.practice):
        return make.referral(desk.manager, provider=desk.provider)


def received(desk):
    with practice_scope(desk.practice):
        return list(DailyFigures.objects.filter(by="all").values_list("received", flat=True))


def test_who_comes_second_leaves_it_to_the_first(desk):
    log(desk)
    count(desk)
    log(desk)
    with practice_scope(desk.practice):
        assert count_figures(now=make.NOW)
        assert elsewhere(lambda: count(desk)) is False

    assert received(desk) == [2]


def test_what_is_logged_while_somebody_counts_is_counted_the_next_time(desk):
    log(desk)
    with practice_scope(desk.practice):
        count_figures(now=make.NOW)
        elsewhere(lambda: log(desk))

    assert received(desk) == [1]
    count(desk)
    assert received(desk) == [2]


def test_what_is_not_committed_yet_keeps_its_mark(desk):
    count(desk)
    with practice_scope(desk.practice):
        make.referral(desk.manager, provider=desk.provider)
        elsewhere(lambda: count(desk))

    assert received(desk) == []
    with practice_scope(desk.practice):
        assert Uncounted.objects.exists()
    count(desk)
    assert received(desk) == [1]


def test_a_count_that_fails_loses_no_mark(desk):
    log(desk)
    with pytest.raises(KeyboardInterrupt), practice_scope(desk.practice):
        count_figures(now=make.NOW)
        raise KeyboardInterrupt

    count(desk)
    assert received(desk) == [1]
