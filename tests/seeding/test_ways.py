"""Invented ways are ways that the rules allow: each is gone again, step by step."""

from itertools import zip_longest

import pytest

from contacts.models import Referral
from contacts.referral_way import (
    RESTORED,
    last_step,
    log_referral,
    move,
    record_attempt,
    report_back,
    take_back,
    withdraw,
)
from practices.isolation import practice_scope
from practices.models import Member

NEXT_ACTION = ("next_action", "next_action_due_at", "next_action_owner_id")


@pytest.fixture
def first(demo):
    with practice_scope(demo[0]):
        yield demo[0]


def some_referrals():
    """Every tenth, and all that are still open or were withdrawn."""
    open_ones = Referral.objects.exclude(next_action="")
    withdrawn = Referral.objects.exclude(withdrawn_at=None)
    chosen = {*open_ones.values_list("pk", flat=True), *withdrawn.values_list("pk", flat=True)}
    chosen |= set(list(Referral.objects.order_by("pk").values_list("pk", flat=True))[::10])
    return Referral.objects.filter(pk__in=chosen).prefetch_related("steps__by__practice").order_by("pk")


def gone_again(referral):
    """A new referral that goes the same way through the rules."""
    steps = list(referral.steps.all())
    fields = ("provider_id", "office_id", "physician_id", "location_id", "received_on", "channel", "urgency")
    copy = log_referral(by=steps[0].by, now=steps[0].at, **{name: getattr(referral, name) for name in fields})
    for step, after in zip_longest(steps[1:], steps[2:]):
        stands = after.before if after else {name: getattr(referral, name) for name in RESTORED}
        act = {"by": step.by, "now": step.at}
        if step.act == "attempted":
            copy = record_attempt(copy, **act)
        elif step.act == "reported_back":
            copy = report_back(copy, **act)
        elif step.act == "withdrawn":
            copy = withdraw(copy, reason="Logged twice.", **act)
        else:
            appointment_at = Referral._meta.get_field("appointment_at").to_python(stands["appointment_at"])
            seen_on = Referral._meta.get_field("seen_on").to_python(stands["seen_on"])
            copy = move(copy, to=step.act, appointment_at=appointment_at, seen_on=seen_on, **act)
    return copy


def test_the_rules_lead_where_the_seeder_led(first):
    for referral in some_referrals():
        copy = gone_again(referral)
        for name in (*RESTORED, *NEXT_ACTION, "withdrawn_at"):
            assert getattr(copy, name) == getattr(referral, name), (referral, name)
        befores = [(step.act, step.before) for step in copy.steps.all()]
        assert befores == [(step.act, step.before) for step in referral.steps.all()]


def test_the_last_step_can_be_taken_back(first, days):
    manager = Member.objects.get(role="manager")
    for referral in some_referrals()[:40]:
        step = last_step(referral)
        if step is None:
            continue
        row = take_back(referral, step_id=step.pk, by=manager, now=days.now, reason="A mistake")
        assert {name: getattr(row, name) for name in step.before} == {
            name: Referral._meta.get_field(name).to_python(value) for name, value in step.before.items()
        }


def test_every_open_referral_since_the_start_has_a_next_action(first):
    open_ones = Referral.objects.open().filter(received_on__gte=first.starts_on)
    assert open_ones.count() > 50
    assert not open_ones.filter(next_action="").exists()
    assert not open_ones.filter(next_action_due_at=None).exists()
