"""Signing in and out, a forgotten password, several practices, colours."""

import re

import pytest
from django.conf import settings
from django.urls import NoReverseMatch, reverse

from practices.isolation import practice_scope
from practices.models import Location, Member, OutboxEnvelope
from tests import make

pytestmark = pytest.mark.django_db
SENT = "/password/reset/sent/"


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def member(practice):
    return make.member("manager", practice, name="Mara Voss")


def sign_in(client, email: str, password: str = make.PASSWORD, **more: str):
    return client.post("/sign-in/", {"login": email, "password": password, **more})


def test_a_member_signs_in_by_e_mail_in_any_case_and_comes_home(client, member):
    answer = sign_in(client, member.user.email.upper())
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").context["member"] == member


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client, member):
    def said(answer) -> list[str]:
        return [str(error) for error in answer.context["form"].non_field_errors()]

    wrong, unknown = sign_in(client, member.user.email, "not this one"), sign_in(client, "who@example.test")
    assert said(wrong) == said(unknown) != []
    assert "sessionid" not in client.cookies


def test_after_sign_in_one_goes_where_one_wanted_to(client, member):
    wanted = client.get("/settings/members/").url
    assert wanted == "/sign-in/?next=/settings/members/"
    assert sign_in(client, member.user.email, next="/settings/members/").url == "/settings/members/"


def test_after_sign_in_nobody_is_sent_to_another_host(client, member):
    assert sign_in(client, member.user.email, next="https://elsewhere.example/").url == "/"


def test_signing_out_takes_a_press_not_a_link(client, member):
    client.force_login(member.user)
    client.get("/sign-out/")
    assert client.get("/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/").status_code == 302


def test_nobody_signs_up(client):
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert client.post("/sign-up/").status_code == 404


class TestAForgottenPassword:
    def test_is_replaced_by_a_link_from_the_outbox(self, client, member):
        assert client.post("/password/reset/", {"email": member.user.email}).url == SENT
        envelope = OutboxEnvelope.objects.get()
        assert envelope.recipient == member.user.email
        link = re.search(rf"{re.escape(settings.SITE_URL)}(/password/reset/\S+)", envelope.text)[1]
        assert link in envelope.html
        form = client.get(link).url
        new = "eleven boats at anchor"
        assert client.post(form, {"password1": new, "password2": new}).status_code == 302
        assert sign_in(client, member.user.email, new).url == "/"

    def test_answers_alike_whether_the_account_exists_or_not(self, client, member):
        known = client.post("/password/reset/", {"email": member.user.email}, follow=True)
        unknown = client.post("/password/reset/", {"email": "who@example.test"}, follow=True)
        assert known.redirect_chain == unknown.redirect_chain == [(SENT, 302)]
        assert OutboxEnvelope.objects.count() == 1

    def test_link_comes_from_the_sites_address_not_from_the_visitors_header(self, client, member, settings):
        settings.ALLOWED_HOSTS = ["*"]
        client.post("/password/reset/", {"email": member.user.email}, headers={"host": "elsewhere.example"})
        assert "elsewhere.example" not in OutboxEnvelope.objects.get().text

    def test_link_works_once(self, client, member):
        client.post("/password/reset/", {"email": member.user.email})
        link = re.search(r"/password/reset/[0-9a-z]+-\S+", OutboxEnvelope.objects.get().text)[0]
        new = "eleven boats at anchor"
        client.post(client.get(link).url, {"password1": new, "password2": new})
        assert client.get(link).status_code == 200  # the page that says so, without a form
        assert b"password1" not in client.get(link).content


class TestSeveralPractices:
    @pytest.fixture
    def second(self, member):
        second = make.practice("Lakeside Clinic")
        with practice_scope(second):
            Member.objects.create(user=member.user, role="liaison")
        return second

    def test_start_in_the_oldest_seat_and_can_be_changed(self, client, member, practice, second):
        client.force_login(member.user)
        home = client.get("/")
        assert (home.context["member"].practice, b"Lakeside Clinic" in home.content) == (practice, True)
        client.post("/practice/", {"practice": second.pk})
        assert client.get("/").context["member"].practice == second
        assert client.get("/settings/").status_code == 403  # a liaison there

    def test_do_not_open_a_practice_without_a_seat(self, client, member, second):
        other = make.practice("Elsewhere")
        client.force_login(member.user)
        for wanted in (other.pk, "x", ""):
            client.post("/practice/", {"practice": wanted})
            assert client.get("/").context["member"].practice == member.practice

    def test_of_which_one_was_left_fall_back_to_the_other(self, client, member, practice, second):
        client.force_login(member.user)
        client.post("/practice/", {"practice": second.pk})
        with practice_scope(second):
            Member.objects.filter(user=member.user).update(left_at=make.NOW)
        assert client.get("/").context["member"].practice == practice

    def test_offer_no_choice_to_who_has_one(self, client, member):
        client.force_login(member.user)
        assert b'action="/practice/"' not in client.get("/").content

    def test_void_the_forms_open_in_another_tab(self, client, member, second):
        from django.test import Client

        careful = Client(enforce_csrf_checks=True)
        careful.force_login(member.user)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', careful.get("/").content.decode())[1]
        old = {"csrfmiddlewaretoken": token}
        assert careful.post("/theme/", old).status_code == 302
        assert careful.post("/practice/", {**old, "practice": second.pk}).status_code == 302
        assert careful.post("/theme/", old).status_code == 403


class TestColours:
    @pytest.mark.parametrize("theme", ["light", "dark", "system"])
    def test_are_kept_in_the_browser(self, client, theme):
        answer = client.post("/theme/", {"theme": theme, "next": "/sign-in/"})
        assert answer.url == "/sign-in/"
        assert f'data-bs-theme="{theme}"' in client.get("/sign-in/").content.decode()

    def test_that_do_not_exist_are_not_kept(self, client):
        client.post("/theme/", {"theme": '"><script>'})
        assert "theme" not in client.cookies


class TestARequest:
    def test_that_fails_leaves_nothing_behind(self, client, member, monkeypatch):
        from practices.views import settings as views

        monkeypatch.setattr(views, "done", lambda *args, **kwargs: 1 / 0)
        client.force_login(member.user)
        client.raise_request_exception = False
        assert client.post(reverse("location_new"), {"name": "Never"}).status_code == 500
        with practice_scope(member.practice_id):
            assert not Location.objects.exists()

    def test_lives_by_the_practices_clock(self, client, member):
        from django.utils import timezone

        seen = []
        client.force_login(member.user)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "practices.views.settings.page",
                lambda *args: seen.append(timezone.get_current_timezone_name()) or 1 / 0,
            )
            client.raise_request_exception = False
            client.get("/settings/")
        assert seen == ["America/New_York"]
        assert timezone.get_current_timezone_name() == "UTC"


def test_a_link_for_a_forgotten_password_is_void_once_the_password_was_changed_or_used(client, member):
    client.post("/password/reset/", {"email": member.user.email})
    link = re.search(r"/password/reset/[0-9a-z]+-\S+", OutboxEnvelope.objects.get().text)[0]
    opened = client.get(link).url
    member.user.set_password("seven lanterns by the sea")
    member.user.save()
    new = "eleven boats at anchor"
    assert b"password1" not in client.post(opened, {"password1": new, "password2": new}).content
    member.user.refresh_from_db()
    assert member.user.check_password("seven lanterns by the sea")
