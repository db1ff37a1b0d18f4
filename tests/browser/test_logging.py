"""Logging referrals in real Chromium: by keyboard, by thumb, without scripting, across an expired session."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.models import Referral
from practices.isolation import practice_scope
from practices.models import Session
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations


@pytest.fixture
def manager(site):
    practice = make.practice()
    make.member(Role.PHYSICIAN, practice, name="Kim Reyes", credentials="MD")
    member = make.member(Role.MANAGER, practice, name="Dora Thiel")
    with practice_scope(practice):
        lakeside = make.office("Lakeside Family Medicine")
        make.provider("Okafor", given_name="Ngozi", at=lakeside)
        make.provider("Lindqvist", given_name="Sven", at=make.office("Harbor Clinic", city="Lynn"))
    return member


def logged(member):
    with practice_scope(member.practice):
        rows = Referral.objects.select_related("provider", "office", "physician__user").order_by("pk")
        return list(rows)


class Keyboard:
    """Types like a person, and counts the keys that are no part of a name."""

    def __init__(self, page):
        self.page, self.pressed = page, 0

    def name(self, text):
        self.page.keyboard.type(text)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1


def until_offered(page, text):
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text(text)


def test_three_referrals_by_keyboard_alone(site, browser_page, manager):
    page, keys = browser_page, Keyboard(browser_page)
    site.sign_in(page, manager)
    page.goto(site.url + "/")
    page.keyboard.press("r")
    expect(page).to_have_url(site.url + "/referrals/new/")

    # somebody known, misspelt
    expect(page.locator("#id_provider_text")).to_be_focused()
    keys.name("okaffor")
    until_offered(page, "Ngozi Okafor, MD")
    keys.press("Enter", "Tab", "Tab")
    keys.name("Testperson")
    keys.press("Tab")
    keys.name("Ida")
    keys.press("Tab", *"03041950", "Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Logged R-")
    assert keys.pressed <= 15
    expect(page.locator("#id_provider_text")).to_be_focused()

    # somebody new, at a new office
    keys.name("Dr. Luz Ferreira")
    until_offered(page, "Add “Dr. Luz Ferreira” as new")
    keys.press("Enter")
    expect(page.locator("#id_new_given_name")).to_be_focused()
    expect(page.locator("#id_new_family_name")).to_have_value("Ferreira")
    keys.press("Tab", "Tab")
    keys.name("DO")
    keys.press("Tab", "Tab")
    expect(page.locator("#id_office_text")).to_be_focused()
    keys.name("Oak Street Clinic")
    until_offered(page, "Add “Oak Street Clinic” as new")
    keys.press("Enter")
    expect(page.locator("#id_new_office_name")).to_have_value("Oak Street Clinic")
    keys.press("Tab", "Tab", "Tab", "Tab")
    keys.name("Other")
    keys.press("Tab")
    keys.name("Bo")
    keys.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Luz Ferreira, DO")

    # by NPI, saved by Tab and Enter on the button
    with practice_scope(manager.practice):
        npi = make.npi()
        make.provider("Quist", npi=npi)
    keys.name(npi)
    until_offered(page, "Quist")
    keys.press("Tab", "Tab")
    keys.name("Third")
    keys.press("Tab")
    keys.name("Cy")
    page.locator("form[data-draft] button:text-is('Save')").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("R-")

    first, second, third = logged(manager)
    assert (str(first.provider), first.office.name) == ("Ngozi Okafor, MD", "Lakeside Family Medicine")
    assert (first.patient_name, first.patient_born_on.isoformat()) == ("Ida Testperson", "1950-03-04")
    assert (str(second.provider), second.office.name) == ("Luz Ferreira, DO", "Oak Street Clinic")
    assert third.provider.npi == npi


def test_by_thumb_on_a_phone(site, new_page, manager):
    page = new_page(width=360, has_touch=True)
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_provider_text").tap()
    page.keyboard.type("lindqist")
    option = page.locator("[role=option]").first
    expect(option).to_contain_text("Harbor Clinic, Lynn, MA")
    option.tap()
    page.locator("#id_patient_family_name").tap()
    page.keyboard.type("Testperson")
    page.locator("#id_patient_given_name").tap()
    page.keyboard.type("Ida")
    page.get_by_label("Our physician").select_option(label="Kim Reyes, MD")
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.locator("h1")).to_contain_text("R-")
    [referral] = logged(manager)
    assert (referral.provider.family_name, referral.physician.name) == ("Lindqvist", "Kim Reyes")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_expired_session_loses_nothing(site, browser_page, manager):
    page = browser_page
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_provider_text").press_sequentially("okafor")
    until_offered(page, "Okafor")
    page.keyboard.press("Enter")
    page.locator("#id_patient_family_name").fill("Testperson")
    page.locator("#id_patient_given_name").fill("Ida")
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    page.locator("#id_reason").fill("palpitations")
    page.keyboard.press("Control+Enter")
    page.locator("[name=login]").fill(manager.user.email)
    page.locator("[name=password]").fill(make.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("We kept what you typed.")).to_be_visible()
    expect(page.locator("#id_reason")).to_have_value("palpitations")
    expect(page.locator("#id_provider_text")).to_have_value("Ngozi Okafor, MD")
    assert logged(manager) == []
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Logged R-")
    assert [row.patient_name for row in logged(manager)] == ["Ida Testperson"]
    assert page.get_by_text("We kept what you typed.").count() == 0


def test_a_draft_can_be_discarded(site, browser_page, manager):
    page = browser_page
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_reason").fill("palpitations")
    expect(page.locator("[data-draft-status]")).to_contain_text("Draft kept")
    page.reload()
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("#id_reason")).to_have_value("")
    assert page.get_by_text("We kept what you typed.").count() == 0


def test_going_back_shows_what_was_typed(site, browser_page, manager):
    """Pages are not kept by the browser (no-store): the server kept it."""
    page = browser_page
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_reason").fill("palpitations")
    expect(page.locator("[data-draft-status]")).to_contain_text("Draft kept")
    page.goto(site.url + "/providers/")
    page.go_back()
    expect(page.locator("#id_reason")).to_have_value("palpitations")


def test_without_scripting_a_misspelt_provider_is_chosen_among_radio_buttons(site, new_page, manager):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_provider_text").fill("Okaffor")
    page.locator("#id_patient_family_name").fill("Testperson")
    page.locator("#id_patient_given_name").fill("Ida")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Which one is meant by “Okaffor”?")).to_be_visible()
    expect(page.locator("#id_patient_family_name")).to_have_value("Testperson")
    page.get_by_label("Ngozi Okafor, MD").check()
    page.get_by_role("button", name="Save", exact=True).click()
    assert [row.provider.family_name for row in logged(manager)] == ["Okafor"]
    # and its whole way
    page.get_by_role("button", name="Contacted the patient").click()
    expect(page.locator("#messages")).to_contain_text("contacted the patient")
    page.get_by_role("textbox", name="Appointment").fill("2027-01-04T09:20")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#next")).to_have_text("Record whether the patient was seen")
    [referral] = logged(manager)
    assert referral.status == "scheduled"


def test_whoever_is_none_of_those_asked_about_is_added(site, browser_page, manager):
    page = browser_page
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/new/")
    page.locator("#id_provider_text").fill("Okaffor")
    page.keyboard.press("Escape")
    page.locator("#id_patient_chart_number").fill("C-1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Which one is meant by “Okaffor”?")).to_be_visible()
    expect(page.locator("#new-provider")).to_be_hidden()
    page.get_by_label("None of these: add as new below").check()
    page.locator("#id_new_family_name").fill("Okaffor")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Logged R-")
    assert [row.provider.family_name for row in logged(manager)] == ["Okaffor"]


def test_a_likely_duplicate_is_shown_and_logged_by_a_deliberate_act(site, browser_page, manager):
    page = browser_page
    site.sign_in(page, manager)
    for said in ("Logged R-", ""):
        page.goto(site.url + "/referrals/new/")
        page.locator("#id_provider_text").press_sequentially("okafor")
        until_offered(page, "Okafor")
        page.keyboard.press("Enter")
        page.locator("#id_patient_family_name").fill("Testperson")
        page.locator("#id_patient_given_name").fill("Ida")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#messages")).to_contain_text(said)
    expect(page.get_by_text("This patient was logged already")).to_be_visible()
    expect(page.locator("#id_confirmed")).to_be_focused()
    assert axe_violations(page) == []
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Logged R-")
    assert len(logged(manager)) == 2


def test_from_the_list_by_letters(site, browser_page, manager):
    with practice_scope(manager.practice):
        for _ in range(3):
            make.referral(manager, provider=make.provider())
    page = browser_page
    site.sign_in(page, manager)
    page.goto(site.url + "/referrals/?status=open")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("#referral-rows > li").nth(1)).to_contain_text("Contacted")
    expect(page.locator("#messages")).to_contain_text("contacted the patient")
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(page.locator("#messages")).to_contain_text("tried to reach")
    assert [row.status for row in logged(manager)] == ["received", "contacted", "received"]
    assert [row.contact_attempts for row in logged(manager)] == [1, 1, 0]


def test_the_page_moves_on_without_a_reload_and_tells_what_is_wrong_beside_the_act(
    site, browser_page, manager
):
    with practice_scope(manager.practice):
        referral = make.referral(manager)
    page = browser_page
    site.sign_in(page, manager)
    page.goto(f"{site.url}/referrals/{referral.pk}/")
    page.evaluate("window.isTheSamePage = true")
    page.get_by_role("button", name="Schedule").click()
    expect(page.get_by_text("Say when the appointment is.")).to_be_visible()
    page.get_by_role("textbox", name="Appointment").fill("2027-01-04T09:20")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#next")).to_have_text("Record whether the patient was seen")
    expect(page.locator("#next")).to_be_focused()
    expect(page.locator(".timeline")).to_contain_text("scheduled")
    assert page.evaluate("window.isTheSamePage")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(site, new_page, manager, theme, width):
    with practice_scope(manager.practice):
        office = make.office()
        referral = make.referral(
            manager, urgency="stat", provider=None, office=office, patient_chart_number="C-1"
        )
    page = new_page(width=width, color_scheme=theme)
    site.sign_in(page, manager)
    addresses = ["", "new/", "?awaiting=provider", "?status=closed", f"{referral.pk}/"]
    addresses += [f"{referral.pk}/edit/", f"{referral.pk}/provider/"]
    for address in addresses:
        page.goto(f"{site.url}/referrals/{address}")
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.goto(site.url + "/referrals/new/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    assert axe_violations(page) == []
    page.goto(site.url + "/patients/find/")
    page.get_by_label("Chart number").fill("C-1")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("#found-rows")).to_be_visible()
    assert axe_violations(page) == []
