"""What is done with reminders, one or many: handed over, put off, closed, and each of it undone."""

import re
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.urls import reverse

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.touchpoints.test_views_reminders import remind
from touchpoints.models import Reminder, Touchpoint
from touchpoints.reminder_acts import (
    close_all,
    dismiss_all,
    doable_by,
    hand_over_all,
    last_act_at,
    snooze_all,
    undo,
)
from touchpoints.reminder_doing import DOINGS
from touchpoints.reminder_rules import RULES
from touchpoints.reminders import remind as tick
from touchpoints.touchpoint_log import log_call

pytestmark = pytest.mark.django_db
NOW, TODAY = make.NOW, date(2026, 11, 18)
LATER = NOW + timedelta(hours=1)
ALWAYS = {"rule": "made by no rule"}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.provider = make.provider("Okafor")
    return desk


@pytest.fixture
def scope(desk):
    with practice_scope(desk.practice):
        yield


def due(desk, number=3, **fields):
    for _one in range(number):
        remind(desk, **{**ALWAYS, **fields})
    return Reminder.objects.filter(rule=ALWAYS["rule"])


def facts(rows):
    names = ("state", "closed_at", "closed_by", "due_on", "snoozed_at", "member", "handed_over_from")
    return list(rows.order_by("pk").values_list(*names))


def test_each_rule_has_its_act():
    assert set(DOINGS) == set(RULES)


ACTS = {
    "done": lambda rows, desk, at: close_all(rows, by=desk.physician, now=at),
    "dismissed": lambda rows, desk, at: dismiss_all(rows, by=desk.physician, now=at, reason="Not now"),
    "put off": lambda rows, desk, at: snooze_all(rows, until=TODAY + timedelta(days=5), now=at),
    "handed over": lambda rows, desk, at: hand_over_all(rows, to=desk.liaison, by=desk.physician, now=at),
}


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("act", [name for name in ACTS if name != "put off"])
def test_many_in_one_act_and_as_they_were_before_when_it_is_undone(desk, act):
    rows = due(desk)
    before = facts(rows)

    ACTS[act](rows, desk, NOW)
    assert all(old != new for old, new in zip(before, facts(rows), strict=True))
    assert {last_act_at(row) for row in rows} == {NOW}

    assert undo(rows, at=NOW, by=desk.physician, now=LATER) == 3
    assert facts(rows) == before


@pytest.mark.usefixtures("scope")
def test_put_off_and_undone_it_is_due_on_its_own_day_again(desk):
    log_call(outcome="voicemail", provider=desk.provider, by=desk.physician, now=NOW)
    rows = Reminder.objects.filter(rule="unreached_calls")
    before = facts(rows)

    snooze_all(rows, until=TODAY + timedelta(days=9), now=NOW)
    assert facts(rows) != before
    undo(rows, at=NOW, by=desk.physician, now=LATER)

    assert facts(rows) == before


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("then", ACTS)
def test_undo_leaves_alone_what_has_changed_since(desk, act, then):
    rows = due(desk)
    ACTS[act](rows, desk, NOW)
    one = rows.filter(pk=rows.order_by("pk")[0].pk)
    changed = ACTS[then](one, desk, LATER)
    after = facts(one)
    has_changed = changed if isinstance(changed, int) else changed.count

    undone = undo(rows, at=NOW, by=desk.physician, now=LATER + timedelta(hours=1))

    assert undone == (2 if has_changed else 3)
    assert (facts(one) == after) == bool(has_changed)


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize("act", ["done", "dismissed"])
def test_second_press_finds_them_closed(desk, act):
    rows = due(desk)
    assert ACTS[act](rows, desk, NOW) == 3
    after = facts(rows)

    assert ACTS[act](rows, desk, LATER) == 0
    assert facts(rows) == after


@pytest.mark.usefixtures("scope")
def test_handed_over_the_tick_leaves_it_there_and_given_back_too(desk):
    log_call(outcome="voicemail", provider=desk.provider, by=desk.physician, now=NOW)
    rows = Reminder.objects.filter(rule="unreached_calls")

    hand_over_all(rows, to=desk.liaison, by=desk.physician, now=NOW)
    tick(now=LATER)
    assert rows.get().member == desk.liaison
    hand_over_all(rows, to=desk.coordinator, by=desk.liaison, now=LATER)
    undo(rows, at=LATER, by=desk.liaison, now=LATER + timedelta(minutes=1))
    tick(now=LATER + timedelta(minutes=2))

    assert rows.get().member == desk.liaison


@pytest.mark.usefixtures("scope")
def test_promised_step_that_is_done_with_others_is_done_and_open_again_when_undone(desk):
    said = {"next_step": "Send the sheet", "next_step_on": TODAY}
    call = log_call(outcome="reached", provider=desk.provider, by=desk.physician, now=NOW, **said)
    rows = Reminder.objects.filter(rule="promised_next_steps")

    close_all(rows, by=desk.physician, now=NOW)
    assert Touchpoint.objects.get(pk=call.pk).next_step_done_at == NOW
    undo(rows, at=NOW, by=desk.physician, now=LATER)

    assert Touchpoint.objects.get(pk=call.pk).next_step_done_at is None
    assert rows.get().state == "open"


