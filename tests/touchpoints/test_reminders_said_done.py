"""Done is logged, not only said: what is said by hand, withdrawn or of long ago never silences a rule for good."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from practices.isolation import practice_scope
from tests import make
from tests.touchpoints.reminding import START, TODAY, at, days, due, new_desk, provider, referral, touched
from touchpoints.models import FeedbackRequest, Reminder, RuleSetting
from touchpoints.reminder_tuning import save_setting
from touchpoints.reminders import close, hand_over, remind, snooze
from touchpoints.touchpoint_log import correct, log_call, withdraw

pytestmark = pytest.mark.django_db
NOW = at(TODAY)
LATER = NOW + timedelta(hours=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk():
    made = new_desk()
    with practice_scope(made.practice):
        made.okafor = provider("Okafor", tier="C")
        remind(now=NOW)
        made.reminder = Reminder.objects.get(rule="in_touch")
    return made


@pytest.fixture
def scope(desk):
    with practice_scope(desk.practice):
        yield


def call(desk, reminder=None, *, outcome="reached", on=TODAY):
    said = {"answers": [reminder] if reminder else [], "happened_on": on}
    return log_call(outcome=outcome, provider=desk.okafor, by=desk.liaison, now=LATER, **said)


def on_the_days(rule, *counts):
    return [[day for day, _cause in due(rule, TODAY + days(count))] for count in counts]


@pytest.mark.usefixtures("scope")
class TestCadence:
    def test_said_to_be_done_it_comes_again_an_interval_later(self, desk):
        close(desk.reminder, by=desk.liaison, now=NOW)

        again = TODAY + days(120)
        assert on_the_days("in_touch", 1, 105, 106, 400) == [[], [], [again], [again]]

    def test_feedback_said_to_be_asked_for_comes_again_half_a_year_later(self, desk):
        for weeks in range(1, 30):
            referral(desk, TODAY - timedelta(weeks=weeks), provider=desk.okafor)
        remind(now=NOW)
        row = Reminder.objects.get(rule="feedback_due")
        close(row, by=desk.liaison, now=NOW)

        assert on_the_days("feedback_due", 1, 160) == [[], []]
        referral(desk, TODAY + days(175), provider=desk.okafor)
        assert on_the_days("feedback_due", 182) == [[TODAY + days(182)]]

    def test_asked_before_the_start_it_waits_its_whole_interval(self, desk):
        asked = START - days(1)
        referral(desk, asked, provider=desk.okafor)
        FeedbackRequest.objects.create(provider=desk.okafor, asked_at=at(asked), asked_by=desk.manager)
        referral(desk, TODAY, provider=desk.okafor)

        ((day, _cause),) = due("feedback_due", asked + days(182))
        assert asked + days(182) <= day <= START + days(182)

    def test_call_withdrawn_lets_it_speak_again(self, desk):
        logged = call(desk, desk.reminder)
        assert due("in_touch") == []

        withdraw(logged, by=desk.liaison, now=LATER, reason="Somebody else")
        desk.reminder.refresh_from_db()
        assert desk.reminder.state == "open"

    def test_call_of_long_ago_begins_its_own_interval(self, desk):
        long_ago = date(2026, 7, 1)
        call(desk, desk.reminder, on=long_ago)

        assert due("in_touch") == [(long_ago + days(120), f"provider {desk.okafor.pk} since {long_ago}")]

    @pytest.mark.parametrize("how", ["withdrawn", "corrected"])
    def test_what_a_call_settled_besides_is_open_again(self, desk, how):
        promise = {"next_step": "Send it", "next_step_on": TODAY}
        first = log_call(outcome="reached", provider=desk.okafor, by=desk.liaison, now=NOW, **promise)
        promised = Reminder.objects.get(rule="promised_next_steps")
        second = call(desk, promised)
        promised.refresh_from_db()
        assert promised.state == "done"

        said = {"by": desk.liaison, "now": LATER + days(1), "reason": "A slip"}
        if how == "withdrawn":
            withdraw(second, **said)
        else:
            correct(second, call_outcome="voicemail", **said)

        promised.refresh_from_db()
        first.refresh_from_db()
        assert (promised.state, first.next_step_done_at) == ("open", None)


@pytest.mark.usefixtures("scope")
def test_rule_off_and_on_again_leaves_what_was_put_off_and_handed_over(desk):
    until = TODAY + days(90)
    snooze(desk.reminder, until=until, now=NOW)
    hand_over(desk.reminder, to=desk.coordinator, by=desk.liaison, now=NOW)

    for is_on in (False, True):
        save_setting(RuleSetting(rule="in_touch", is_on=is_on, numbers={}), now=LATER)

    row = Reminder.objects.get(pk=desk.reminder.pk)
    assert (row.state, row.due_on, row.snoozed_at, row.member) == ("open", until, NOW, desk.coordinator)


def press(client, desk, row, by, **headers):
    client.force_login(by.user)
    return client.post(reverse("reminder_done", args=[row.pk]), headers=headers)


def test_done_asks_how_and_closes_nothing_by_itself(client, desk):
    answer = press(client, desk, desk.reminder, desk.liaison)
    in_place = press(client, desk, desk.reminder, desk.liaison, **HTMX)

    assert answer.url == in_place["HX-Redirect"] == f"/touchpoints/new/?reminder={desk.reminder.pk}"
    asked = client.get(answer.url).content.decode()
    assert f"kind=card&amp;reminder={desk.reminder.pk}" in asked
    with practice_scope(desk.practice):
        assert Reminder.objects.get(pk=desk.reminder.pk).state == "open"


def test_step_of_a_referral_is_done_on_its_page(client, desk):
    with practice_scope(desk.practice):
        row = referral(desk, TODAY)
        remind(now=NOW)
        step = Reminder.objects.get(rule="next_actions")

    assert press(client, desk, step, desk.coordinator).url == reverse("referral", args=[row.pk])
    shown = client.get(reverse("reminders")).content.decode()
    assert "Open the referral" in shown
    assert reverse("reminder_done", args=[step.pk]) not in shown


def test_of_many_those_that_are_to_be_logged_stay(client, desk):
    with practice_scope(desk.practice):
        said = {"next_step": "Send it", "next_step_on": TODAY}
        log_call(outcome="voicemail", provider=desk.okafor, by=desk.liaison, now=NOW, **said)
        mine = {row.rule: row.pk for row in Reminder.objects.open().filter(member=desk.liaison)}
    client.force_login(desk.liaison.user)

    def ticked(*rules):
        rows = [mine[rule] for rule in rules]
        client.post(reverse("reminders_many"), {"act": "done", "row": rows})
        return " ".join(client.get(reverse("reminders")).content.decode().split())

    none = ticked("in_touch", "unreached_calls")
    assert "2 stay until they are logged" in none
    assert not re.search(r'action="/[a-z]+/undo/', none)
    assert "Done. 1 stays until it is logged" in ticked("in_touch", "promised_next_steps")
    with practice_scope(desk.practice):
        states = dict(Reminder.objects.filter(pk__in=mine.values()).values_list("rule", "state"))
    assert states == {"in_touch": "open", "unreached_calls": "open", "promised_next_steps": "done"}


def test_people_of_one_name_are_told_apart(desk):
    with practice_scope(desk.practice):
        harbor, lakeside = make.office("Harbor"), make.office("Lakeside")
        for given, office in (("Ben", None), ("Amara", harbor), ("Amara", lakeside)):
            make.provider("Chen", given_name=given, at=office)
        make.provider("Roy")
        remind(now=NOW + days(120))
        reasons = set(Reminder.objects.open().filter(rule="in_touch").values_list("reason", flat=True))

    names = {reason.removeprefix("Be in touch with ").split(" (tier")[0] for reason in reasons}
    assert names == {
        "Dr. Okafor", "Dr. Roy", "Dr. Ben Chen", "Dr. Amara Chen (Harbor)", "Dr. Amara Chen (Lakeside)",
    }  # fmt: skip


def test_who_was_met_is_not_to_be_called_again(desk):
    with practice_scope(desk.practice):
        call(desk, outcome="voicemail")
        assert len(due("unreached_calls")) == 1
        touched(desk, desk.okafor, TODAY, "card")
        assert len(due("unreached_calls")) == 1
        touched(desk, desk.okafor, TODAY, "meeting")
        assert due("unreached_calls") == []
