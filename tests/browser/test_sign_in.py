"""The door as people meet it: an app, a passkey, a recovery code, and being signed out over a half-typed form."""

import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.utils import timezone
from playwright.sync_api import Page, expect

from practices.models import Session
from tests import make
from tests.browser.conftest import axe_violations

CODE = "One more thing"


@pytest.fixture
def member(site):
    return make.member("coordinator", make.practice(), name="Ida Holt")


@pytest.fixture(params=[1280, 360])
def page(request, new_page) -> Page:
    return new_page(width=request.param)


def sign_in(site, page: Page, member) -> None:
    page.goto(site.url + "/sign-in/")
    page.get_by_label("Email").fill(member.user.email)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(site, page: Page) -> None:
    page.goto(site.url + "/sign-out/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in/"))


def prove(page: Page) -> None:
    """Type the password once more."""
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Go on").click()


def is_well(page: Page) -> None:
    """Nothing for axe in either theme, nothing cut off."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert axe_violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def code_of(secret: str, *, steps: int = 0) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


def test_an_app_is_set_up_and_opens_and_a_recovery_code_does(site, page, member):
    sign_in(site, page, member)
    page.goto(site.url + "/your-sign-in/")
    is_well(page)
    page.get_by_role("link", name="Set up the app").click()
    is_well(page)
    prove(page)
    is_well(page)
    secret = page.locator(".secret").inner_text()
    page.get_by_label("The code it shows").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    is_well(page)
    codes = page.locator(".codes code").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    is_well(page)
    for code in (code_of(secret, steps=1), codes[0]):
        sign_out(site, page)
        sign_in(site, page, member)
        expect(page.get_by_role("heading", name=CODE)).to_be_visible()
        is_well(page)
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text(CODE)
        expect(page).to_have_url(site.url + "/")


def test_a_passkey_is_added_and_opens_with_and_without_the_password(site, page, member):
    site.url = site.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name, not to a number
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sign_in(site, page, member)
    page.goto(site.url + "/your-sign-in/passkeys/new/")
    prove(page)
    is_well(page)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert Authenticator.objects.filter(user=member.user, type="webauthn").count() == 1
    page.goto(site.url + "/your-sign-in/")
    is_well(page)

    sign_out(site, page)
    sign_in(site, page, member)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(site.url + "/")

    sign_out(site, page)
    page.goto(site.url + "/sign-in/?next=/providers/")
    is_well(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(site.url + "/providers/")


def passed(**ago: float) -> None:
    Session.objects.update(active_at=timezone.now() - timedelta(**ago))


def test_idle_is_warned_of_then_signed_out_and_the_typed_form_comes_back(site, page, member):
    page.clock.install()
    sign_in(site, page, member)
    page.goto(site.url + "/referrals/new/")
    reason = page.get_by_label(re.compile("Reason"))
    reason.fill("Palpitations at rest")
    expect(page.get_by_text("Draft kept")).to_be_visible()

    passed(minutes=14, seconds=30)
    page.clock.fast_forward("14:05")
    warning = page.get_by_role("heading", name="Are you still there?")
    expect(warning).to_be_visible()
    is_well(page)
    page.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()
    assert Session.objects.get(user=member.user).active_at > timezone.now() - timedelta(minutes=1)

    passed(minutes=16)
    page.clock.fast_forward("14:05")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=%2Freferrals%2Fnew%2F"))
    page.get_by_label("Email").fill(member.user.email)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("We kept what you typed")).to_be_visible()
    expect(reason).to_have_value("Palpitations at rest")


def test_what_is_no_draft_waits_out_of_sight_until_its_author_is_back(site, page, member):
    page.clock.install()
    sign_in(site, page, member)
    page.goto(site.url + "/offices/new/")
    name = page.get_by_label("Name", exact=False).first
    name.fill("Lakeside Family Medicine")
    passed(minutes=16)
    page.clock.fast_forward("14:05")
    expect(page.get_by_role("heading", name="You were signed out")).to_be_visible()
    is_well(page)

    other = page.context.new_page()
    sign_in(site, other, member)
    expect(other).to_have_url(site.url + "/")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("heading", name="You were signed out")).to_be_hidden()
    expect(name).to_have_value("Lakeside Family Medicine")
    page.locator("main form").get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Lakeside Family Medicine").first).to_be_visible()
    assert "403" not in page.title()
