"""A return referral from the patient's need to the report received, at a desk and on a phone, and without scripting."""

import re
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pypdf import PdfReader

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import ReturnReferral, Touchpoint

DESK = {"width": 1280}
PHONE = {"width": 360, "has_touch": True, "is_mobile": True}


@pytest.fixture
def desk(site):
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, today=practice.today(timezone.now()), **people)
    with practice_scope(practice):
        cardiology = make.specialty()
        near, far = make.office("Lakeside", zip_code="60302"), make.office("Loop Heart", zip_code="60601")
        desk.near = make.provider("Okafor", at=near, specialty=cardiology, languages=["English"])
        desk.far = make.provider("Brandt", at=far, specialty=cardiology, languages=["Spanish"])
    return desk


def stored(desk):
    with practice_scope(desk.practice):
        return ReturnReferral.objects.select_related("provider").get()


def fill_in_need(page):
    page.get_by_label("Family name").fill("Testperson")
    page.get_by_label("Given name").fill("Ida")
    page.get_by_label("Specialty").select_option(label="Cardiology")
    page.get_by_label("Patient's ZIP code").fill("60302")
    page.get_by_label("Language", exact=True).fill("Spanish")


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_from_the_need_to_the_report(site, new_page, desk, device):
    page = new_page(**device)
    site.sign_in(page, desk.physician)
    page.goto(f"{site.url}/touchpoints/new/")
    page.get_by_role("link", name="A return referral").click()
    fill_in_need(page)
    page.get_by_role("button", name="Show who fits").click()

    fits = page.locator("#fit-rows > li")
    expect(fits).to_have_count(2)
    expect(fits.first).to_contain_text("Brandt")  # the language comes before the way
    expect(fits.first).to_contain_text("not known whether new patients are accepted; speaks Spanish; 9 miles")
    fits.last.get_by_role("button", name="Accepts (Amara Okafor, MD)").click()
    expect(fits.first).to_contain_text("Okafor")
    expect(fits.first).to_contain_text(re.compile(r"accepts new patients \(confirmed \w+ \d+, 20\d\d\)"))
    assert axe_violations(page) == []

    fits.first.get_by_role("link", name="Choose (Amara Okafor, MD)").click()
    page.get_by_label("Clinical reason").fill("Palpitations at rest")
    page.get_by_role("button", name="Record the choice").click()
    expect(page.locator("main")).to_contain_text("Tick this once the patient has chosen.")
    page.get_by_label("chose this provider").check()
    page.get_by_role("button", name="Record the choice").click()

    expect(page.get_by_role("heading", name="The patient chose Amara Okafor, MD")).to_be_visible()
    letter = page.request.get(
        site.url + page.get_by_role("link", name="Letter for the patient").get_attribute("href")
    )
    words = PdfReader(BytesIO(letter.body())).pages[0].extract_text()
    assert "Ida Testperson" in words and "Palpitations at rest" in words
    page.get_by_role("button", name="The patient is sent").click()
    page.get_by_role("button", name="The patient was seen").click()
    page.get_by_role("button", name="The report came").click()
    expect(page.locator("#messages")).to_contain_text("report received")
    assert axe_violations(page) == []
    row = stored(desk)
    assert (row.state, row.provider, row.seen_on) == ("report_received", desk.near, desk.today)

    page.goto(f"{site.url}/providers/{desk.near.pk}/")
    expect(page.locator(".timeline")).to_contain_text("Return referral, by Physician One")
    expect(page.locator("main")).to_contain_text("Sent to them")
    assert "Testperson" not in page.content()


def test_without_scripting_it_is_sent_cancelled_and_taken_up_again(site, new_page, desk):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.coordinator)
    page.goto(site.url + "/")
    page.get_by_role("link", name="Return referrals").first.click()
    page.get_by_role("link", name="A patient needs somebody").click()
    page.get_by_label("Our physician").select_option(label="Physician One")
    fill_in_need(page)
    page.get_by_role("button", name="Show who fits").click()
    page.get_by_role("link", name="The patient wants somebody else of the network").click()
    page.get_by_label("Whom?").fill("brandt")
    page.get_by_label("Clinical reason").fill("Palpitations at rest")
    page.get_by_label("chose this provider").check()
    page.get_by_role("button", name="Record the choice").click()
    page.get_by_role("button", name="The patient is sent").click()

    page.get_by_text("The patient does not go there: cancel").click()
    page.get_by_label("Why?").fill("Has found somebody")
    page.get_by_role("button", name="Cancel the return referral").click()
    expect(page.locator("main")).to_contain_text("Cancelled by Coordinator One")
    with practice_scope(desk.practice):
        assert not Touchpoint.objects.standing().exists()
    page.get_by_text("Take it up again").click()
    page.get_by_role("button", name="Take it back").click()
    assert (stored(desk).state, stored(desk).provider) == ("suggested", desk.far)
