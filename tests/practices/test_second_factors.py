"""The second factor: set up, asked for, taken once, encrypted, lost."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from practices.encryption import encrypt
from practices.guessing import FREE
from practices.invitations import invite
from practices.isolation import practice_scope
from practices.models import Invitation, Member, OutboxEnvelope, Session
from practices.second_factors import FIELD, MfaAdapter, encrypted_anew
from tests import make

pytestmark = pytest.mark.django_db
SAID = "Too many tries in vain"


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def member(practice):
    return make.member("physician", practice)


def post_password(client: Client, user, **more: str):
    return client.post("/sign-in/", {"login": user.email, "password": make.PASSWORD, **more})


def code_of(secret: str, *, steps: int = 0) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def set_up_app(client: Client) -> str:
    """As a browser does it, the password typed again included; the app's secret."""
    client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'class="secret">(\w+)<', page)[1]
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.url == reverse("mfa_view_recovery_codes"), answer.content.decode()
    return secret


@pytest.fixture
def with_app(client, member, django_capture_on_commit_callbacks):
    """A physician whose app is set up, signed out again; the client, the secret and the recovery codes."""
    post_password(client, member.user)
    with django_capture_on_commit_callbacks(execute=True):
        secret = set_up_app(client)
    codes = re.findall(r"<code>(\d+)</code>", client.get(reverse("mfa_view_recovery_codes")).content.decode())
    client.post("/sign-out/")
    return client, secret, codes


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


class TestTheApp:
    def test_is_set_up_only_after_the_password_was_typed_again(self, client, member):
        post_password(client, member.user)
        answer = client.get(reverse("mfa_activate_totp"))
        assert answer.url.startswith(reverse("account_reauthenticate"))

    def test_is_asked_for_after_the_password_and_opens(self, with_app, member):
        client, secret, _ = with_app
        assert post_password(client, member.user, next="/referrals/").url == reverse("mfa_authenticate")
        assert not is_in(client)
        answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        assert answer.url == "/referrals/"
        assert is_in(client)

    def test_refuses_a_wrong_code(self, with_app, member):
        client, *_ = with_app
        post_password(client, member.user)
        assert (
            "Incorrect code" in client.post(reverse("mfa_authenticate"), {"code": "000000"}).content.decode()
        )
        assert not is_in(client)

    def test_takes_a_code_once_even_when_the_cache_forgot(self, with_app, member):
        from django.core.cache import cache

        _client, secret, _ = with_app
        code = code_of(secret, steps=1)
        for is_taken in (True, False):
            other = Client()
            post_password(other, member.user)
            other.post(reverse("mfa_authenticate"), {"code": code})
            assert is_in(other) == is_taken
            cache.clear()

    def test_the_code_that_set_it_up_opens_no_sign_in(self, client, member):
        post_password(client, member.user)
        with time_machine.travel(make.NOW, tick=False):
            secret = set_up_app(client)
            for steps, opens in ((0, False), (1, True)):
                other = Client()
                post_password(other, member.user)
                other.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=steps)})
                assert is_in(other) == opens

    def test_a_code_of_a_minute_ago_is_refused(self, with_app, member):
        client, secret, _ = with_app
        post_password(client, member.user)
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=-2)})
        assert not is_in(client)

    def test_guessing_is_slowed_per_account_and_remembered(self, with_app, member):
        _client, secret, _ = with_app
        for _ in range(FREE["code"]):
            other = Client()
            post_password(other, member.user)
            other.post(reverse("mfa_authenticate"), {"code": "000000"})
        other = Client()
        post_password(other, member.user)
        answer = other.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        assert SAID in answer.content.decode()
        assert not is_in(other)

    def test_may_be_taken_off_again(self, with_app, member):
        client, secret, _ = with_app
        post_password(client, member.user)
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
        client.post(reverse("mfa_deactivate_totp"))
        assert not Authenticator.objects.filter(user=member.user).exists()

    def test_each_change_is_told_by_mail(self, with_app):
        assert "An authenticator app was added to your sign-in." in OutboxEnvelope.objects.get().text


