"""The way of a referral: what may follow what, what is due next, and what taking back restores."""

import os
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contacts import referral_way
from contacts.models import Referral, ReferralStep
from contacts.models.referrals import OPEN, OWES_WORD, NextAction, Status
from contacts.referral_way import NotOnTheWay
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

NOW = make.NOW  # Wednesday, November 18, 10:00 in New York
LATER = NOW + timedelta(hours=3)
APPOINTMENT = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)
STANDING = (
    "status",
    "contact_attempts",
    "appointment_at",
    "seen_on",
    "reported_back_at",
    "reported_back_by_id",
)
NEXT = ("next_action", "next_action_due_at", "next_action_owner_id")


def standing(referral, fields=STANDING + NEXT):
    referral.refresh_from_db()
    return {name: getattr(referral, name) for name in fields}


def newest(referral):
    return referral_way.newest_step(referral)


@pytest.fixture
def desk(db):
    """A coordinator, inside the scope of her practice."""
    coordinator = make.member(Role.COORDINATOR, make.practice())
    with practice_scope(coordinator.practice):
        yield coordinator


@pytest.fixture
def physician(desk):
    return make.member(Role.PHYSICIAN, desk.practice)


def test_a_logged_referral_waits_for_the_patient_to_be_contacted(desk):
    referral = make.referral(desk)
    assert referral.status == Status.RECEIVED
    assert referral.next_action == NextAction.CONTACT
    assert [step.act for step in referral.steps.all()] == ["received"]


@pytest.mark.parametrize(
    ("urgency", "due"),
    [
        ("stat", datetime(2026, 11, 18, 17, 0, tzinfo=UTC)),  # two hours
        ("urgent", datetime(2026, 11, 19, 22, 0, tzinfo=UTC)),  # Thursday, end of the day
        ("routine", datetime(2026, 11, 23, 22, 0, tzinfo=UTC)),  # Thursday, Friday, Monday
    ],
)
def test_the_urgency_says_by_when(desk, urgency, due):
    assert make.referral(desk, urgency=urgency).next_action_due_at == due


def test_the_same_submission_twice_is_one_referral(desk):
    key, sender = uuid4(), make.provider()
    first = make.referral(desk, provider=sender, submission_key=key)
    second = make.referral(desk, provider=sender, submission_key=key)
    assert first == second
    assert Referral.objects.count() == ReferralStep.objects.count() == 1


def test_tomorrow_is_refused_and_today_is_the_practices(desk):
    late_evening = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)  # still the 18th in New York
    make.referral(desk, now=late_evening, received_on=date(2026, 11, 18))
    with pytest.raises(ValueError, match="future"):
        make.referral(desk, now=late_evening, received_on=date(2026, 11, 19))


def test_history_asks_for_nothing(desk):
    referral = make.referral(desk, received_on=desk.practice.starts_on - timedelta(days=1))
    assert (referral.next_action, referral.next_action_due_at) == ("", None)


def test_scheduled_is_asked_about_the_day_after(desk):
    referral = referral_way.move(
        make.referral(desk), to="scheduled", by=desk, now=NOW, appointment_at=APPOINTMENT
    )
    assert referral.next_action == NextAction.RECORD_OUTCOME
    assert referral.next_action_due_at == datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def test_seen_asks_the_physician_to_report_within_two_business_days(desk, physician):
    referral = make.referral(desk, physician=physician, received_on=date(2026, 11, 12))
    referral = referral_way.move(referral, to="seen", by=desk, now=NOW, seen_on=date(2026, 11, 13))
    assert referral.next_action == NextAction.REPORT_BACK
    assert referral.next_action_owner == physician
    assert referral.next_action_due_at == datetime(2026, 11, 17, 22, 0, tzinfo=UTC)


def test_told_after_the_visit_it_is_closed(desk):
    referral = referral_way.move(make.referral(desk), to="seen", by=desk, now=NOW, seen_on=date(2026, 11, 17))
    referral = referral_way.report_back(referral, by=desk, now=LATER)
    assert referral.status == Status.CLOSED
    assert (referral.reported_back_at, referral.reported_back_by) == (LATER, desk)
    assert referral.next_action == ""


@pytest.mark.parametrize("end", ["declined", "unreachable"])
def test_an_end_without_a_visit_owes_word_too(desk, end):
    referral = referral_way.move(make.referral(desk), to=end, by=desk, now=NOW)
    assert referral.next_action == NextAction.REPORT_BACK
    referral = referral_way.report_back(referral, by=desk, now=LATER)
    assert (referral.status, referral.next_action) == (end, "")
    assert not Referral.objects.awaiting_report_back().exists()


