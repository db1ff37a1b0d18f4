"""The next step of a referral falls to somebody on its day, and the referrer's word to the physician."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from contacts.referral_way import move, record_attempt, report_back, withdraw
from practices.isolation import practice_scope
from practices.models import Member
from practices.roles import Role
from tests import make
from tests.touchpoints.reminding import START, TODAY, at, days, due, new_desk, provider, referral, tuned
from touchpoints.models import Reminder
from touchpoints.reminders import dismiss

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.fixture
def desk(db):
    made = new_desk()
    with practice_scope(made.practice):
        yield made


def the(rule):
    return Reminder.objects.open().get(rule=rule)


@pytest.mark.parametrize(
    ("urgency", "on"), [("stat", TODAY), ("urgent", TODAY + days(1)), ("routine", MONDAY)]
)
def test_contacting_the_patient_falls_to_a_coordinator_by_urgency(desk, urgency, on):
    row = referral(desk, TODAY, urgency=urgency, provider=provider())

    assert due("next_actions") == [(on, f"referral {row.pk} contact")]
    assert the("next_actions").member == desk.coordinator
    assert the("next_actions").reason == f"Contact the patient sent by Dr. Okafor (R-{row.pk})."


def test_each_step_replaces_the_reminder_of_the_one_before(desk):
    row = referral(desk, TODAY)
    move(row, to="contacted", by=desk.coordinator, now=at(TODAY))
    assert due("next_actions") == [(MONDAY, f"referral {row.pk} schedule 1")]

    move(row, to="scheduled", appointment_at=at(MONDAY), by=desk.coordinator, now=at(TODAY))
    assert due("next_actions") == [
        (date(2026, 11, 24), f"referral {row.pk} record_outcome 2026-11-23T15:00Z")
    ]
    assert the("next_actions").reason.endswith(f"was seen (R-{row.pk}).")

    move(row, to="seen", seen_on=MONDAY, by=desk.coordinator, now=at(MONDAY))
    assert due("next_actions", MONDAY) == []


def test_nothing_is_made_more_than_two_weeks_ahead(desk):
    row = referral(desk, TODAY)
    move(row, to="scheduled", appointment_at=at(date(2026, 12, 31)), by=desk.coordinator, now=at(TODAY))

    assert due("next_actions", date(2026, 12, 17)) == []
    assert [on for on, _cause in due("next_actions", date(2026, 12, 18))] == [date(2027, 1, 1)]


def test_another_appointment_is_another_outcome_to_record(desk):
    row = referral(desk, TODAY)
    move(row, to="scheduled", appointment_at=at(FRIDAY), by=desk.coordinator, now=at(TODAY))
    due("next_actions")
    dismiss(the("next_actions"), by=desk.coordinator, now=at(TODAY), reason="The desk knows")
    move(row, to="no_show", by=desk.coordinator, now=at(FRIDAY))
    move(row, to="scheduled", appointment_at=at(MONDAY), by=desk.coordinator, now=at(FRIDAY))

    assert [on for on, _cause in due("next_actions", FRIDAY)] == [date(2026, 11, 24)]


def test_practice_may_wait_some_days_of_grace(desk):
    tuned("next_actions", numbers={"days": 2})
    referral(desk, TODAY, urgency="stat")

    assert [on for on, _cause in due("next_actions")] == [FRIDAY]


def test_who_owns_the_step_is_reminded_and_a_chosen_member_of_the_others(desk):
    tuned("next_actions", owner=desk.manager)
    referral(desk, TODAY)
    due("next_actions")

    assert the("next_actions").member == desk.manager


def test_first_of_two_coordinators_has_what_nobody_has_until_they_leave(desk):
    with practice_scope(desk.practice):
        second = make.member(Role.COORDINATOR, desk.practice)
    referral(desk, TODAY)
    due("next_actions")
    assert the("next_actions").member == desk.coordinator

    Member.objects.filter(pk=desk.coordinator.pk).update(left_at=timezone.now())
    due("next_actions")
    assert the("next_actions").member == second

    Member.objects.filter(pk=second.pk).update(left_at=timezone.now())
    due("next_actions")
    assert the("next_actions").member == desk.manager


def test_patient_is_contacted_whose_referrer_died_and_is_not_named(desk):
    row = referral(desk, TODAY, provider=provider(state="deceased"))

    assert due("next_actions")
    assert the("next_actions").reason == f"Contact the patient of R-{row.pk}."
    assert the("next_actions").provider is None


def test_referral_that_names_only_its_office_says_the_office(desk):
    row = referral(desk, TODAY, provider=None, office=make.office("Lakeside"))
    due("next_actions")

    assert the("next_actions").reason == f"Contact the patient sent by Lakeside (R-{row.pk})."
    assert the("next_actions").office == row.office


@pytest.mark.parametrize("rule", ["next_actions", "report_backs"])
def test_history_and_what_was_withdrawn_remind_of_nothing(desk, rule):
    history = referral(desk, START - timedelta(days=1))
    move(history, to="seen", seen_on=START, by=desk.coordinator, now=at(START))
    withdraw(referral(desk, TODAY), by=desk.coordinator, now=at(TODAY), reason="Twice")

    assert due(rule) == []


def test_report_back_falls_to_the_physician_two_business_days_after_the_visit(desk):
    row = referral(desk, TODAY, provider=provider())
    move(row, to="seen", seen_on=TODAY, by=desk.physician, now=at(TODAY))

    assert due("report_backs") == [(FRIDAY, f"referral {row.pk} seen")]
    assert the("report_backs").member == desk.physician
    assert the("report_backs").reason == f"Tell Dr. Okafor what was found (R-{row.pk})."

    report_back(row, by=desk.physician, now=at(FRIDAY))
    assert due("report_backs", FRIDAY) == []


@pytest.mark.parametrize(
    ("number", "on"), [(1, date(2026, 11, 25)), (2, date(2026, 11, 27)), (3, date(2026, 11, 30))]
)
def test_practice_sets_how_soon_and_holidays_are_left_out(desk, number, on):
    tuned("report_backs", numbers={"days": number})
    row = referral(desk, MONDAY)
    tuesday = date(2026, 11, 24)
    move(row, to="seen", seen_on=tuesday, by=desk.physician, now=at(tuesday))

    assert [day for day, _cause in due("report_backs", tuesday)] == [on]


def test_referrer_is_owed_word_of_what_came_to_nothing_each_time_anew(desk):
    row = referral(desk, TODAY, provider=provider())
    move(row, to="scheduled", appointment_at=at(TODAY), by=desk.coordinator, now=at(TODAY))
    move(row, to="no_show", by=desk.coordinator, now=at(TODAY))
    assert due("report_backs") == [(FRIDAY, f"referral {row.pk} no_show 2026-11-18T15:00Z")]
    assert the("report_backs").reason == f"Tell Dr. Okafor that nothing came of the referral (R-{row.pk})."
    dismiss(the("report_backs"), by=desk.physician, now=at(TODAY), reason="They know")
    record_attempt(row, by=desk.coordinator, now=at(FRIDAY))
    assert due("report_backs", FRIDAY) == []

    move(row, to="scheduled", appointment_at=at(FRIDAY), by=desk.coordinator, now=at(FRIDAY))
    assert due("report_backs", FRIDAY) == []
    move(row, to="no_show", by=desk.coordinator, now=at(FRIDAY))
    assert len(due("report_backs", FRIDAY)) == 1


@pytest.mark.parametrize("state", ["retired", "deceased", "do_not_contact", "moved"])
def test_nobody_is_told_who_is_not_to_be_written_to(desk, state):
    row = referral(desk, TODAY, provider=provider(state=state))
    move(row, to="seen", seen_on=TODAY, by=desk.physician, now=at(TODAY))

    assert due("report_backs") == []


def test_no_reminder_says_who_the_patient_is(desk):
    row = referral(desk, TODAY, patient_family_name="Quisling", patient_given_name="Zebedee")
    move(row, to="seen", seen_on=TODAY, by=desk.physician, now=at(TODAY))
    referral(desk, TODAY, patient_family_name="Quisling", patient_given_name="Zebedee")
    due("report_backs")

    said = " ".join(f"{row.reason} {row.cause}" for row in Reminder.objects.all())
    assert "Quisling" not in said and "Zebedee" not in said
    assert Reminder.objects.count() >= 2