class TestRecoveryCodes:
    def test_are_shown_once(self, with_app, member):
        client, secret, codes = with_app
        assert len(codes) == 10
        post_password(client, member.user)
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
        assert not set(codes) & set(
            re.findall(r"\d{8}", client.get(reverse("mfa_view_recovery_codes")).content.decode())
        )

    def test_open_once_each(self, with_app, member):
        _, _, codes = with_app
        for is_taken in (True, False):
            client = Client()
            post_password(client, member.user)
            client.post(reverse("mfa_authenticate"), {"code": codes[0]})
            assert is_in(client) == is_taken


class TestAtRest:
    def test_neither_secret_nor_seed_can_be_read(self, with_app, member):
        _, secret, codes = with_app
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
            kept = cursor.fetchone()[0]
        assert secret not in kept
        assert not any(code in kept for code in codes)

    def test_a_secret_that_waits_for_its_first_code_can_not_be_read_either(self, client, member):
        post_password(client, member.user)
        client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
        page = client.get(reverse("mfa_activate_totp")).content.decode()
        secret = re.search(r'class="secret">(\w+)<', page)[1]
        assert secret not in str(Session.objects.get(user=member.user).get_decoded())

    def test_carries_its_keys_id_and_can_be_written_anew(self):
        adapter = MfaAdapter()
        data = {"secret": adapter.encrypt("JBSWY3DP"), "used_mask": 3}
        key_id = encrypt("x", practice_id=None, field=FIELD).partition(b":")[0].decode()
        assert data["secret"].startswith(f"{key_id}:")
        anew = encrypted_anew(data)
        assert (adapter.decrypt(anew["secret"]), anew["used_mask"]) == ("JBSWY3DP", 3)


class TestJunk:
    """What a device says comes from the visitor's hand."""

    JUNK = [
        "",
        "x",
        "[]",
        "{}",
        "null",
        "7",
        '{"id": "a"}',
        '{"id":"YQ","rawId":"YQ","response":{},"type":"public-key"}',
    ]
    JUNK += [
        f'{{"response": {{"userHandle": "{handle}"}}}}'
        for handle in ("", "YQ", "////", "999999999999999999999")
    ]
    JUNK += [
        '{"id":"YQ","rawId":"YQ","type":"public-key","clientExtensionResults":{},"response":'
        '{"clientDataJSON":"e30","authenticatorData":"YQ","signature":"YQ","userHandle":"MQ",'
        '"attestationObject":"YQ"}}',
        '{"id":1,"rawId":[],"type":{},"response":"x"}',
    ]

    @pytest.mark.parametrize("junk", JUNK)
    def test_signs_nobody_in_and_is_no_error(self, member, junk):
        client = Client(
            REMOTE_ADDR=f"2001:db8:{self.JUNK.index(junk):x}::1"
        )  # passkeys are counted by network
        client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
        assert client.post(reverse("mfa_login_webauthn"), {"credential": junk}).status_code == 302
        assert not is_in(client)
        post_password(client, member.user)
        client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
        client.get(reverse("mfa_add_webauthn"))
        assert client.post(reverse("mfa_add_webauthn"), {"credential": junk}).status_code == 200
        assert not Authenticator.objects.exists()


class TestLost:
    @pytest.fixture
    def manager(self, practice):
        return make.member("manager", practice, name="Mara Voss")

    @pytest.fixture
    def door(self, manager):
        client = Client()
        post_password(client, manager.user)
        client.post(reverse("account_reauthenticate"), {"password": make.PASSWORD})
        return client

    def test_a_manager_takes_it_off_and_the_member_is_told(self, with_app, member, door):
        theirs, secret, _ = with_app
        post_password(theirs, member.user)
        theirs.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        address = reverse("member_second_factor_reset", args=[member.pk])
        assert "Be sure who asks" in door.get(address).content.decode()
        assert door.post(address).url == reverse("members")
        assert not is_in(theirs)
        assert post_password(theirs, member.user).url == "/"
        assert "Mara Voss took the second factor off" in OutboxEnvelope.objects.latest("pk").text

    def test_a_manager_types_the_password_for_it(self, with_app, member, manager):
        client = Client()
        post_password(client, manager.user)
        answer = client.post(reverse("member_second_factor_reset", args=[member.pk]))
        assert answer.url.startswith(reverse("account_reauthenticate"))
        assert Authenticator.objects.exists()

    def test_no_manager_takes_it_off_an_account_that_opens_another_practice(self, with_app, member, door):
        elsewhere = make.practice("Elsewhere")
        with practice_scope(elsewhere):
            Member.objects.create(user=member.user, role="manager")
        answer = door.post(reverse("member_second_factor_reset", args=[member.pk]))
        assert answer.status_code == 403
        assert "the operator of this installation" in answer.content.decode()
        assert Authenticator.objects.exists()

    def test_the_operator_takes_it_off_by_command(self, with_app, member, capsys):
        call_command("reset_second_factor", member.user.email.upper())
        assert "Done" in capsys.readouterr().out
        assert not Authenticator.objects.exists()
        call_command("reset_second_factor", member.user.email)
        assert "There was no second factor" in capsys.readouterr().out
        with pytest.raises(CommandError):
            call_command("reset_second_factor", "nobody@example.test")


