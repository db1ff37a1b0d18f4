"""Several desks, one moment: one meeting, one story, and no total that somebody did not see."""

import threading
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.models import OfficeContact
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from touchpoints.gift_ledger import preview_of
from touchpoints.meeting_people import People
from touchpoints.meetings import plan_meeting
from touchpoints.models import Gift, GiftLimit, Meeting, Touchpoint

pytestmark = pytest.mark.django_db(transaction=True)
DESKS = 5
DAY = date(2026, 11, 10)


@pytest.fixture
def practice():
    made = make.practice()
    made.liaison = make.member(Role.LIAISON, made)
    with practice_scope(made):
        GiftLimit.objects.create(year=DAY.year, amount=100, source="The test")
        made.office = make.office("Lakeside")
        made.okafor = make.provider("Okafor", at=made.office)
    return made


def post_at_once(posts, *, member):
    start, statuses = threading.Barrier(len(posts)), []

    def post(client, url, form):
        try:
            start.wait(20)
            statuses.append(client.post(url, form).status_code)
        finally:
            connection.close()

    threads = []
    for url, form in posts:
        client = Client()
        client.force_login(member.user)
        threads.append(threading.Thread(target=post, args=[client, url, form]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def form(practice, **changes):
    filled = {
        "uid": str(uuid4()), "kind": "visit", "day": DAY.isoformat(), "at": "09:30", "minutes": "45",
        "owner": practice.liaison.pk, "purpose": "How to send imaging", "office": practice.office.pk,
        "office_text": "Lakeside", "people": [f"provider-{practice.okafor.pk}"],
    }  # fmt: skip
    return {**filled, **changes}


def test_one_form_sent_many_times_is_one_meeting_and_one_newcomer(practice):
    posts = [(f"{reverse('meeting_new')}?held=1", form(practice, new_contact="Ruth Oma"))] * DESKS
    assert post_at_once(posts, member=practice.liaison) == [302] * DESKS
    with practice_scope(practice):
        assert (Meeting.objects.count(), Touchpoint.objects.count()) == (1, 1)
        assert OfficeContact.objects.get().name == "Ruth Oma"


def test_a_planned_one_told_at_many_desks_is_told_once_and_nothing_written_over(practice):
    now = timezone.now()
    at = make.NOW - timedelta(days=8)
    with practice_scope(practice):
        meeting = plan_meeting(
            people=People((practice.okafor,)), by=practice.liaison, now=now, owner=practice.liaison, kind="visit",
            starts_at=at, ends_at=at + timedelta(hours=1), purpose="Hello",
        )  # fmt: skip
    told = [form(practice, intel=f"Heard at desk {number}") for number in range(DESKS)]
    posts = [(reverse("meeting_held", args=[meeting.pk]), each) for each in told]
    assert post_at_once(posts, member=practice.liaison) == [302] + [422] * (DESKS - 1)
    with practice_scope(practice):
        assert (Touchpoint.objects.count(), Meeting.objects.get().sequence) == (1, 1)


def test_of_many_gifts_at_once_only_the_one_whose_totals_were_seen_is_recorded(practice):
    with practice_scope(practice):
        gift = Gift(nature="item", description="Atlas", amount=60, given_on=DAY)
        seen = preview_of(gift, People((practice.okafor,))).key
    gifts = [
        {
            "nature": "item", "description": f"Atlas {number}", "amount": "60", "given_on": DAY.isoformat(),
            "people": f"provider-{practice.okafor.pk}", "is_cash": "no", "is_solicited": "no", "seen": seen,
        }
        for number in range(DESKS)
    ]  # fmt: skip
    statuses = post_at_once([(reverse("gift_new"), each) for each in gifts], member=practice.liaison)
    assert statuses == [200] * (DESKS - 1) + [302]
    with practice_scope(practice):
        assert Gift.objects.count() == 1
