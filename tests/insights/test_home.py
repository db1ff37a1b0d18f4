"""What home says in figures, and that what is kept names the same people as the rows do."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine

from contacts.models import Provider
from contacts.referral_way import move, report_back
from insights.counting import count_figures
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.touchpoints.reminding import touched

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


def opened(client, page, sentence):
    """The page behind a sentence of home."""
    url = re.search(rf'<a href="([^"]+)">{sentence}</a>', page)[1].replace("&amp;", "&")
    return client.get(url).content.decode()


@pytest.mark.parametrize("role", ["manager", "coordinator"])
def test_figures_stand_against_last_year_and_open_their_rows(client, desk, role):
    count(desk)

    page = home(client, getattr(desk, role))

    listed = opened(client, page, "2 referrals this week, 2 in the same days last year")
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


def test_physician_reads_their_own_figures_and_opens_them(client, desk):
    with practice_scope(desk.practice):
        for received_on in (date(2026, 11, 3), TODAY, date(2025, 11, 4), date(2025, 11, 30)):
            row = make.referral(desk.manager, physician=desk.physician, received_on=received_on)
            if received_on == TODAY:
                move(row, to="seen", seen_on=TODAY, by=desk.physician, now=make.NOW)
                report_back(row, by=desk.physician, now=make.NOW)
    count(desk)

    page = home(client, desk.physician)

    listed = opened(client, page, "2 referrals to you this month, 1 in the same days last year")
    assert len(re.findall(r'<li id="referral-\d+"', listed)) == 2
    assert "Of twelve months, 1 of 2 patients were seen, and of 1 the referrer was told." in page


def test_liaison_reads_whom_they_met_and_how_their_territory_stands(client, desk):
    with practice_scope(desk.practice):
        make.referral(desk.manager, provider=make.provider("Freshwater"), received_on=TODAY)
        Provider.objects.exclude(family_name="Steadfast").update(liaison=desk.liaison)
        for happened_on in (TODAY, date(2026, 11, 2), date(2026, 10, 31), date(2025, 11, 18)):
            touched(desk, Provider.objects.first(), happened_on, kind="meeting")
    assert "In figures" in home(client, desk.liaison)
    count(desk)

    page = home(client, desk.liaison)

    listed = opened(client, page, "You met 2 referrers this month, 1 in the same days last year")
    assert listed.count("November") >= 2
    assert "Amara Freshwater" in opened(client, page, "1 referrer of your territory is new")
    assert "Amara Quietson" in opened(client, page, "1 has lapsed")
    assert "declining" not in page.split("In figures")[1].split("</section>")[0]
