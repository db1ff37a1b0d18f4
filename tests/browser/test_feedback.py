"""Feedback from start to end: asked, answered on a phone without scripting, mended, and the referrer told."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from practices.isolation import practice_scope
from practices.models import OutboxEnvelope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.feedback_answers import take_down
from touchpoints.feedback_issues import resolve
from touchpoints.models import Feedback, FeedbackIssue

SIZES = [
    pytest.param({"width": 1280}, id="1280"),
    pytest.param({"width": 360, "has_touch": True, "is_mobile": True}, id="360"),
]


@pytest.fixture
def desk(site):
    cache.clear()
    now = timezone.now()
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, now=now, today=practice.today(now), **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.office = make.office("Lakeside")
        desk.provider = make.provider("Okafor", at=desk.office, email="okafor@example.test")
    return desk


def link_in_the_mail(site):
    return site.url + re.search(r"/f/[\w-]+/", OutboxEnvelope.objects.get().text)[0]


def heard(desk, **changes):
    values = {
        "provider": desk.provider, "source": "visit", "given_on": desk.today, "overall": 9, "scheduling": 4,
        "communication": None, "care": None, "words": "", "is_complaint": False, "physician_id": None,
    }  # fmt: skip
    with practice_scope(desk.practice):
        return take_down(by=desk.liaison, now=desk.now, **{**values, **changes})


@pytest.mark.parametrize("size", SIZES)
def test_referrer_is_asked_answers_and_hears_what_was_changed(site, new_page, desk, size):
    page = new_page(**size)
    site.sign_in(page, desk.liaison)
    page.goto(f"{site.url}/providers/{desk.provider.pk}/")
    page.get_by_role("link", name="Ask for feedback").click()
    expect(page.locator("main")).to_contain_text("okafor@example.test")
    page.get_by_role("button", name="Ask 1 provider").click()
    expect(page.locator("#messages")).to_contain_text("1 provider is asked.")
    expect(page.locator(".timeline")).to_contain_text("Asked by e-mail.")

    theirs = new_page(**size, java_script_enabled=False)
    theirs.goto(link_in_the_mail(site))
    expect(theirs.locator("main")).to_contain_text("Harbor Cardiology asks Dr. Okafor")
    theirs.get_by_role("button", name="Send the answer").click()
    expect(theirs.locator("main")).to_contain_text("Choose a number from 0 to 10.")
    choose(theirs, "All in all", "4")
    choose(theirs, "Scheduling", "1")
    choose(theirs, "Care of the patient", "5")
    theirs.get_by_label("In words").fill("Nine weeks <b>until</b> a first visit")
    theirs.get_by_label("About one of our physicians?").select_option("Physician One")
    theirs.get_by_label("This is a complaint").check()
    theirs.get_by_role("button", name="Send the answer").click()
    expect(theirs.locator("h1")).to_have_text("Thank you")
    theirs.goto(link_in_the_mail(site))
    expect(theirs.locator("h1")).to_have_text("This link is no longer open")

    site.sign_in(page, desk.manager)
    page.goto(site.url + "/reminders/")
    page.get_by_role("link", name="Mend what Dr. Okafor complained of").click()
    expect(page.locator("main")).to_contain_text("Nine weeks <b>until</b> a first visit")
    page.get_by_label("What was changed?").fill("Two more first visits each day.")
    page.get_by_role("button", name="It is resolved").click()
    message = page.get_by_label("You said, we did")
    expect(message).to_have_value(re.compile("scheduling should be better.*Two more first visits", re.DOTALL))
    message.fill(message.input_value() + "\n\nCall me any time.")
    page.get_by_role("button", name="They are told").click()
    expect(page.locator("#messages")).to_contain_text("Dr. Okafor is told.")

    mail = OutboxEnvelope.objects.latest("pk")
    assert (mail.recipient, "Call me any time." in mail.text) == ("okafor@example.test", True)
    page.goto(f"{site.url}/providers/{desk.provider.pk}/?kind=feedback")
    expect(page.locator(".timeline")).to_contain_text("Feedback: 4 of 10")
    expect(page.locator(".timeline")).to_contain_text("Call me any time.")
    page.goto(site.url + "/reminders/")
    expect(page.locator("main")).to_contain_text("Nothing is due")


@pytest.mark.parametrize("size", SIZES)
def test_what_was_heard_in_a_visit_is_taken_down_from_anywhere(site, new_page, desk, size):
    page = new_page(**size)
    site.sign_in(page, desk.liaison)
    page.goto(f"{site.url}/providers/{desk.provider.pk}/")
    page.locator("body").press("t")
    page.wait_for_url(re.compile(r"/touchpoints/new/"))
    page.keyboard.press("f")
    page.wait_for_url(re.compile(r"/feedback/new/\?provider="))
    page.get_by_text("a visit").click()
    choose(page, "All in all", "9")
    page.get_by_label("In words").fill("Glad about the quick reports")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#messages")).to_contain_text("Taken down: Amara Okafor, MD.")
    expect(page.locator("main")).to_contain_text("9.0 of 10 from 1 answer")
    with practice_scope(desk.practice):
        given = Feedback.objects.get()
    assert (given.source, given.words, given.recorded_by_id) == (
        "visit",
        "Glad about the quick reports",
        desk.liaison.pk,
    )


def choose(page, legend, number):
    page.get_by_role("group", name=legend).get_by_text(number, exact=True).click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, width, scheme):
    for number in range(4):
        heard(desk, overall=10 - number, given_on=desk.today - timedelta(days=40 * number))
    heard(desk, overall=2, scheduling=1, words="Nobody answers the phone.", physician_id=desk.physician.pk)
    with practice_scope(desk.practice):
        issue = FeedbackIssue.objects.get()
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.manager)
    ask = f"/providers/{desk.provider.pk}/feedback/ask/"
    mend = f"/feedback/issues/{issue.pk}/"

    def looks_well(address):
        page.goto(site.url + address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address

    for address in ("/feedback/", f"/feedback/?physician={desk.physician.pk}", mend, ask, "/feedback/ask/"):
        looks_well(address)
    page.goto(site.url + ask)
    page.get_by_role("button", name="Ask 1 provider").click()
    expect(page.locator("#messages")).to_contain_text("1 provider is asked.")
    with practice_scope(desk.practice):
        resolve(issue, by=desk.manager, now=desk.now, what_changed="A line for physicians.")
    link = link_in_the_mail(site).removeprefix(site.url)
    for address in (mend, ask, link, "/f/forged/", "/f/thanks/", f"/providers/{desk.provider.pk}/"):
        looks_well(address)
    page.goto(site.url + f"/feedback/new/?provider={desk.provider.pk}")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Take down a number or what was said.")
    assert axe_violations(page) == []
