"""Home: what each role finds, and what it opens."""

import re
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import Reminder, ThankYou, Touchpoint
from touchpoints.reminders import remind
from touchpoints.thank_you_lists import make_thank_you_lists

pytestmark = pytest.mark.django_db
WEEK = Week.parse("2026-W46")
IN_WEEK = date(2026, 11, 10)
TODAY = date(2026, 11, 18)
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    return desk


def sent(desk, **fields):
    defaults = {"physician": desk.physician, "received_on": IN_WEEK, "patient_family_name": PATIENT}
    return make.referral(desk.coordinator, **{**defaults, **fields})


def home(client, member):
    client.force_login(member.user)
    response = client.get("/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def next_thing(page):
    """The button on top."""
    found = re.search(r'class="btn btn-primary" href="([^"]*)">\s*([^<]*?)\s*<', page.split("next-thing")[1])
    return (found[2], found[1].replace("&amp;", "&")) if found else None


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_new_practice_has_a_kind_home(client, desk, role):
    page = home(client, getattr(desk, role))

    assert "Nothing waits for you right now." in page
    assert "A quiet desk" in page


@pytest.mark.parametrize("role", ["manager", "coordinator"])
def test_overdue_steps_are_on_top_of_intake_and_everything_opens(client, desk, role):
    with practice_scope(desk.practice):
        logged = datetime(2026, 11, 10, 15, tzinfo=ZoneInfo("UTC"))
        sent(desk, now=logged)
        sent(desk, provider=None, office=make.office("Rosehip"), received_on=TODAY)
        sent(desk, patient_family_name="", patient_given_name="", received_on=TODAY)

    page = home(client, getattr(desk, role))

    assert next_thing(page) == ("1 next step is overdue", "/referrals/?status=overdue")
    for sentence, url in [
        ("1 referral asks: who sent this?", "/referrals/?awaiting=provider"),
        ("1 patient is to complete", "/referrals/?awaiting=patient"),
        ("2 referrals came in today", "/referrals/?received_from=2026-11-18&amp;received_until=2026-11-18"),
    ]:
        assert f'<a href="{url}">{sentence}</a>' in page
        assert client.get(url.replace("&amp;", "&")).status_code == 200
    assert "Contact the patient: I.Q." in page
    assert PATIENT not in page


def test_manager_sees_whose_lists_are_open_and_opens_them(client, desk):
    with practice_scope(desk.practice):
        sent(desk)
        make_thank_you_lists(week=WEEK, now=make.NOW)

    page = home(client, desk.manager)

    assert f'href="/thank-you/2026-W46/?physician={desk.physician.pk}">Physician One</a>' in page
    assert "November 9–15: 1 to decide" in page
    assert "Physician One" in home(client, desk.coordinator)


def test_finished_list_is_open_no_more(client, desk):
    with practice_scope(desk.practice):
        sent(desk)
        make_thank_you_lists(week=WEEK, now=make.NOW)
        acts.carry(ThankYou.objects.get(), by=desk.physician, now=make.NOW)

    assert "Thank-you lists still open" not in home(client, desk.manager)


@pytest.mark.parametrize("role", ["manager", "coordinator", "liaison"])
def test_new_and_quiet_referrers_are_named(client, desk, role):
    with practice_scope(desk.practice):
        quiet = make.provider("Moreau", liaison=desk.liaison)
        for day in range(20):
            received_on = date(2026, 3, 1) + timedelta(days=7 * day)
            sent(desk, provider=quiet, received_on=received_on)
        sent(desk, provider=make.provider("Lindqvist", liaison=desk.liaison))
        gone = make.provider("Gone", liaison=desk.liaison)
        sent(desk, provider=gone)
        gone.state = "deceased"
        gone.save()

    page = home(client, getattr(desk, role))

    assert "Usually every 7 days; 129 days now." in page
    assert re.search(r"Amara Moreau, MD</a>\s*<span[^>]*>Declining", page)
    assert re.search(r"Amara Lindqvist, MD</a>\s*<span[^>]*>New", page)
    assert "Gone, MD" not in page


def test_physician_finds_the_list_then_calls_and_reports(client, desk):
    with practice_scope(desk.practice):
        provider = make.provider("Okafor", phone="555-0142")
        move(sent(desk, provider=provider), to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)
        sent(desk, provider=make.provider("Colleagues"), physician=desk.colleague)
        make_thank_you_lists(week=WEEK, now=make.NOW)

    page = home(client, desk.physician)

    url = f"/thank-you/2026-W46/?physician={desk.physician.pk}"
    assert next_thing(page) == ("Your thank-yous of November 9–15: 1 to decide", url)
    assert 'href="tel:555-0142"' in page
    assert "1 referrer waits for your word" in page
    assert "I.Q., due" in page
    assert PATIENT not in page
    assert "Colleagues" not in page


def test_physicians_reminders_stand_there_once_due(client, desk):
    with practice_scope(desk.practice):
        sent(desk)
        make_thank_you_lists(week=WEEK, now=make.NOW)
        remind(now=make.NOW)

    assert "is undecided" not in home(client, desk.physician)
    with time_machine.travel(make.NOW + timedelta(days=7)):
        assert "is undecided" in home(client, desk.physician)


def test_liaison_finds_where_something_waits_first_and_no_patient(client, desk):
    with practice_scope(desk.practice):
        never = make.office("Never Visited", liaison=desk.liaison)
        waits = make.office("Waits", liaison=desk.liaison, phone="555-0143")
        make.office("Not Theirs")
        Touchpoint.objects.create(
            kind="meeting", happened_on=date(2026, 11, 8), office=waits, member=desk.liaison,
            logged_at=make.NOW, logged_by=desk.liaison,
        )  # fmt: skip
        provider = make.provider("Okafor", at=waits)
        move(sent(desk, provider=provider), to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)

    page = home(client, desk.liaison)

    assert "Nothing waits for you" not in page
    assert "Something waits at 1 office" in page
    assert "visited 10 days ago" in page
    assert "1 report due" in page
    assert page.index("Waits</a>") < page.index(f"{never.name}</a>")
    assert "Not Theirs" not in page
    assert PATIENT not in page
    assert "I.Q." not in page


def test_liaison_of_many_offices_finds_the_fullest_then_the_longest_unvisited(client, desk):
    with practice_scope(desk.practice):
        for number in range(20):
            office = make.office(f"Office {number:02}.", liaison=desk.liaison)
            Touchpoint.objects.create(
                kind="meeting", happened_on=date(2026, 11, 8) - timedelta(days=number % 7), office=office,
                member=desk.liaison, logged_at=make.NOW, logged_by=desk.liaison,
            )  # fmt: skip
            provider = make.provider(at=office)
            for _one in range(1 + (number in (3, 15))):
                move(
                    sent(desk, provider=provider), to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW
                )

    page = home(client, desk.liaison)

    assert "Something waits at 20 offices" in page
    shown = re.findall(r"Office (\d\d)\.", page)
    assert shown[:2] == ["03", "15"]  # two reports each; the first was visited before the other
    assert shown[2:] == ["06", "13", "05", "12", "19", "04", "11", "18", "10", "17"]


@pytest.mark.parametrize("role", ["liaison", "coordinator"])
def test_card_handed_over_is_the_next_thing(client, desk, role):
    with practice_scope(desk.practice):
        sent(desk)
        make_thank_you_lists(week=WEEK, now=make.NOW)
        row = ThankYou.objects.get()
        acts.write_card(row, by=desk.physician, now=make.NOW)
        acts.hand_over(row, to=getattr(desk, role))

    assert "1 card was handed over to you" in home(client, getattr(desk, role))


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_home_costs_at_most_thirteen_queries_however_much_waits(client, desk, role):
    def more():
        with practice_scope(desk.practice):
            for _one in range(4):
                office = make.office(liaison=desk.liaison)
                referral = sent(desk, provider=make.provider(at=office, liaison=desk.liaison))
                move(referral, to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)
                sent(desk, provider=None, office=office)
            make_thank_you_lists(week=WEEK, now=make.NOW)
            remind(now=make.NOW)
            Reminder.objects.update(due_on=TODAY, member=getattr(desk, role))

    def queries():
        client.force_login(getattr(desk, role).user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        return len(captured)

    more()
    few = queries()
    more()

    assert queries() == few <= 13