def test_a_no_show_owes_word_until_it_has_a_new_appointment(desk):
    referral = make.referral(desk)
    referral_way.move(referral, to="scheduled", by=desk, now=NOW, appointment_at=APPOINTMENT)
    referral_way.move(referral, to="no_show", by=desk, now=LATER)
    assert list(Referral.objects.awaiting_report_back()) == [referral]
    referral_way.move(
        referral, to="scheduled", by=desk, now=LATER, appointment_at=APPOINTMENT + timedelta(days=7)
    )
    assert not Referral.objects.awaiting_report_back().exists()


def test_who_comes_after_all_is_reported_anew(desk):
    referral = make.referral(desk)
    referral_way.move(referral, to="unreachable", by=desk, now=NOW)
    referral_way.report_back(referral, by=desk, now=NOW)
    referral = referral_way.move(referral, to="seen", by=desk, now=LATER, seen_on=date(2026, 11, 18))
    assert referral.owes_word
    assert referral_way.report_back(referral, by=desk, now=LATER).status == Status.CLOSED


def test_a_step_off_the_way_is_refused_with_a_sentence(desk):
    referral = make.referral(desk)
    with pytest.raises(NotOnTheWay, match="Say when the appointment is"):
        referral_way.move(referral, to="scheduled", by=desk, now=NOW)
    with pytest.raises(NotOnTheWay, match="in the future"):
        referral_way.move(referral, to="seen", by=desk, now=NOW, seen_on=date(2026, 11, 19))
    with pytest.raises(NotOnTheWay, match="received can't become no-show"):
        referral_way.move(referral, to="no_show", by=desk, now=NOW)
    with pytest.raises(NotOnTheWay, match="nothing to report yet"):
        referral_way.report_back(referral, by=desk, now=NOW)
    assert newest(referral).act == "received"


def test_a_second_click_changes_nothing(desk):
    referral = make.referral(desk)
    for _ in range(2):
        referral_way.record_attempt(referral, by=desk, now=NOW, known=0)
    for _ in range(2):
        referral_way.move(referral, to="contacted", by=desk, now=LATER)
    taken = newest(referral)
    for _ in range(2):
        referral_way.take_back(referral, step_id=taken.pk, by=desk, now=LATER, reason="wrong patient")
    assert [step.act for step in referral.steps.all()] == ["received", "attempted", "contacted"]
    assert standing(referral, ("status", "contact_attempts")) == {"status": "received", "contact_attempts": 1}


def test_an_attempt_of_a_colleague_counts_beside_ones_own(desk):
    referral = make.referral(desk)
    colleague = make.member(Role.COORDINATOR, desk.practice)
    referral_way.record_attempt(referral, by=colleague, now=NOW, known=0)
    referral = referral_way.record_attempt(referral, by=desk, now=LATER, known=0)
    assert referral.contact_attempts == 2


def test_ones_own_second_attempt_counts_too(desk):
    referral = referral_way.record_attempt(make.referral(desk), by=desk, now=NOW, known=0)
    referral = referral_way.record_attempt(referral, by=desk, now=LATER, known=1)
    assert referral.contact_attempts == 2


def test_only_the_last_step_is_taken_back(desk):
    referral = make.referral(desk)
    referral_way.move(referral, to="contacted", by=desk, now=NOW)
    contacted = newest(referral)
    referral_way.move(referral, to="scheduled", by=desk, now=LATER, appointment_at=APPOINTMENT)
    with pytest.raises(NotOnTheWay, match="another has followed"):
        referral_way.take_back(referral, step_id=contacted.pk, by=desk, now=LATER, reason="oops")
    with pytest.raises(NotOnTheWay):
        referral_way.take_back(
            referral, step_id=referral.steps.first().pk, by=desk, now=LATER, reason="never logged"
        )


def test_a_correction_does_not_put_off_what_is_due(desk):
    referral = referral_way.move(make.referral(desk), to="contacted", by=desk, now=NOW)
    due = referral.next_action_due_at
    edited = referral_way.edit(referral, by=desk, now=NOW + timedelta(days=2), payer="Invented Health")
    assert edited.next_action_due_at == due
    assert newest(referral).before == {"fields": ["payer"]}


