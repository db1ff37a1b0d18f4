"""Each reminder once, on its day, gone when done, never back when dismissed."""

from datetime import date, timedelta

import pytest

from practices.isolation import practice_scope
from tests import make
from tests.touchpoints.test_thank_you_lists import MONDAY_6, sent
from touchpoints import thank_you_acts as acts
from touchpoints.models import Reminder, ThankYou
from touchpoints.reminder_rules import lists
from touchpoints.reminders import close, dismiss, remind, snooze
from touchpoints.thank_you_lists import make_due_thank_you_lists

LISTS = [rule.key for rule in lists.RULES]


@pytest.fixture
def row(harbor):
    sent(harbor, provider=make.provider("Okafor"))
    make_due_thank_you_lists(now=MONDAY_6)
    remind(now=MONDAY_6, only=LISTS)
    return ThankYou.objects.get()


def test_a_list_not_reviewed_falls_to_its_physician_after_four_business_days(harbor, row):
    reminder = Reminder.objects.get()
    assert reminder.member == harbor.physician
    assert reminder.due_on == date(2026, 11, 30)  # Thanksgiving, 26 November, is no business day
    assert reminder.reason == "1 row of the thank-you list of November 16–22 is undecided."


def test_the_next_step_replaces_the_reminder(harbor, row):
    seen = []
    for act in (acts.write_card, acts.mark_written, acts.mark_mailed):
        act(row, by=harbor.physician, now=MONDAY_6)
        remind(now=MONDAY_6, only=LISTS)
        seen.append([(r.rule, r.due_on.day) for r in Reminder.objects.open()])
    assert seen == [[("cards_to_write", 27)], [("cards_to_mail", 25)], []]


def test_a_card_handed_over_reminds_whoever_has_it(harbor, row):
    acts.write_card(row, by=harbor.physician, now=MONDAY_6)
    acts.hand_over(row, to=harbor.coordinator)
    remind(now=MONDAY_6, only=LISTS)
    assert Reminder.objects.open().get().member == harbor.coordinator


def test_asked_twice_nothing_changes(row):
    before = list(Reminder.objects.values())
    remind(now=MONDAY_6 + timedelta(hours=1), only=LISTS)
    assert list(Reminder.objects.values()) == before


def test_dismissed_it_never_returns_for_the_same_cause(harbor, row):
    dismiss(Reminder.objects.get(), by=harbor.physician, now=MONDAY_6, reason="on leave")
    remind(now=MONDAY_6 + timedelta(days=30), only=LISTS)
    assert [r.state for r in Reminder.objects.all()] == ["dismissed"]


def test_done_by_hand_it_stays_done(harbor, row):
    close(Reminder.objects.get(), by=harbor.physician, now=MONDAY_6)
    remind(now=MONDAY_6 + timedelta(days=1), only=LISTS)
    assert [r.state for r in Reminder.objects.all()] == ["done"]


def test_gone_by_itself_it_comes_back_with_its_cause(harbor, row):
    acts.skip(row, by=harbor.physician, now=MONDAY_6, reason="a relative")
    remind(now=MONDAY_6, only=LISTS)
    assert Reminder.objects.get().state == "gone"
    acts.take_back(row, by=harbor.physician, now=MONDAY_6)
    remind(now=MONDAY_6, only=LISTS)
    assert Reminder.objects.get().state == "open"


def test_snoozed_it_keeps_its_new_day(row):
    snooze(Reminder.objects.get(), until=date(2026, 12, 7), now=MONDAY_6)
    remind(now=MONDAY_6 + timedelta(days=1), only=LISTS)
    assert Reminder.objects.get().due_on == date(2026, 12, 7)
    assert not Reminder.objects.due_on(date(2026, 12, 6)).exists()
    assert Reminder.objects.due_on(date(2026, 12, 7)).exists()


def test_another_practice_is_not_reminded(harbor, row):
    from practices.isolation import WrongPractice

    other = make.practice("Elsewhere")
    with pytest.raises(WrongPractice), practice_scope(other):
        remind(now=MONDAY_6, only=LISTS)
