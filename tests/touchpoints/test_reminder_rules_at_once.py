"""Ticks at the same moment, on connections of their own: each reminder once, and nobody's answer is lost."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.models import Practice
from tests.touchpoints.reminder_story import FIRST_DAYS, START, Story, four_providers, no_longer_true
from tests.touchpoints.reminding import TODAY, at, days, new_desk, provider, referral, touched
from touchpoints.models import Reminder
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_rules.asked import Round
from touchpoints.reminders import dismiss, remind, settings_of_rules, what_changes

pytestmark = pytest.mark.django_db(transaction=True)
TICKS = 4


@pytest.fixture
def desk():
    made = new_desk()
    with practice_scope(made.practice):
        for number in range(12):
            whom = provider(f"Number{number}", tier="A")
            touched(made, whom, TODAY - days(30))
            row = referral(made, TODAY - days(3), provider=whom)
            if number % 2:
                move(row, to="seen", seen_on=TODAY, by=made.physician, now=at(TODAY))
    return made


def at_once(*acts):
    """Each in a thread with a connection of its own, started together; what went wrong."""
    start, wrong = threading.Barrier(len(acts)), []

    def run(act):
        try:
            start.wait(20)
            act()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def tick(desk, now=None):
    with practice_scope(desk.practice.pk):
        remind(now=now or at(TODAY))


def causes(desk):
    with practice_scope(desk.practice):
        return sorted(Reminder.objects.values_list("rule", "cause", "state"))


def test_many_ticks_at_once_make_each_reminder_once(desk):
    assert at_once(*[lambda: tick(desk)] * TICKS) == []
    found = causes(desk)
    tick(desk)

    assert causes(desk) == found
    assert len(found) == len({(rule, cause) for rule, cause, _state in found}) >= 24


def test_ticks_at_once_leave_what_one_would_have_left():
    desk = new_desk(starts_on=START)
    with practice_scope(desk.practice):
        story = Story(desk, four_providers(desk))
        for step in FIRST_DAYS:
            story.play(step)
        story.now += days(12)
        asked = Round(desk.practice, story.now)
        changes = what_changes(asked, RULES, settings_of_rules())
        stays = {(row.rule, row.cause) for row in Reminder.objects.open()}
    gone = {(row.rule, row.cause) for row in changes.gone}
    due = stays - gone | {(row.rule, row.cause) for row in changes.all_made}

    assert at_once(*[lambda: tick(desk, story.now)] * TICKS) == []

    found = {(rule, cause) for rule, cause, state in causes(desk) if state == "open"}
    assert found == due != stays
    assert not found & story.answered
    with practice_scope(desk.practice):
        assert no_longer_true() == []


def test_what_is_dismissed_while_ticks_run_stays_dismissed(desk):
    tick(desk)
    with practice_scope(desk.practice):
        rows = list(Reminder.objects.order_by("pk"))
        # So that each tick has something to write on every row.
        Reminder.objects.update(reason="Said otherwise before.")

    def answer():
        for row in rows:
            with practice_scope(desk.practice.pk):
                dismiss(row, by=desk.manager, now=at(TODAY), reason="known")

    def ticks():
        for number in range(len(rows)):
            tick(desk, at(TODAY) + timedelta(minutes=number))

    assert at_once(answer, ticks, ticks) == []
    assert {state for _rule, _cause, state in causes(desk)} == {"dismissed"}


def test_tick_that_has_read_already_makes_an_answer_wait(desk):
    """The answer comes between what a tick reads and what it writes."""
    tick(desk)
    with practice_scope(desk.practice):
        row = Reminder.objects.filter(rule="in_touch").order_by("pk")[0]
        Reminder.objects.update(reason="Said otherwise before.")
    has_answered = threading.Event()

    def answer():
        with practice_scope(desk.practice.pk):
            dismiss(row, by=desk.manager, now=at(TODAY), reason="known")
        has_answered.set()

    waiting = threading.Thread(target=lambda: at_once(answer))
    with practice_scope(desk.practice):
        Practice.objects.select_for_update(no_key=True).get(pk=desk.practice.pk)  # as a tick begins
        waiting.start()
        assert not has_answered.wait(0.5)
        remind(now=at(TODAY))
    waiting.join()

    with practice_scope(desk.practice):
        row.refresh_from_db()
    assert (row.state, row.closed_by_id) == ("dismissed", desk.manager.pk)
