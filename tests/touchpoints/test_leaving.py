"""Who leaves hands over what is not done, in the act of leaving."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from practices.isolation import practice_scope
from practices.models import Member
from practices.roles import Role
from tests import make
from touchpoints.feedback_answers import take_down
from touchpoints.meeting_people import People
from touchpoints.meetings import plan_meeting
from touchpoints.models import FeedbackIssue, Meeting, Reminder, Touchpoint
from touchpoints.touchpoint_log import log_call

NOW = make.NOW
TODAY = date(2026, 11, 18)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk(sending, client):
    """The liaison owns an issue, a meeting to come, a promise and the reminders of them; so does the manager."""
    with practice_scope(sending.practice):
        for owner in (sending.liaison, sending.manager):
            said = {
                "scheduling": None,
                "communication": None,
                "care": None,
                "words": "",
                "is_complaint": True,
            }
            given = take_down(
                provider=sending.provider, source="call", given_on=TODAY, overall=3, physician_id=None,
                by=owner, now=NOW, **said,
            )  # fmt: skip
            FeedbackIssue.objects.filter(feedback=given).update(owner=owner)
            Reminder.objects.filter(cause__contains=f" {given.issues.get().pk}").update(member=owner)
            plan_meeting(
                people=People((sending.provider,)), by=owner, now=NOW, owner=owner, office=sending.office,
                kind="lunch", starts_at=NOW + 48 * HOUR, ends_at=NOW + 49 * HOUR, purpose="Say hello",
            )  # fmt: skip
            log_call(
                outcome="reached", by=owner, now=NOW, provider=sending.provider, note="x",
                next_step="Send the form", next_step_on=TODAY, next_step_owner=None,
            )  # fmt: skip
    client.force_login(sending.manager.user)
    return sending


def owners(desk):
    with practice_scope(desk.practice):
        return [
            set(FeedbackIssue.objects.values_list("owner", flat=True)),
            set(Meeting.objects.values_list("owner", flat=True)),
            {
                row.next_step_owner_id or row.member_id
                for row in Touchpoint.objects.exclude(next_step_on=None)
            },
            set(Reminder.objects.open().values_list("member", flat=True)),
        ]


def leaves(client, desk, **said):
    return client.post(reverse("member_leave", args=[desk.liaison.pk]), said)


def has_left(desk):
    with practice_scope(desk.practice):
        return Member.objects.get(pk=desk.liaison.pk).left_at is not None


def test_what_is_left_is_shown_first_and_handed_over_in_the_same_act(client, desk):
    page = " ".join(leaves(client, desk).content.decode().split())
    for words in ("Open issues", "Planned meetings", "Promised next steps", "Open reminders"):
        assert words in page
    assert not has_left(desk)
    assert leaves(client, desk, is_asked="1", to=desk.manager.pk).url == reverse("members")
    assert has_left(desk)
    assert owners(desk) == [{desk.manager.pk}] * 4
    with practice_scope(desk.practice):
        assert set(Touchpoint.objects.values_list("member", flat=True)) == {desk.liaison.pk, desk.manager.pk}


def test_left_under_the_name_it_can_still_be_found_by_it(client, desk):
    leaves(client, desk, is_asked="1", to="")
    assert has_left(desk)
    assert owners(desk) == [{desk.manager.pk, desk.liaison.pk}] * 4
    page = client.get(reverse("reminders"), {"member": desk.liaison.pk})
    assert (desk.liaison.name, desk.liaison.pk) in page.context["members"]
    assert f'<option value="{desk.liaison.pk}" selected>' in " ".join(page.content.decode().split())


def test_nothing_is_handed_to_who_left_to_oneself_or_to_a_stranger(client, desk):
    stranger = make.member(Role.MANAGER, make.practice("Elsewhere"))
    for to in (desk.liaison.pk, stranger.pk, "x"):
        assert leaves(client, desk, is_asked="1", to=to).status_code == 422
    assert not has_left(desk)
