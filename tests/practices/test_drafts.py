"""What was typed and not saved is kept for who typed it, through a reload and an expired session."""

from datetime import timedelta

import pytest
import time_machine
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from practices.drafts import KEPT_FOR, LIMIT, draft_of, drop_draft, is_draft_form, keep_draft, keeps_draft
from practices.isolation import practice_scope
from practices.models import Draft, Session
from tests import make

pytestmark = pytest.mark.django_db

FORM = "a-form-of-the-tests"
keeps_draft(FORM)
KEEP, DISCARD = f"/drafts/{FORM}/", f"/drafts/{FORM}/discard/"


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def member(practice):
    return make.member("coordinator", practice)


@pytest.fixture
def signed_in(client, member):
    client.force_login(member.user)
    return client


def typed(member) -> QueryDict | None:
    with practice_scope(member.practice_id):
        return draft_of(member, form=FORM)


def test_a_draft_comes_back_as_it_was_typed(signed_in, member):
    answer = signed_in.post(KEEP, {"reason": "chest pain", "office": ["1", "2"], "csrfmiddlewaretoken": "x"})
    assert answer.status_code == 204
    kept = typed(member)
    assert (kept["reason"], kept.getlist("office")) == ("chest pain", ["1", "2"])
    assert "csrfmiddlewaretoken" not in kept


def test_a_later_draft_replaces_the_earlier(signed_in, member, practice):
    signed_in.post(KEEP, {"reason": "chest"})
    signed_in.post(KEEP, {"reason": "chest pain"})
    assert typed(member)["reason"] == "chest pain"
    with practice_scope(practice):
        assert Draft.objects.count() == 1


def test_a_draft_is_its_members_alone(signed_in, practice):
    signed_in.post(KEEP, {"reason": "chest pain"})
    assert typed(make.member("coordinator", practice)) is None


def test_a_discarded_draft_is_gone(signed_in, member):
    signed_in.post(KEEP, {"reason": "chest pain"})
    assert signed_in.post(DISCARD).status_code == 204
    assert typed(member) is None


def test_discarding_by_a_form_steps_back_to_its_page(signed_in):
    assert signed_in.post(DISCARD, {"next": "/referrals/new/"}).url == "/referrals/new/"
    assert signed_in.post(DISCARD, {"next": "https://elsewhere.example/"}).url == "/"


@pytest.mark.parametrize("address", [KEEP, DISCARD])
def test_a_script_of_somebody_signed_out_is_told_so(client, address):
    assert client.post(address, {"reason": "chest pain"}).status_code == 401


def test_an_unknown_form_keeps_nothing(signed_in, practice):
    assert not is_draft_form("unknown")
    assert signed_in.post("/drafts/unknown/", {"reason": "x"}).status_code == 404
    with practice_scope(practice):
        assert not Draft.objects.exists()


def test_too_much_to_keep_leaves_the_earlier_draft(signed_in, member):
    signed_in.post(KEEP, {"reason": "chest pain"})
    assert signed_in.post(KEEP, {"reason": "x" * LIMIT}).status_code == 413
    assert typed(member)["reason"] == "chest pain"


def test_a_draft_is_forgotten_after_a_week(member, practice):
    with practice_scope(practice):
        keep_draft(member, form=FORM, data=QueryDict("reason=pain"))
    with time_machine.travel(timezone.now() + KEPT_FOR + timedelta(minutes=1)):
        assert typed(member) is None


def test_what_is_kept_is_ciphertext_in_the_database(member, practice):
    from django.db import connection

    with practice_scope(practice):
        keep_draft(member, form=FORM, data=QueryDict("patient=Zebrowski"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT practices_draft::text FROM practices_draft")
            assert b"Zebrowski".hex() not in cursor.fetchone()[0]
        drop_draft(member, form=FORM)
        assert not Draft.objects.exists()


class TestAnExpiredSession:
    """The referral form, posted after the session's end, is kept before sign-in is asked for."""

    @pytest.fixture
    def address(self) -> str:
        return reverse("referral_new")

    @pytest.fixture
    def expired(self, signed_in):
        Session.objects.update(expire_date=timezone.now() - timedelta(hours=1))
        return signed_in

    def test_keeps_the_post_for_its_member(self, expired, member, address):
        answer = expired.post(address, {"patient_family_name": "Testperson"})
        assert answer.url.startswith(reverse("account_login"))
        with practice_scope(member.practice_id):
            assert draft_of(member, form="referral")["patient_family_name"] == "Testperson"

    def test_keeps_nothing_for_somebody_else(self, expired, practice, member, address):
        other = make.member("coordinator", practice)
        expired.post(address, {"patient_family_name": "Testperson"})
        with practice_scope(practice):
            assert draft_of(other, form="referral") is None

    def test_of_who_has_left_keeps_nothing(self, expired, member, practice, address):
        with practice_scope(practice):
            member.left_at = timezone.now()
            member.save()
        expired.post(address, {"patient_family_name": "Testperson"})
        with practice_scope(practice):
            assert not Draft.objects.exists()

    def test_without_a_session_keeps_nothing(self, client, practice, address):
        client.cookies["sessionid"] = "made-up"
        assert client.post(address, {"patient_family_name": "Testperson"}).status_code == 302
        with practice_scope(practice):
            assert not Draft.objects.exists()
