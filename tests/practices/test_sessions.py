"""A session: whose, since when, used when; ended idle, too old, elsewhere, by a manager, by a new password."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from practices.drafts import draft_of
from practices.isolation import practice_scope
from practices.models import Draft, Member, OutboxEnvelope, Session
from tests import make

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def member(practice):
    return make.member("coordinator", practice)


def signed_in(user, **headers) -> Client:
    client = Client(**headers)
    assert client.post("/sign-in/", {"login": user.email, "password": make.PASSWORD}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def passed(**ago: float) -> None:
    """So much time since somebody did something."""
    Session.objects.update(active_at=timezone.now() - timedelta(**ago))


class TestIdle:
    def test_ends_it_on_the_server_after_the_practices_minutes(self, client, member):
        client.force_login(member.user)
        passed(minutes=14, seconds=50)
        assert is_in(client)
        passed(minutes=15, seconds=1)
        assert not is_in(client)
        assert not is_in(client)

    def test_minutes_are_the_practices_choice(self, client, practice, member):
        practice.idle_minutes = 5
        practice.save()
        client.force_login(member.user)
        passed(minutes=5, seconds=1)
        assert not is_in(client)

    def test_a_page_is_activity_and_a_poll_is_none(self, client, member):
        client.force_login(member.user)
        for address, is_noted in ((reverse("session_left"), False), ("/", True)):
            passed(minutes=10)
            before = Session.objects.get().active_at
            assert client.get(address).status_code == 200
            assert (Session.objects.get().active_at > before) == is_noted

    def test_the_import_that_asks_by_itself_is_a_poll(self):
        from exchange.views import import_page

        assert import_page.is_polled

    def test_every_address_that_a_page_asks_by_itself_is_a_poll(self):
        """Read from the templates: what repeats names a view that says so."""
        import re
        from pathlib import Path

        from tests.test_access import ROUTES

        asked = set()
        for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
            for tag in re.findall(r"<[^<]*hx-trigger=[\"'][^\"']*every[^>]*", path.read_text()):
                asked |= set(re.findall(r"\{% url '(\w+)'", tag))
        assert asked
        assert [name for name in asked if not getattr(ROUTES[name].view, "is_polled", False)] == []

    def test_a_member_who_says_so_stays(self, client, member):
        client.force_login(member.user)
        passed(minutes=14, seconds=30)
        assert client.get("/session/left/").json()["seconds"] in range(20, 31)
        assert client.post("/session/stay/").json()["seconds"] in range(890, 901)

    def test_tells_a_script_that_it_is_over(self, client, member):
        client.force_login(member.user)
        passed(minutes=16)
        assert (client.get("/session/left/").status_code, client.post("/session/stay/").status_code) == (
            401,
            401,
        )

    def test_a_form_posted_after_it_is_kept_and_offered_after_signing_in(self, client, practice, member):
        client.force_login(member.user)
        passed(minutes=16)
        client.get("/session/left/")  # the page asked by itself, and the browser keeps what it knows
        address = reverse("referral_new")
        answer = client.post(address, {"patient_family_name": "Testperson"}, headers={"HX-Request": "true"})
        assert answer.url == f"{reverse('account_login')}?next={address}"
        with practice_scope(practice):
            assert draft_of(member, form="referral")["patient_family_name"] == "Testperson"
        back = client.post(
            "/sign-in/", {"login": member.user.email, "password": make.PASSWORD, "next": address}, follow=True
        )
        assert "Testperson" in back.content.decode()
        assert "We kept what you typed" in back.content.decode()

    @pytest.mark.parametrize(
        ("page", "wanted"),
        [
            ("http://testserver/reminders/?part=today", "/reminders/%3Fpart%3Dtoday"),
            ("http://elsewhere.example/x/", "/reminders/1/done/"),
            ("", "/reminders/1/done/"),
        ],
    )
    def test_leads_back_to_the_page_that_a_button_stood_on(self, client, page, wanted):
        answer = client.post("/reminders/1/done/", headers={"Referer": page})
        assert answer.url == f"/sign-in/?next={wanted}"

    def test_what_nothing_keeps_has_to_be_sent_again_and_a_page_says_so(self, client, member):
        client.force_login(member.user)
        passed(minutes=16)
        asked = client.post(reverse("switch_practice"), {"practice": member.practice_id})
        data = {"login": member.user.email, "password": make.PASSWORD, "next": reverse("switch_practice")}
        assert asked.url == f"{reverse('account_login')}?next={data['next']}"

        landed = client.post("/sign-in/", data, follow=True)

        assert (landed.status_code, landed["Allow"]) == (405, "POST")
        assert "There is no page at this address" in landed.content.decode()
        assert "Please send it again" in landed.content.decode()
        assert "Please send it again" not in client.get("/").content.decode()

    def test_what_is_kept_need_not_be_sent_again(self, client, member):
        client.force_login(member.user)
        passed(minutes=16)
        client.post(reverse("referral_new"), {"patient_family_name": "Testperson"})
        data = {"login": member.user.email, "password": make.PASSWORD}
        assert "Please send it again" not in client.post("/sign-in/", data, follow=True).content.decode()

    def test_what_was_ended_by_hand_keeps_nothing(self, client, practice, member):
        client.force_login(member.user)
        Session.objects.all().delete()
        client.post(reverse("referral_new"), {"patient_family_name": "Testperson"})
        with practice_scope(practice):
            assert not Draft.objects.exists()


class TestTheLongest:
    def test_is_counted_from_the_sign_in_whatever_is_done(self, client, member):
        client.force_login(member.user)
        started = timezone.now()
        for hours in range(1, 12):
            with time_machine.travel(started + timedelta(hours=hours)):
                Session.objects.update(active_at=timezone.now())
                client.post("/practice/", {"practice": member.practice_id})  # writes into the session
                assert is_in(client)
        with time_machine.travel(started + timedelta(hours=12, minutes=1)):
            Session.objects.update(active_at=timezone.now())
            assert not is_in(client)

    def test_cookie_goes_with_the_browser(self, member):
        assert signed_in(member.user).cookies["sessionid"]["max-age"] == ""


class TestSigningIn:
    def test_makes_another_session_than_the_one_that_was_offered(self, member):
        """What somebody else put into the browser before is worth nothing after (session fixation)."""
        client = Client()
        client.post("/password/reset/", {"email": "x"})
        client.get("/sign-in/")
        session = client.session
        session["mine"] = 1
        session.save()
        client.cookies["sessionid"] = session.session_key
        client.post("/sign-in/", {"login": member.user.email, "password": make.PASSWORD})
        assert client.cookies["sessionid"].value != session.session_key
        assert not Session.objects.filter(session_key=session.session_key).exists()

    def test_a_made_up_key_is_never_taken_over(self, member):
        client = Client()
        client.cookies["sessionid"] = "a" * 32
        client.post("/sign-in/", {"login": member.user.email, "password": make.PASSWORD})
        assert Session.objects.get().session_key != "a" * 32

    @pytest.mark.parametrize(
        "wanted",
        ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:1"],
    )
    def test_leads_to_no_other_host(self, client, member, wanted):
        answer = client.post(
            "/sign-in/", {"login": member.user.email, "password": make.PASSWORD, "next": wanted}
        )
        assert answer.url == "/"


class TestTheList:
    def test_shows_browser_address_and_last_use_and_no_key(self, member):
        client = signed_in(member.user, HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="203.0.113.5")
        page = client.get("/your-sign-in/").content.decode()
        assert "Firefox on Windows" in page
        assert "203.0.113.5" in page
        assert Session.objects.get().session_key not in page

    def test_ends_one_and_leaves_the_others(self, member):
        here, there, third = (signed_in(member.user) for _ in range(3))
        from practices.views.your_sign_in import _handle_of

        handle = _handle_of(Session.objects.get(session_key=there.cookies["sessionid"].value))
        assert handle in here.get("/your-sign-in/").content.decode()
        here.post(f"/your-sign-in/sessions/{handle}/end/")
        assert [is_in(client) for client in (here, there, third)] == [True, False, True]

    def test_ends_all_others(self, member):
        here, there, third = (signed_in(member.user) for _ in range(3))
        here.post("/your-sign-in/sessions/end-others/")
        assert [is_in(client) for client in (here, there, third)] == [True, False, False]

    def test_ends_nobody_elses(self, practice, member):
        other = signed_in(make.member("liaison", practice).user)
        from practices.views.your_sign_in import _handle_of

        handle = _handle_of(Session.objects.get())
        here = signed_in(member.user)
        assert here.post(f"/your-sign-in/sessions/{handle}/end/").status_code == 404
        assert is_in(other)

    def test_asks_as_many_questions_with_more_sessions(self, member):
        client, counts = signed_in(member.user), []
        for more in (0, 3):
            for _ in range(more):
                signed_in(member.user)
            with CaptureQueriesContext(connection) as asked:
                client.get("/your-sign-in/")
            counts.append(len(asked))
        assert counts == [counts[0]] * 2
        assert counts[0] <= 12


class TestAnotherHand:
    def test_a_manager_signs_a_member_out_everywhere(self, practice, member):
        manager = signed_in(make.member("manager", practice).user)
        theirs = signed_in(member.user)
        manager.post(reverse("member_sign_out", args=[member.pk]))
        assert (is_in(theirs), is_in(manager)) == (False, True)

    def test_a_new_password_ends_the_others_and_is_told(self, member):
        here, there = signed_in(member.user), signed_in(member.user)
        new = "eleven boats at anchor"
        here.post("/password/change/", {"oldpassword": make.PASSWORD, "password1": new, "password2": new})
        assert (is_in(here), is_in(there)) == (True, False)
        assert Session.objects.filter(user=member.user).count() == 1
        assert "Your password was changed." in OutboxEnvelope.objects.get().text

    def test_a_new_password_by_a_link_ends_them_all(self, member, client):
        there = signed_in(member.user)
        client.post("/password/reset/", {"email": member.user.email})
        link = OutboxEnvelope.objects.get().text.split("/password/reset/")[1].split()[0]
        new = "eleven boats at anchor"
        form = client.get(f"/password/reset/{link}").url
        assert client.post(form, {"password1": new, "password2": new}).status_code == 302
        assert not is_in(there)

    def test_who_leaves_is_out_everywhere_by_every_way(self, practice, member):
        from practices.members import leave

        make.member("manager", practice)
        clients = [signed_in(member.user) for _ in range(2)]
        with practice_scope(practice):
            leave(Member.objects.get(pk=member.pk), now=timezone.now())
        assert [is_in(client) for client in clients] == [False, False]
        assert not Session.objects.filter(user=member.user).exists()
        assert signed_in(member.user).get("/").status_code == 403