class TestOtherWaysIn:
    def test_an_invitation_asks_for_it_too(self, with_app, member):
        manager = make.member("manager", make.practice("Elsewhere"))
        with practice_scope(manager.practice_id):
            invitation = Invitation(email=member.user.email, name="Ida", role="liaison")
            link = invite(invitation, by=manager, now=timezone.now())
        client = Client()
        answer = client.post(link[link.index("/invitation/") :], {"password": make.PASSWORD})
        assert answer.url == reverse("mfa_authenticate")
        assert not is_in(client)

    def test_a_new_password_by_a_link_does_not_open_without_it(self, with_app, member):
        client = Client()
        client.post("/password/reset/", {"email": member.user.email})
        link = re.search(r"/password/reset/\S+", OutboxEnvelope.objects.latest("pk").text)[0]
        new = "eleven boats at anchor"
        client.post(client.get(link).url, {"password1": new, "password2": new})
        assert client.post("/sign-in/", {"login": member.user.email, "password": new}).url == reverse(
            "mfa_authenticate"
        )
        assert not is_in(client)

    def test_a_stage_left_half_way_is_over_after_a_quarter_of_an_hour(self, with_app, member):
        client, secret, _ = with_app
        post_password(client, member.user)
        with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=30)):
            client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
            assert not is_in(client)

    def test_who_leaves_half_way_through_comes_out_before_a_closed_seat(self, with_app, practice, member):
        from practices.members import leave

        make.member("manager", practice)
        client, secret, _ = with_app
        post_password(client, member.user)
        with practice_scope(practice):
            leave(Member.objects.get(pk=member.pk), now=timezone.now())
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret, steps=1)})
        assert client.get("/").status_code == 403


def test_demo_sign_ins_need_none(client, settings):
    settings.DEMO = True
    practice = make.practice(second_factor_from="2026-01-01")
    client.force_login(make.member("manager", practice, email="manager@demo.example").user)
    assert is_in(client)


def test_who_sets_one_up_after_the_day_is_let_in(client):
    member = make.member("liaison", make.practice(second_factor_from="2026-01-01"))
    assert post_password(client, member.user).url == "/"
    assert client.get("/").url == reverse("mfa_index")
    assert "Your practice asks for a second factor" in client.get(reverse("mfa_index")).content.decode()
    set_up_app(client)
    assert is_in(client)


def test_a_manager_sees_who_has_none_and_sets_the_rules(client, practice, member):
    manager = make.member("manager", practice)
    client.force_login(manager.user)
    address = reverse("sign_in_rules")
    assert member.user.name in client.get(address).content.decode()
    assert client.post(address, {"idle_minutes": "4"}).status_code == 422
    assert client.post(address, {"idle_minutes": "61"}).status_code == 422
    assert client.post(address, {"idle_minutes": "5", "second_factor_from": "2099-01-04"}).status_code == 302
    practice.refresh_from_db()
    assert (practice.idle_minutes, str(practice.second_factor_from)) == (5, "2099-01-04")


def test_unwanted_addresses_of_allauth_stay_closed(client):
    for path in (
        "signup",
        "sign-up",
        "email",
        "accounts/email",
        "accounts/signup",
        "2fa",
        "your-sign-in/trust",
    ):
        assert client.get(f"/{path}/").status_code == 404
    assert get_account_adapter().is_open_for_signup(None) is False
