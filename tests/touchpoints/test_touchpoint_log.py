"""Calls and cards logged by hand: once, whole, corrected and withdrawn without losing what was said."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from contacts.referral_way import NotOnTheWay, move
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import Reminder, ThankYou, Touchpoint
from touchpoints.reminders import close, dismiss, remind, reopen
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import (
    NotPossible,
    correct,
    finish_next_step,
    log_call,
    log_card,
    withdraw,
)

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY, TOMORROW = date(2026, 11, 18), date(2026, 11, 19)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice) for role in Role}
    with practice_scope(practice):
        office = make.office("Lakeside")
        yield SimpleNamespace(
            practice=practice, office=office, provider=make.provider("Okafor", at=office), **people
        )


def called(desk, outcome="reached", *, now=NOW, **fields):
    return log_call(outcome=outcome, by=desk.physician, now=now, **{"provider": desk.provider, **fields})


def seen_referral(desk):
    referral = make.referral(desk.coordinator, provider=desk.provider, physician=desk.physician)
    return move(referral, to="seen", seen_on=TODAY, by=desk.physician, now=NOW)


def due():
    rows = Reminder.objects.open().order_by("due_on", "pk")
    return [(row.rule, row.due_on, row.member) for row in rows]


def test_call_says_who_when_where_and_how_it_went(desk):
    call = called(desk, "voicemail", note="Left a word", is_thanks=True)

    assert (call.kind, call.happened_on, call.office, call.member) == (
        "call", TODAY, desk.office, desk.physician,
    )  # fmt: skip
    assert (call.call_outcome, call.note, call.is_thanks) == ("voicemail", "Left a word", True)


def test_nobody_is_thanked_by_a_call_that_nobody_answered(desk):
    assert not called(desk, "no_answer", is_thanks=True).is_thanks


def test_telling_the_outcome_reports_back_the_referral_it_is_about(desk):
    referral = seen_referral(desk)

    called(desk, referral=referral, reports_back=True)

    referral.refresh_from_db()
    assert (referral.status, referral.reported_back_by) == ("closed", desk.physician)


def test_call_that_can_report_nothing_back_is_not_logged(desk):
    referral = make.referral(desk.coordinator, provider=desk.provider)

    with pytest.raises(NotOnTheWay):
        called(desk, referral=referral, reports_back=True)
    with pytest.raises(NotPossible):
        called(desk, "voicemail", referral=seen_referral(desk), reports_back=True)

    assert not Touchpoint.objects.exists()


def test_nothing_is_logged_in_the_future(desk):
    with pytest.raises(NotPossible):
        called(desk, happened_on=TOMORROW)
    with pytest.raises(NotPossible):
        correct(called(desk), by=desk.physician, now=NOW, reason="wrong day", happened_on=TOMORROW)


def test_second_press_finds_the_first(desk):
    first = called(desk, note="Left a word")
    again = called(desk, note="Left a word", now=NOW + timedelta(seconds=5))
    other = called(desk, note="Another word", now=NOW + timedelta(seconds=6))
    later = called(desk, note="Left a word", now=LATER)

    assert again == first
    assert len({first.pk, other.pk, later.pk}) == 3


def test_card_by_hand_is_thanks(desk):
    card = log_card(
        provider=desk.provider, by=desk.physician, now=NOW, happened_on=TODAY, note="For the year"
    )

    assert (card.kind, card.is_thanks, card.call_outcome) == ("card", True, "")


# What calls leave to do.


def test_promised_next_step_is_a_reminder_on_its_date(desk):
    called(desk, next_step="Send the leaflet", next_step_on=date(2026, 11, 25), next_step_owner=desk.liaison)
    called(desk, next_step="Ask again", next_step_on=date(2026, 12, 1), now=LATER)

    assert due() == [
        ("promised_next_steps", date(2026, 11, 25), desk.liaison),
        ("promised_next_steps", date(2026, 12, 1), desk.physician),
    ]
    assert all("leaflet" not in row.reason for row in Reminder.objects.all())


def test_next_step_that_is_done_takes_its_reminder_along_and_the_other_way_round(desk):
    first = called(desk, next_step="Send it", next_step_on=TOMORROW)
    finish_next_step(first, by=desk.physician, now=LATER)
    assert Reminder.objects.get().state == "done"

    reopen(Reminder.objects.get())
    first.refresh_from_db()
    assert first.next_step_done_at is None

    close(Reminder.objects.get(), by=desk.physician, now=LATER)
    first.refresh_from_db()
    assert first.next_step_done_at == LATER


def test_unreached_call_comes_back_on_the_next_business_day(desk):
    called(desk, "no_answer", happened_on=date(2026, 11, 13))  # a Friday

    assert due() == [("unreached_calls", date(2026, 11, 16), desk.physician)]


def test_unreached_call_goes_when_they_are_reached(desk):
    called(desk, "voicemail")
    called(desk, now=LATER)

    assert [row.state for row in Reminder.objects.all()] == ["gone"]


def test_reached_on_an_earlier_day_does_not_count(desk):
    called(desk, "voicemail")
    called(desk, happened_on=date(2026, 11, 17), now=LATER)

    assert [rule for rule, _day, _who in due()] == ["unreached_calls"]


def test_last_of_several_tries_is_the_one_that_comes_back(desk):
    called(desk, "voicemail", happened_on=date(2026, 11, 17))
    called(desk, "no_answer", now=LATER)

    assert due() == [("unreached_calls", TOMORROW, desk.physician)]


def test_dismissed_try_stays_away_until_the_next(desk):
    called(desk, "voicemail")
    dismiss(Reminder.objects.get(), by=desk.physician, now=LATER, reason="They will call")
    remind(now=LATER + timedelta(days=3), only=["unreached_calls"])
    assert due() == []

    called(desk, "voicemail", happened_on=TOMORROW, now=NOW + timedelta(days=1))
    assert [rule for rule, _day, _who in due()] == ["unreached_calls"]


def test_call_logged_from_a_reminder_does_it(desk):
    called(desk, "voicemail")
    called(desk, "no_answer", answers=[Reminder.objects.get()], now=LATER)

    assert sorted(row.state for row in Reminder.objects.all()) == ["gone", "open"]


@pytest.mark.parametrize("state", ["retired", "deceased", "do_not_contact", "moved"])
def test_nobody_is_asked_to_call_who_is_not_to_be_called(desk, state):
    called(desk, "voicemail", next_step="Visit", next_step_on=TOMORROW)
    desk.provider.state = state
    desk.provider.save()

    remind(now=LATER)

    assert due() == []


def test_calls_from_before_the_start_remind_of_nothing(desk):
    desk.practice.starts_on = TODAY
    desk.practice.save()

    called(desk, "voicemail", happened_on=date(2026, 11, 17))

    assert due() == []


# Corrected and withdrawn.


def test_correction_keeps_the_row_and_what_it_said_before(desk):
    call = called(desk, "voicemail", note="Left a wrod")

    after = correct(
        call, by=desk.manager, now=LATER, reason="Misspelt", note="Left a word", call_outcome="reached"
    )

    assert (after.pk, after.note, after.call_outcome) == (call.pk, "Left a word", "reached")
    before = Touchpoint.objects.get(corrected_by=call)
    assert (before.note, before.call_outcome, before.withdrawn_reason) == (
        "Left a wrod",
        "voicemail",
        "Misspelt",
    )
    assert (before.withdrawn_by, before.withdrawn_at) == (desk.manager, LATER)
    assert Touchpoint.objects.standing().count() == 1
    assert due() == []


def test_correcting_nothing_keeps_nothing(desk):
    call = called(desk, note="Left a word")

    correct(call, by=desk.physician, now=LATER, reason="?", note="Left a word")

    assert Touchpoint.objects.count() == 1


def test_correction_is_refused_after_a_withdrawal(desk):
    call = called(desk)
    withdraw(call, by=desk.physician, now=LATER, reason="Wrong person")
    with pytest.raises(NotPossible, match="withdrawn"):
        correct(call, by=desk.manager, now=LATER, reason="Third", note="Late")


def test_step_promised_for_another_day_is_owed_anew(desk):
    call = called(desk, next_step="Send it", next_step_on=TOMORROW)
    finish_next_step(call, by=desk.physician, now=LATER)

    after = correct(call, by=desk.physician, now=LATER, reason="Later", next_step_on=date(2026, 11, 30))

    assert after.next_step_done_at is None


def test_withdrawn_touchpoint_reminds_of_nothing_and_stays(desk):
    call = called(desk, "voicemail", next_step="Send it", next_step_on=TOMORROW)

    withdraw(call, by=desk.physician, now=LATER, reason="Wrong person")
    withdraw(call, by=desk.manager, now=LATER, reason="Again")

    call.refresh_from_db()
    assert (call.withdrawn_by, call.withdrawn_reason) == (desk.physician, "Wrong person")
    assert due() == []


def test_what_a_thank_you_list_holds_is_taken_back_there(desk):
    make.referral(
        desk.coordinator, provider=desk.provider, physician=desk.physician, received_on=date(2026, 11, 10)
    )
    make_thank_you_lists(week=Week.of(date(2026, 11, 10)), now=NOW)
    row = acts.record_call(ThankYou.objects.get(), by=desk.physician, now=NOW, note="Thank you")

    with pytest.raises(NotPossible, match="thank-you list"):
        withdraw(row.call, by=desk.physician, now=LATER, reason="Wrong person")
    after = correct(row.call, by=desk.physician, now=LATER, reason="More", note="Thank you both")

    row.refresh_from_db()
    assert row.call == after
    assert row.call.call_outcome == "reached"
