"""The reminders page: whose they are, where they open, and what is done with them."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints.models import Reminder, ThankYouList
from touchpoints.reminder_groups import GROUPS, LINES
from touchpoints.reminders import remind as tick
from touchpoints.reminders import snooze
from touchpoints.thank_you_lists import make_thank_you_lists

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)  # a Wednesday
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    with practice_scope(practice):
        desk.provider = make.provider("Okafor")
        desk.reminder = remind(desk, "The card to Dr. Okafor is not written yet.")
    return desk


def remind(desk, reason="Something is due.", **fields):
    defaults = {
        "rule": "cards_to_write",
        "cause": f"row {Reminder.objects.count()}",
        "member": desk.physician,
        "provider": desk.provider,
        "due_on": TODAY,
        "made_at": make.NOW,
    }
    return Reminder.objects.create(reason=reason, **{**defaults, **fields})


def page(client, member, query=""):
    client.force_login(member.user)
    response = client.get(reverse("reminders") + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def act(client, member, name, desk, *, htmx=False, **data):
    client.force_login(member.user)
    return client.post(reverse(name, args=[desk.reminder.pk]), data, headers=HTMX if htmx else None)


def by_saying_so(desk):
    """A rule of which nothing is to be logged."""
    with practice_scope(desk.practice):
        Reminder.objects.update(rule="meetings_tomorrow")


def now_is(desk):
    with practice_scope(desk.practice):
        return Reminder.objects.get(pk=desk.reminder.pk)


def in_order(shown, *words):
    places = [shown.split("<main")[1].index(word) for word in words]
    assert places == sorted(places)


def test_each_stands_in_its_part(client, desk):
    with practice_scope(desk.practice):
        remind(desk, "Late one.", provider=make.provider(), due_on=TODAY - timedelta(days=3))
        remind(desk, "Later one.", provider=make.provider(), due_on=TODAY + timedelta(days=2))
        remind(desk, "Far off.", provider=make.provider(), due_on=TODAY + timedelta(days=15))
        snooze(remind(desk, "Put off one."), until=TODAY + timedelta(days=5), now=make.NOW)

    shown = page(client, desk.physician)

    order = ["Overdue</h2>", "Late one.", "3 days overdue", "Today</h2>", "not written yet.", "Due today"]
    in_order(shown, *order, "Coming</h2>", "Later one.", "Due on Friday, November 20", "Put off</h2>")
    in_order(shown, "Put off</h2>", "Put off one.")
    in_order(shown, "All 4", "Overdue 1", "Today 1", "Coming 1", "Put off 1")
    assert "Far off." not in shown


def test_what_is_about_one_provider_stands_together_and_the_most_pressing_says_where(client, desk):
    with practice_scope(desk.practice):
        remind(desk, "About somebody else.", provider=make.provider("Roy"))
        remind(desk, "Be in touch.", rule="in_touch", due_on=TODAY + timedelta(days=3))
        called = remind(desk, "Call again.", rule="unreached_calls", due_on=TODAY - timedelta(days=1))
        lakeside = make.office("Lakeside")
        for words in ("Visit them.", "Visit them again."):
            remind(desk, words, provider=None, office=lakeside)

    shown = page(client, desk.physician)

    in_order(shown, "Overdue</h2>", "Amara Okafor, MD</a>", "3 things", f"kind=call&amp;reminder={called.pk}")
    in_order(shown, "Call again.", "not written yet.", "Be in touch.", "Today</h2>", "About somebody else.")
    in_order(shown, "Today</h2>", "Lakeside</a>", "2 things", "Visit them.")
    assert "Coming</h2>" not in shown
    assert shown.count("Log a call</span>") == 1


def test_address_chooses_a_part_and_whom_it_is_about(client, desk):
    with practice_scope(desk.practice):
        remind(desk, "Late one.", due_on=TODAY - timedelta(days=3))
        remind(desk, "About somebody else.", provider=make.provider("Roy"))

    late = page(client, desk.physician, "?part=overdue")
    about = page(client, desk.physician, f"?provider={desk.provider.pk}")
    nothing = page(client, desk.physician, "?part=snoozed")

    assert "Late one." in late
    assert "not written yet" not in late
    assert "Late one." in about
    assert "not written yet" in about
    assert "About somebody else." not in about
    assert "Nothing here" in nothing


def test_pages_of_groups_lead_through_all_of_them_once(client, desk):
    with practice_scope(desk.practice):
        desk.reminder.delete()
        for number in range(GROUPS + 3):
            at = make.provider()
            remind(desk, f"First {number:02}.", provider=at, due_on=TODAY - timedelta(days=number % 4))
            remind(desk, f"Second {number:02}.", provider=at)

    first = page(client, desk.physician)
    (more,) = re.findall(r'href="(\?after=[^"]+)"', first)
    second = page(client, desk.physician, more)

    shown = [re.findall(r"(?:First|Second) \d\d\.</a>", one) for one in (first, second)]
    assert len(shown[0]) == 2 * GROUPS
    assert len(set(shown[0] + shown[1])) == len(shown[0] + shown[1]) == 2 * (GROUPS + 3)


def test_large_group_shows_its_first_lines_and_the_way_to_the_rest(client, desk):
    with practice_scope(desk.practice):
        for number in range(LINES + 3):
            remind(desk, f"Thing {number:02}.", due_on=TODAY - timedelta(days=30 - number))

    shown = page(client, desk.physician)
    rest = page(client, desk.physician, f"?provider={desk.provider.pk}")

    assert len(re.findall(r"Thing \d\d\.</a>", shown)) == LINES
    assert f'href="?provider={desk.provider.pk}">4 more about Amara Okafor, MD</a>' in shown
    assert len(re.findall(r"Thing \d\d\.</a>", rest)) == LINES + 3


def test_manager_sees_who_falls_behind_and_nobody_else_does(client, desk):
    with practice_scope(desk.practice):
        for days in (3, 16):
            remind(desk, member=desk.liaison, due_on=TODAY - timedelta(days=days))
        remind(desk, member=desk.coordinator, due_on=TODAY - timedelta(days=1))

    shown = page(client, desk.manager)

    said = "Liaison One is furthest behind: 2 overdue, the oldest since November 2. 1 more is behind."
    assert said in shown
    in_order(shown, "Liaison One</th>", "Coordinator One</th>", "Physician One</th>")
    assert f'href="?member={desk.liaison.pk}&amp;part=overdue">2</a>' in shown
    assert "behind" not in page(client, desk.liaison)


def test_member_sees_their_own_and_the_manager_everybodys(client, desk):
    with practice_scope(desk.practice):
        remind(desk, "For the liaison.", member=desk.liaison)

    assert "For the liaison." not in page(client, desk.physician)
    assert "not written yet" not in page(client, desk.liaison)
    everybody = page(client, desk.manager)
    one = page(client, desk.manager, f"?member={desk.liaison.pk}")
    assert "For the liaison." in everybody
    assert "not written yet" in everybody
    assert "For the liaison." in one
    assert "not written yet" not in one


def test_filter_by_member_is_the_managers_alone(client, desk):
    shown = page(client, desk.liaison, f"?member={desk.physician.pk}")

    assert "not written yet" not in shown
    assert "Nothing is due" in shown


def test_reminder_of_a_list_opens_the_list(client, desk):
    with practice_scope(desk.practice):
        make.referral(desk.coordinator, physician=desk.physician, received_on=date(2026, 11, 10))
        make_thank_you_lists(week=Week.parse("2026-W46"), now=make.NOW)
        remind(desk, "Rows are undecided.", provider=None, thank_you_list=ThankYouList.objects.get())

    for member in (desk.physician, desk.manager):
        assert f'href="/thank-you/2026-W46/?physician={desk.physician.pk}"' in page(client, member)


def test_done_stays_in_place_with_a_way_back(client, desk):
    by_saying_so(desk)
    answered = act(client, desk.physician, "reminder_done", desk, htmx=True)

    shown = " ".join(answered.content.decode().split())
    assert shown.startswith(f'<li id="reminder-{desk.reminder.pk}">')
    assert "Undo" in shown
    assert (now_is(desk).state, now_is(desk).closed_by_id) == ("done", desk.physician.pk)

    act(client, desk.physician, "reminder", desk, htmx=True)
    assert (now_is(desk).state, now_is(desk).closed_at) == ("open", None)


def test_without_scripting_done_leads_back_and_offers_undo(client, desk):
    by_saying_so(desk)
    act(client, desk.physician, "reminder_done", desk)

    shown = page(client, desk.physician)
    (undo,) = re.findall(r'action="(/reminders/undo/\d+/)"', shown)
    assert "Nothing is due" in shown

    client.post(undo)
    assert (now_is(desk).state, now_is(desk).closed_by_id) == ("open", None)


def test_second_click_finds_it_done(client, desk):
    by_saying_so(desk)
    act(client, desk.physician, "reminder_done", desk)
    closed_at = now_is(desk).closed_at
    with time_machine.travel(make.NOW + timedelta(minutes=1)):
        assert act(client, desk.manager, "reminder_done", desk).status_code == 302

    assert (now_is(desk).closed_at, now_is(desk).closed_by_id) == (closed_at, desk.physician.pk)


@pytest.mark.parametrize(
    ("when", "until"),
    [("tomorrow", date(2026, 11, 19)), ("week", date(2026, 11, 23)), ("day", date(2026, 12, 1))],
)
def test_put_off_until(client, desk, when, until):
    act(client, desk.physician, "reminder_snooze", desk, when=when, on="2026-12-01")

    assert now_is(desk).due_on == until
    assert "Put off" in page(client, desk.physician)


def test_put_off_into_another_year_says_which_and_not_beyond_a_year(client, desk):
    refused = act(client, desk.physician, "reminder_snooze", desk, when="day", on="2027-11-19")
    assert "Choose a day within a year." in refused.content.decode()

    act(client, desk.physician, "reminder_snooze", desk, when="day", on="2027-11-18")
    shown = page(client, desk.physician)
    assert "Put off until Thursday, November 18, 2027." in shown
    assert "Due on Thursday, November 18, 2027" in shown


def test_act_in_place_counts_the_parts_anew_as_the_page_filters_them(client, desk):
    with practice_scope(desk.practice):
        remind(desk, "About somebody else.", provider=make.provider("Roy"))
    client.force_login(desk.physician.user)
    url = reverse("reminder_snooze", args=[desk.reminder.pk])

    def answered(query, path="/reminders/"):
        there = HTMX | {"HX-Current-URL": f"http://testserver{path}{query}"}
        shown = client.post(url, {"when": "tomorrow"}, headers=there).content.decode()
        return " ".join(shown.split())

    everything = answered("?part=today")
    assert 'id="reminder-tabs" hx-swap-oob="true"' in everything
    in_order(
        f"<main{everything}", "All 2</a>", "Overdue 0</a>", 'aria-current="page">Today 1</a>', "Put off 1</a>"
    )
    assert f'href="?provider={desk.provider.pk}&amp;part=today" >Today 0' in answered(
        f"?provider={desk.provider.pk}"
    )
    assert "reminder-tabs" not in answered("", path="/")


@pytest.mark.parametrize("on", ["", "2026-11-18", "2026-11-01"])
def test_cannot_be_put_off_until_a_day_gone_by(client, desk, on):
    refused = act(client, desk.physician, "reminder_snooze", desk, htmx=True, when="day", on=on)

    assert refused.status_code == 422
    assert "Choose a day to come." in refused.content.decode()
    assert now_is(desk).due_on == TODAY


def test_dismissing_asks_why(client, desk):
    refused = act(client, desk.physician, "reminder_dismiss", desk, ready="other", words="")
    act(client, desk.physician, "reminder_dismiss", desk, ready="needless", words="He retired")

    assert refused.status_code == 422
    assert (now_is(desk).state, now_is(desk).dismissed_reason) == (
        "dismissed",
        "It is no longer needed: He retired",
    )


@pytest.mark.parametrize(
    "name", ["reminder", "reminder_done", "reminder_snooze", "reminder_hand_over", "reminder_dismiss"]
)
def test_nobody_closes_anothers_but_the_manager(client, desk, name):
    data = {"when": "tomorrow", "words": "Done by phone", "to": desk.liaison.pk}

    assert act(client, desk.coordinator, name, desk, **data).status_code == 404
    assert now_is(desk).state == "open"
    assert act(client, desk.manager, name, desk, **data).status_code == 302


@pytest.mark.parametrize("name", ["reminder_snooze", "reminder_hand_over", "reminder_dismiss"])
def test_act_that_asks_has_a_page_and_a_fragment(client, desk, name):
    client.force_login(desk.physician.user)
    address = reverse(name, args=[desk.reminder.pk])

    assert "<html" in client.get(address).content.decode()
    assert "<html" not in client.get(address, headers=HTMX).content.decode()


@pytest.mark.parametrize("role", ["manager", "physician"])
def test_page_costs_at_most_thirteen_queries_however_many_are_due(client, desk, role):
    def queries():
        client.force_login(getattr(desk, role).user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("reminders")).status_code == 200
        return len(captured)

    def more():
        with practice_scope(desk.practice):
            for _one in range(4):
                remind(desk, provider=make.provider(), office=make.office(), member=getattr(desk, role))

    more()
    few = queries()
    more()

    assert queries() == few <= 13


def test_asking_for_feedback_from_here_leads_back_here_and_it_is_gone(
    client, desk, django_capture_on_commit_callbacks
):
    with practice_scope(desk.practice):
        amadi = make.provider("Amadi", email="amadi@example.test")
        for weeks in (0, 1, 2):
            make.referral(desk.coordinator, provider=amadi, received_on=TODAY - timedelta(weeks=40 + weeks))
        tick(now=make.NOW, only=["feedback_due"])
        due = Reminder.objects.get(rule="feedback_due")
    client.force_login(desk.manager.user)
    (url,) = re.findall(rf'href="(/providers/{amadi.pk}/feedback/ask/[^"]*)"', page(client, desk.manager))

    (back,) = re.findall(r'name="next" type="hidden" value="(/reminders/)"', client.get(url).content.decode())
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(url, {"next": back})

    assert answer.url == reverse("reminders")
    with practice_scope(desk.practice):
        assert Reminder.objects.get(pk=due.pk).state == "gone"
