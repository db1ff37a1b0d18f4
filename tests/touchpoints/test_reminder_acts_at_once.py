"""Several people and a tick act on the same reminders at the same moment, on connections of their own."""

from datetime import timedelta

import pytest

from practices.isolation import practice_scope
from tests.touchpoints.reminding import TODAY, at, days, new_desk, provider, touched
from tests.touchpoints.test_reminder_rules_at_once import at_once, tick
from touchpoints.models import Reminder
from touchpoints.reminder_acts import close_all, hand_over_all, snooze_all, undo

pytestmark = pytest.mark.django_db(transaction=True)
NOW = at(TODAY)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def desk():
    made = new_desk()
    with practice_scope(made.practice):
        for number in range(8):
            touched(made, provider(f"Number{number}", tier="A"), TODAY - days(30))
    tick(made)
    return made


def acting(desk, act, counts):
    def run():
        with practice_scope(desk.practice.pk):
            counts.append(act(Reminder.objects.filter(rule="in_touch")))

    return run


def test_two_who_close_the_same_many_close_each_once(desk):
    counts = []
    acts = [
        acting(desk, lambda rows, by=by: close_all(rows, by=by, now=NOW), counts)
        for by in (desk.manager, desk.physician)
    ]

    assert at_once(*acts, lambda: tick(desk, LATER)) == []
    assert sorted(counts) == [0, 8]
    with practice_scope(desk.practice):
        closed_by = set(Reminder.objects.filter(rule="in_touch").values_list("state", "closed_by"))
    assert len(closed_by) == 1


def test_different_acts_and_ticks_at_once_wait_for_each_other(desk):
    counts = []
    acts = [
        acting(desk, lambda rows: snooze_all(rows, until=TODAY + days(9), now=NOW), counts),
        acting(
            desk, lambda rows: hand_over_all(rows, to=desk.physician, by=desk.manager, now=NOW).count, counts
        ),
        acting(desk, lambda rows: close_all(rows, by=desk.manager, now=LATER), counts),
    ]

    assert at_once(*acts, lambda: tick(desk, LATER), lambda: tick(desk, LATER)) == []
    with practice_scope(desk.practice):
        assert set(Reminder.objects.filter(rule="in_touch").values_list("state", flat=True)) == {"done"}


def test_undo_pressed_twice_at_once_is_done_once(desk):
    with practice_scope(desk.practice):
        close_all(Reminder.objects.filter(rule="in_touch"), by=desk.manager, now=NOW)
    counts = []
    press = acting(desk, lambda rows: undo(rows, at=NOW, by=desk.manager, now=LATER), counts)

    assert at_once(press, press) == []
    assert sorted(counts) == [0, 8]
