"""Several desks tell one referrer at the same moment: each patient's report is said once, and nobody waits for ever."""

import threading

import pytest
from django.db import connection
from django.test import Client

from contacts.models import Referral, ReferralStep
from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from touchpoints.models import Reminder, Touchpoint
from touchpoints.reminders import remind

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_report_is_said_once_and_one_call_is_logged():
    practice = make.practice()
    coordinator = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        okafor = make.provider("Okafor")
        rows = [make.referral(coordinator, provider=okafor) for _ in range(3)]
        for row in rows:
            move(row, to="seen", by=coordinator, now=make.NOW, seen_on=row.received_on)
        remind(now=make.NOW, only=("report_backs",))
    keys = [row.pk for row in rows]
    forms = [{"referral": keys, "call_outcome": "reached", "note": "all well"}] * 3
    forms += [{"referral": keys[::-1], "note_channel": "fax", "call_outcome": "reached"}] * 2
    start, statuses = threading.Barrier(len(forms)), []

    def post(client, form):
        try:
            start.wait(20)
            statuses.append(client.post("/report-back/tell/", form).status_code)
        finally:
            connection.close()

    threads = []
    for form in forms:
        client = Client()
        client.force_login(coordinator.user)
        threads.append(threading.Thread(target=post, args=[client, form]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * len(forms)
    with practice_scope(practice):
        assert set(Referral.objects.values_list("status", flat=True)) == {"closed"}
        assert ReferralStep.objects.filter(act="reported_back").count() == 3
        assert Touchpoint.objects.standing().count() == 1
        assert not Reminder.objects.open().filter(rule="report_backs").exists()
