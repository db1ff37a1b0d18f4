"""A call from start to end: in three taps by thumb, by keyboard from anywhere, and without scripting."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import Reminder, Touchpoint

PHONE = {"width": 360, "has_touch": True, "is_mobile": True}


@pytest.fixture
def desk(site):
    now = timezone.now()
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, today=practice.today(now), **people)
    with practice_scope(practice):
        desk.office = make.office("Lakeside", phone="555-0100")
        desk.provider = make.provider("Okafor", at=desk.office, phone="555-0142")
        desk.referral = make.referral(
            desk.coordinator,
            provider=desk.provider,
            physician=desk.physician,
            received_on=desk.today - timedelta(days=3),
            now=now,
        )
        move(desk.referral, to="seen", seen_on=desk.today - timedelta(days=1), by=desk.physician, now=now)
    return desk


def calls(desk):
    with practice_scope(desk.practice):
        return list(Touchpoint.objects.standing().order_by("pk"))


def rules(desk):
    with practice_scope(desk.practice):
        return list(Reminder.objects.open().order_by("pk").values_list("rule", flat=True))


def test_unreached_call_takes_three_taps_and_comes_back_until_they_are_reached(site, new_page, desk):
    page = new_page(**PHONE)
    site.sign_in(page, desk.physician)
    page.goto(f"{site.url}/providers/{desk.provider.pk}/")

    page.get_by_role("link", name="Log a call", exact=True).tap()
    page.get_by_text("No answer").tap()
    page.get_by_role("button", name="Save").tap()

    expect(page.locator("#messages")).to_contain_text("Logged: Amara Okafor, MD.")
    expect(page.locator(".timeline")).to_contain_text("No answer")
    assert rules(desk) == ["unreached_calls"]

    page.goto(site.url + "/reminders/")
    expect(page.locator("main")).to_contain_text("Call Dr. Okafor again")
    page.get_by_role("link", name="Log a call", exact=True).tap()
    page.get_by_label("Reached", exact=True).tap()
    page.get_by_role("button", name="Save").tap()
    expect(page.locator("main")).to_contain_text("Nothing is due")
    assert [call.call_outcome for call in calls(desk)] == ["no_answer", "reached"]


def test_call_about_a_patient_reports_back_and_what_was_promised_comes_back(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(f"{site.url}/referrals/{desk.referral.pk}/")

    page.keyboard.press("t")
    page.wait_for_url(re.compile(r"/touchpoints/new/\?referral="))
    page.keyboard.press("c")
    page.wait_for_url(re.compile(r"kind=call"))
    expect(page.get_by_role("link", name="555-0142")).to_have_attribute("href", "tel:555-0142")
    page.get_by_label("Reached", exact=True).check()
    page.get_by_label("What was said").fill("Doing well, asked about the dose")
    page.get_by_label("Thanks were given").check()
    page.get_by_label("The patient's outcome was told").check()
    page.get_by_text("Promise a next step").click()
    page.get_by_label("Next step").fill("Send the dosing sheet")
    page.get_by_label("By", exact=True).fill((desk.today + timedelta(days=2)).isoformat())
    page.keyboard.press("Control+Enter")

    expect(page.locator("#messages")).to_contain_text("Logged: Amara Okafor, MD.")
    (call,) = calls(desk)
    with practice_scope(desk.practice):
        desk.referral.refresh_from_db()
    assert (desk.referral.status, call.is_thanks, call.next_step) == ("closed", True, "Send the dosing sheet")
    assert rules(desk) == ["promised_next_steps"]

    page.goto(site.url + "/reminders/")
    page.get_by_role("link", name="The next step promised to Dr. Okafor").click()
    expect(page.locator("main")).to_contain_text("Send the dosing sheet")
    page.get_by_role("button", name="The next step is done").click()
    expect(page.locator(".badge-status", has_text="Next step done")).to_be_visible()
    assert rules(desk) == []


def test_without_scripting_a_call_is_logged_corrected_and_withdrawn(site, new_page, desk):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.liaison)
    page.goto(site.url + "/")
    page.get_by_role("link", name="Log a call, a card or a meeting").click()
    page.get_by_role("link", name="A phone call").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Say how the call went.")
    page.get_by_label("Whom?").fill("okafor")
    page.get_by_label("Voicemail").check()
    page.get_by_role("button", name="Save").click()

    page.get_by_role("link", name="Phone call, by Liaison One").click()
    page.get_by_role("link", name="Correct").click()
    page.get_by_label("Reached", exact=True).check()
    page.get_by_label("Why is it corrected?").fill("They called back at once")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("They called back at once")
    expect(page.locator("main")).to_contain_text("Voicemail")

    page.get_by_text("Withdraw it: it was logged in error").click()
    page.get_by_label("Why?").fill("It was another Dr. Okafor")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("main")).to_contain_text("It was another Dr. Okafor")
    assert calls(desk) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.physician)
    about = f"/touchpoints/new/?kind=call&referral={desk.referral.pk}"
    page.goto(site.url + about)
    page.get_by_label("Voicemail").check()
    page.get_by_text("Promise a next step").click()
    page.get_by_label("Next step").fill("Send the dosing sheet")
    page.get_by_label("By", exact=True).fill((desk.today + timedelta(days=2)).isoformat())
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("Logged")
    (call,) = calls(desk)

    for address in (
        "/touchpoints/new/",
        "/touchpoints/new/?kind=call",
        "/touchpoints/new/?kind=card",
        about,
        f"/touchpoints/{call.pk}/",
        f"/touchpoints/{call.pk}/edit/",
        f"/providers/{desk.provider.pk}/",
        f"/referrals/{desk.referral.pk}/",
        "/providers/",
        "/referrals/",
        "/reminders/",
        "/",
    ):
        page.goto(site.url + address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
