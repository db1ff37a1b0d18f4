from datetime import timedelta

import pytest
import time_machine
from django.http import QueryDict

from practices.drafts import KEPT_FOR, keep_draft
from practices.forgetting import (
    MAIL_KEPT_FOR,
    SESSION_KEPT_FOR,
    forget_old_drafts,
    forget_what_is_over,
)
from practices.invitations import invite, live_token
from practices.isolation import practice_scope
from practices.models import Draft, Invitation, LinkToken, OutboxEnvelope, Session
from practices.outbox import queue_mail
from tests import make

pytestmark = pytest.mark.django_db
NOW = make.NOW
A_MOMENT = timedelta(minutes=1)


def test_a_draft_is_deleted_after_a_week_and_no_sooner():
    practice = make.practice()
    member = make.member("coordinator", practice)
    with time_machine.travel(NOW, tick=False), practice_scope(practice):
        keep_draft(member, form="referral", data=QueryDict("reason=pain"))
        forget_old_drafts(now=NOW + KEPT_FOR)
        assert Draft.objects.exists()
        forget_old_drafts(now=NOW + KEPT_FOR + A_MOMENT)
        assert not Draft.objects.exists()


def test_a_session_is_kept_a_day_after_its_end():
    Session.objects.create(session_key="k", session_data="", expire_date=NOW)
    forget_what_is_over(now=NOW + SESSION_KEPT_FOR)
    assert Session.objects.exists()
    forget_what_is_over(now=NOW + SESSION_KEPT_FOR + A_MOMENT)
    assert not Session.objects.exists()


def test_an_expired_link_is_forgotten_and_its_invitation_stays_to_be_sent_again():
    practice = make.practice()
    manager = make.member("manager", practice)
    with practice_scope(practice):
        invitation = Invitation(email="nia@example.test", name="Nia", role="liaison")
        token = invite(invitation, by=manager, now=NOW).strip("/").rpartition("/")[2]
    forget_what_is_over(now=NOW + Invitation.LIFETIME - A_MOMENT)
    assert live_token(token, now=NOW)
    forget_what_is_over(now=NOW + Invitation.LIFETIME + A_MOMENT)
    assert not LinkToken.objects.exists()
    with practice_scope(practice):
        assert Invitation.objects.open().exists()


def test_sent_mail_leaves_the_page_after_three_months_and_what_failed_stays():
    for state, sent_at in (("sent", NOW), ("failed", None), ("waiting", None)):
        envelope = queue_mail(to="ida@example.test", subject="s", text="t", now=NOW)
        OutboxEnvelope.objects.filter(pk=envelope.pk).update(state=state, sent_at=sent_at)
    forget_what_is_over(now=NOW + MAIL_KEPT_FOR + A_MOMENT)
    assert set(OutboxEnvelope.objects.values_list("state", flat=True)) == {"failed", "waiting"}


def test_a_digest_that_never_came_leaves_the_page_after_three_months():
    for state in ("failed", "outdated", "waiting"):
        envelope = queue_mail(to="ida@example.test", subject="s", text="t", now=NOW, useful_until=NOW)
        OutboxEnvelope.objects.filter(pk=envelope.pk).update(state=state)
    forget_what_is_over(now=NOW + MAIL_KEPT_FOR)
    assert OutboxEnvelope.objects.count() == 3
    forget_what_is_over(now=NOW + MAIL_KEPT_FOR + A_MOMENT)
    assert OutboxEnvelope.objects.get().state == "waiting"
