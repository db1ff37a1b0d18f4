"""What home says in figures, and that what is kept names the same people as the rows do."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine

from insights.counting import count_figures
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice(starts_on=date(2026, 11, 16))
    desk = SimpleNamespace(practice=practice, **{role.value: make.member(role, practice) for role in Role})
    with practice_scope(practice):
        quiet, new, steady = (make.provider(name) for name in ("Quietson", "Newman", "Steadfast"))
        for weeks in range(30, 60):
            make.referral(desk.manager, provider=quiet, received_on=TODAY - timedelta(weeks=weeks))
        for weeks in range(30):
            make.referral(desk.manager, provider=steady, received_on=TODAY - timedelta(weeks=weeks))
        make.referral(desk.manager, provider=new, received_on=date(2026, 11, 17))
        make.referral(desk.manager, provider=new, received_on=date(2025, 11, 19))
    return desk


def count(desk):
    with practice_scope(desk.practice):
        count_figures(now=make.NOW)


def home(client, member):
    client.force_login(member.user)
    return " ".join(client.get("/").content.decode().split())


@pytest.mark.parametrize("role", ["manager", "coordinator"])
def test_figures_stand_against_last_year_and_open_their_rows(client, desk, role):
    count(desk)

    page = home(client, getattr(desk, role))

    sentence = "2 referrals this week, 2 in the same days last year"
    url = re.search(rf'<a href="([^"]+)">{sentence}</a>', page)[1].replace("&amp;", "&")
    listed = client.get(url).content.decode()
    assert len(re.findall(r'<li id="referral-\d+"', listed)) == 2
    assert "patients were seen" in page


def test_there_are_none_before_the_first_count(client, desk):
    assert "In figures" not in home(client, desk.manager)


def test_the_same_people_are_named_before_and_after_the_count(client, desk):
    def named(page):
        return [name for name in ("Quietson", "Newman", "Steadfast") if f"Amara {name}" in page]

    before = named(home(client, desk.manager))
    count(desk)

    assert named(home(client, desk.manager)) == before == ["Quietson"]
