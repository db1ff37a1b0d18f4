"""One call settles what waits with the same provider: what it was made for, what goes by itself, what was ticked."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.urls import reverse

from contacts.models import Referral
from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.touchpoints.test_views_reminders import remind
from touchpoints.models import Reminder, Touchpoint

pytestmark = pytest.mark.django_db
NOW, TODAY = make.NOW, date(2026, 11, 18)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk():
    """A provider with whom three things wait: to be in touch, to report back, a promise."""
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    with practice_scope(practice):
        desk.provider = make.provider("Okafor")
        desk.referral = make.referral(desk.coordinator, provider=desk.provider, physician=desk.physician)
        move(desk.referral, to="seen", seen_on=date(2026, 11, 17), by=desk.physician, now=NOW)
        desk.in_touch = remind(desk, "Be in touch with Dr. Okafor.", rule="in_touch", cause="a")
        desk.report = remind(
            desk, "Tell Dr. Okafor what was found.", rule="report_backs", cause="b", referral=desk.referral
        )
        promised = Touchpoint.objects.create(
            kind="call", call_outcome="reached", provider=desk.provider, member=desk.physician, logged_by=desk.physician,
            happened_on=TODAY, logged_at=NOW, next_step="Send the sheet", next_step_on=TODAY,
        )  # fmt: skip
        desk.promise = remind(
            desk, "The next step promised.", rule="promised_next_steps", cause=f"touchpoint {promised.pk}"
        )
    return desk


def url(desk, reminder=None):
    about = f"reminder={reminder.pk}" if reminder else f"provider={desk.provider.pk}"
    return f"{reverse('touchpoint_new')}?kind=call&{about}"


def call(client, desk, *, by=None, reminder=None, outcome="reached", settles=()):
    client.force_login((by or desk.physician).user)
    data = {"call_outcome": outcome, "happened_on": TODAY, "settles": [row.pk for row in settles]}
    answer = client.post(url(desk, reminder), data)
    assert answer.status_code == 302, answer.content.decode()


def states(desk):
    with practice_scope(desk.practice):
        rows = (Reminder.objects.get(pk=row.pk) for row in (desk.in_touch, desk.report, desk.promise))
        return [row.state for row in rows]


def status(desk):
    with practice_scope(desk.practice):
        return Referral.objects.get(pk=desk.referral.pk).status


def test_form_says_what_goes_and_asks_what_else_was_settled(client, desk):
    client.force_login(desk.physician.user)
    shown = client.get(url(desk, desk.in_touch)).content.decode()

    settled = shown.split("Done once they are reached")[1].split("</section>")[0]
    assert "Be in touch with Dr. Okafor." in settled
    asked = shown.split("Did the call settle this too?")[1]
    assert "Tell Dr. Okafor what was found." in asked
    assert "The next step promised." in asked


def test_one_call_settles_three(client, desk):
    call(client, desk, reminder=desk.in_touch, settles=[desk.report, desk.promise])

    assert states(desk) == ["gone", "gone", "done"]
    assert status(desk) == "closed"
    with practice_scope(desk.practice):
        assert Touchpoint.objects.filter(kind="call").count() == 2
        assert not Touchpoint.objects.owing_next_step().exists()


def test_what_was_not_ticked_stays(client, desk):
    call(client, desk, reminder=desk.in_touch)

    assert states(desk) == ["gone", "open", "open"]
    assert status(desk) == "seen"


def test_call_logged_from_elsewhere_settles_them_too(client, desk):
    call(client, desk, settles=[desk.promise])

    assert states(desk) == ["gone", "open", "done"]


def test_nobody_reached_they_wait_for_the_next_try(client, desk):
    call(client, desk, reminder=desk.in_touch, settles=[desk.report], outcome="voicemail")

    assert states(desk) == ["open", "open", "open"]
    assert status(desk) == "seen"
    with practice_scope(desk.practice):
        again = Reminder.objects.get(rule="unreached_calls")
        days = {Reminder.objects.get(pk=row.pk).due_on for row in (desk.in_touch, desk.report)}
    assert days == {again.due_on} == {TODAY + timedelta(days=1)}


def test_nothing_of_others_is_settled(client, desk):
    client.force_login(desk.liaison.user)
    assert "Did the call settle this too?" not in client.get(url(desk)).content.decode()
    refused = client.post(
        url(desk), {"call_outcome": "reached", "happened_on": TODAY, "settles": [desk.report.pk]}
    )

    assert refused.status_code == 302
    assert states(desk)[1:] == ["open", "open"]


def test_liaison_is_not_asked_about_patients(client, desk):
    with practice_scope(desk.practice):
        Reminder.objects.update(member=desk.liaison)
    client.force_login(desk.liaison.user)
    shown = client.get(url(desk, desk.in_touch)).content.decode()

    assert "The next step promised." in shown
    assert "Tell Dr. Okafor what was found." not in shown


def test_manager_settles_everybodys(client, desk):
    call(client, desk, by=desk.manager, reminder=desk.in_touch, settles=[desk.report, desk.promise])

    assert states(desk) == ["gone", "gone", "done"]
