"""Reports back: the board, the one act that closes the loop, its undo, and the measure."""

from datetime import date, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Referral, ReferralStep
from contacts.referral_way import move
from practices.business_days import add_business_days
from practices.isolation import practice_scope
from practices.models import Cover, Location, PatientAccess
from practices.roles import Role
from tests import make
from touchpoints.models import Reminder, RuleSetting, Touchpoint
from touchpoints.reminders import remind

BOARD = "/report-back/"
TELL = "/report-back/tell/"


@pytest.fixture
def practice(db):
    return make.practice(starts_on=date(2025, 1, 6))


@pytest.fixture
def coordinator(practice):
    return make.member(Role.COORDINATOR, practice)


@pytest.fixture
def physician(practice):
    return make.member(Role.PHYSICIAN, practice, name="Rosa Reyes")


@pytest.fixture
def today(practice):
    return practice.today(timezone.now())


def referral(by, *, days_ago=30, to="", **fields):
    """Received so many days ago, and moved to where it stands; `seen` the day after it came."""
    now = timezone.now()
    received_on = by.practice.today(now) - timedelta(days=days_ago)
    row = make.referral(by, now=now - timedelta(days=days_ago), received_on=received_on, **fields)
    step = {"seen_on": received_on + timedelta(days=1)} if to == "seen" else {}
    if to in ("scheduled", "no_show"):
        at = now - timedelta(days=days_ago - 2)
        row = move(row, to="scheduled", by=by, now=now - timedelta(days=days_ago), appointment_at=at)
    return move(row, to=to, by=by, now=now, **step) if to not in ("", "scheduled") else row


def columns(client, member, query=""):
    client.force_login(member.user)
    answer = client.get(BOARD + query)
    assert answer.status_code == 200
    return {column.step.key: column for column in (*answer.context["way"], *answer.context["ends"])}


def listed(client, member, query):
    client.force_login(member.user)
    return [line.pk for line in client.get(BOARD + query).context["lines"]]


def test_each_referral_stands_at_its_step_and_history_nowhere(client, practice, coordinator):
    with practice_scope(practice):
        made = {step: referral(coordinator, to=step) for step in ("", "contacted", "scheduled", "seen")}
        made |= {step: referral(coordinator, to=step) for step in ("no_show", "declined", "unreachable")}
        referral(coordinator, to="cancelled")
        referral(coordinator, to="seen", days_ago=800)
        told = referral(coordinator, to="seen")
    client.force_login(coordinator.user)
    client.post(TELL, {"referral": told.pk, "note_channel": "fax"})
    found = columns(client, coordinator)
    made["received"], made["told"] = made.pop(""), told
    assert {key: [line.pk for line in column.rows] for key, column in found.items()} == {
        key: [row.pk] for key, row in made.items()
    }
    assert {column.count for column in found.values()} == {"1"}