@pytest.mark.usefixtures("scope")
def test_nobody_is_handed_what_they_could_not_act_on(desk):
    referral = make.referral(desk.coordinator, physician=desk.physician)
    about = {"referral": referral, "provider": referral.provider}
    remind(desk, rule="report_backs", **about)
    remind(desk, rule="next_actions", **about)
    remind(desk, rule="promised_next_steps", **about)
    remind(desk, rule="issues_unresolved")
    remind(desk, rule="feedback_due")
    remind(desk, rule="in_touch")

    could = {
        name: set(
            doable_by(Reminder.objects.all(), getattr(desk, name), today=TODAY).values_list("rule", flat=True)
        )
        for name in ("manager", "coordinator", "physician", "colleague", "liaison")
    }

    patients = {"report_backs", "next_actions"}
    everything = {*patients, "promised_next_steps", "issues_unresolved", "feedback_due", "in_touch"}
    assert could == {
        "manager": everything,
        "coordinator": everything - {"issues_unresolved"},
        "physician": everything - {"issues_unresolved", "feedback_due"},
        "colleague": {"in_touch"},
        "liaison": everything - patients - {"issues_unresolved"},
    }


def post(client, member, name, *args, **data):
    client.force_login(member.user)
    return client.post(reverse(name, args=args), data)


def undo_url(client):
    found = re.findall(
        r"/(?:reminders|settings)/undo/\d+/", client.get(reverse("reminders")).content.decode()
    )
    return found[0] if found else ""


def ids(desk, **fields):
    with practice_scope(desk.practice):
        return [row.pk for row in due(desk, **fields)]


def stands(desk, name):
    with practice_scope(desk.practice):
        return set(Reminder.objects.values_list(name, flat=True))


@pytest.mark.parametrize(
    ("act", "said", "asked"),
    [
        ("done", "3 done.", {}),
        ("snooze", "3 put off until Thursday, November 19.", {"when": "tomorrow"}),
        ("dismiss", "3 dismissed.", {"ready": "needless"}),
    ],
)
def test_those_ticked_are_asked_about_once_and_undone_together(client, desk, act, said, asked):
    rows = ids(desk)
    answer = post(client, desk.physician, "reminders_many", act=act, row=rows, next="/reminders/?part=today")
    if asked:
        question = client.get(answer.url).content.decode()
        assert "3 reminders were chosen." in question
        data = {"act": act, "row": rows, "said": "1", "next": "/reminders/?part=today", **asked}
        answer = client.post(reverse("reminders_many"), data)

    assert answer.url == "/reminders/?part=today"
    shown = client.get(reverse("reminders")).content.decode()
    assert said in shown
    (url,) = re.findall(r"/(?:reminders|settings)/undo/\d+/", shown)
    client.post(url)
    assert stands(desk, "state") == {"open"}


def test_what_is_not_theirs_is_not_touched_by_ticking_it(client, desk):
    mine, others = ids(desk, number=1), ids(desk, number=1, member=desk.liaison)

    post(client, desk.physician, "reminders_many", act="done", row=[*mine, *others])

    with practice_scope(desk.practice):
        assert Reminder.objects.get(pk=others[-1]).state == "open"


def test_nothing_ticked_says_so(client, desk):
    answer = post(client, desk.physician, "reminders_many", act="done")
    assert "Tick the reminders first." in client.get(answer.url).content.decode()


@pytest.mark.parametrize(
    "next_url", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(client, desk, next_url):
    rows = ids(desk)
    query = f"?act=snooze&row={rows[0]}&next={next_url}"
    client.force_login(desk.physician.user)

    shown = client.get(reverse("reminders_many") + query).content.decode()
    assert f'"{next_url}"' not in shown
    assert '<a class="btn btn-link" href="/reminders/">' in " ".join(shown.split())
    assert (
        post(client, desk.physician, "reminders_many", act="done", row=rows, next=next_url).url
        == "/reminders/"
    )


def test_whole_load_goes_over_after_its_count_was_said_and_comes_back_when_undone(client, desk):
    ids(desk)
    with practice_scope(desk.practice):
        remind(desk, rule="issues_unresolved")
    address = reverse("reminders_load", args=[desk.physician.pk])
    client.force_login(desk.manager.user)

    before = " ".join(client.get(address).content.decode().split())
    asked = " ".join(client.get(address, {"to": desk.liaison.pk}).content.decode().split())
    answer = client.post(address, {"to": desk.liaison.pk})

    assert "4 are open." in before
    assert "3 go to Liaison One" in asked
    assert "1 stays: Liaison One could not act on it." in asked
    assert answer.status_code == 302
    assert stands(desk, "member") == {desk.liaison.pk, desk.physician.pk}
    client.post(undo_url(client))
    assert stands(desk, "member") == {desk.physician.pk}


def test_second_press_of_a_hand_over_is_no_error(client, desk):
    (pk,) = ids(desk, number=1)
    for _press in range(2):
        answer = post(client, desk.physician, "reminder_hand_over", pk, to=desk.liaison.pk)
        assert answer.status_code == 302

    assert stands(desk, "member") == {desk.liaison.pk}
    client.post(reverse("reminder", args=[pk]))
    assert stands(desk, "member") == {desk.physician.pk}


def test_hand_over_to_who_could_not_act_is_refused_beside_the_field(client, desk):
    with practice_scope(desk.practice):
        pk = remind(desk, rule="issues_unresolved").pk

    refused = post(client, desk.physician, "reminder_hand_over", pk, to=desk.liaison.pk)

    assert refused.status_code == 422
    assert "Liaison One could not act on it." in refused.content.decode()
    assert stands(desk, "member") == {desk.physician.pk}


def test_undo_of_a_moment_beyond_time_is_no_page(client, desk):
    client.force_login(desk.physician.user)
    assert client.post(f"/reminders/undo/{'9' * 40}/").status_code == 404
    assert client.post(f"/reminders/undo/{int(datetime(2026, 1, 1).timestamp())}/").status_code == 302