def test_a_correction_without_a_change_leaves_no_step(desk):
    referral = make.referral(desk, payer="Invented Health")
    referral_way.edit(referral, by=desk, now=LATER, payer="Invented Health")
    assert newest(referral).act == "received"


def test_a_corrected_urgency_is_due_sooner(desk):
    referral = referral_way.edit(make.referral(desk), by=desk, now=LATER, urgency="stat")
    assert referral.next_action_due_at == NOW + timedelta(hours=2)


def test_withdrawn_it_asks_for_nothing_until_that_is_taken_back(desk):
    referral = make.referral(desk)
    before = standing(referral)
    referral = referral_way.withdraw(referral, by=desk, now=LATER, reason="logged twice")
    assert (referral.next_action, Referral.objects.standing().count()) == ("", 0)
    for refused in (
        lambda: referral_way.move(referral, to="contacted", by=desk, now=LATER),
        lambda: referral_way.record_attempt(referral, by=desk, now=LATER),
        lambda: referral_way.edit(referral, by=desk, now=LATER, payer="x"),
    ):
        with pytest.raises(NotOnTheWay, match="withdrawn"):
            refused()
    referral_way.take_back(referral, step_id=newest(referral).pk, by=desk, now=LATER, reason="it was right")
    assert standing(referral) == before
    assert Referral.objects.standing().count() == 1


class Way(RuleBasedStateMachine):
    """Any steps in any order, with a model of what each referral may be taken back to."""

    coordinator = None

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.now = NOW
        self.referral = make.referral(self.coordinator)
        self.pasts = []

    def teardown(self):
        transaction.savepoint_rollback(self.savepoint)

    def step(self, rule_of_the_way, **arguments):
        before = standing(self.referral)
        steps = self.referral.steps.count()
        self.now += timedelta(minutes=7)
        rule_of_the_way(self.referral, by=self.coordinator, now=self.now, **arguments)
        if self.referral.steps.count() > steps:
            self.pasts.append(before)

    @property
    def row(self):
        return Referral.objects.get(pk=self.referral.pk)

    @rule(to=st.sampled_from(Status.values), days=st.integers(-3, 30))
    def move(self, to, days):
        day = self.coordinator.practice.today(self.now) - timedelta(days=abs(days))
        offered = referral_way.moves_from(self.row)
        try:
            self.step(referral_way.move, to=to, appointment_at=self.now + timedelta(days=days), seen_on=day)
        except NotOnTheWay:
            assert to not in offered or (to == Status.SEEN and day < self.row.received_on)
        else:
            assert self.row.status == to

    @rule()
    def attempt(self):
        if referral_way.may_attempt(self.row):
            self.step(referral_way.record_attempt)

    @rule()
    def tell(self):
        if self.row.owes_word:
            self.step(referral_way.report_back)
            assert not self.row.owes_word

    @rule(days=st.integers(0, 5))
    def wait(self, days):
        self.now += timedelta(days=days)

    @precondition(lambda self: self.pasts)
    @rule()
    def take_back(self):
        step = referral_way.last_step(self.referral)
        referral_way.take_back(
            self.referral, step_id=step.pk, by=self.coordinator, now=self.now, reason="in error"
        )
        assert standing(self.referral) == self.pasts.pop()

    @precondition(lambda self: not self.row.withdrawn_at)
    @rule()
    def withdraw(self):
        self.step(referral_way.withdraw, reason="in error")

    @invariant()
    def what_is_open_has_a_next_action(self):
        row = self.row
        if row.withdrawn_at:
            assert row.next_action == ""
        elif row.status in OPEN or (row.status in OWES_WORD and not row.reported_back_at):
            assert row.next_action
            assert row.next_action_due_at
        else:
            assert row.next_action == ""

    @invariant()
    def the_attempts_are_counted(self):
        steps = self.referral.steps.filter(taken_back_at=None, act__in=["attempted", "contacted"])
        assert self.row.contact_attempts == steps.count()

    @invariant()
    def the_lists_agree_with_the_row(self):
        rows = Referral.objects
        assert rows.open().exists() == self.row.is_open
        assert rows.awaiting_report_back().exists() == self.row.owes_word


def test_any_way_keeps_its_promises(desk):
    Way.coordinator = desk
    run_state_machine_as_test(
        Way,
        settings=settings(
            max_examples=400 if os.environ.get("TEST_COUNTS") == "full" else 40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
