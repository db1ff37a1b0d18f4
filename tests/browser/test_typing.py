"""What helps while somebody types: the type-ahead list, and drafts that survive a reload and an expired session."""

import pytest
from playwright.sync_api import expect

from contacts.models import Referral
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations


@pytest.fixture
def coordinator(site):
    practice = make.practice("Lakeside Orthopaedics")
    member = make.member(Role.COORDINATOR, practice, name="Dora Thiel")
    with practice_scope(practice):
        lakeside = make.office("Lakeside Family Medicine", city="Salem")
        make.provider("Okafor", given_name="Ngozi", at=lakeside)
        make.provider("Okeke", given_name="Nils", at=lakeside)
    return member


def open_form(site, page, member):
    site.sign_in(page, member)
    page.goto(site.url + "/referrals/new/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log a referral")
    return page


@pytest.fixture
def form_page(site, browser_page, coordinator):
    return open_form(site, browser_page, coordinator)


def sender(page):
    return page.locator("#id_provider_text")


def chosen(page):
    return page.locator("#id_provider").input_value()


def options(page):
    return page.locator("#id_provider_text-options [role=option]")


def test_misspelt_provider_is_found_and_chosen_by_keyboard(form_page):
    sender(form_page).press_sequentially("okaffor")
    expect(options(form_page).first).to_contain_text("Okafor")
    expect(options(form_page).first).to_contain_text("Salem")
    expect(sender(form_page)).to_have_attribute("aria-expanded", "true")
    assert axe_violations(form_page) == []
    sender(form_page).press("Enter")
    assert "Okafor" in sender(form_page).input_value()
    assert chosen(form_page).isdigit()
    expect(options(form_page).first).to_be_hidden()


def test_arrows_move_and_the_screen_reader_is_told_where(form_page):
    sender(form_page).press_sequentially("ok")
    expect(options(form_page)).not_to_have_count(0)
    count = options(form_page).count()
    for key, place in [
        ("ArrowDown", 0),
        ("ArrowDown", 1),
        ("ArrowUp", 0),
        ("ArrowUp", count - 1),
        ("ArrowDown", 0),
        ("End", count - 1),
        ("Home", 0),
    ]:
        sender(form_page).press(key)
        active = options(form_page).nth(place)
        expect(active).to_have_attribute("aria-selected", "true")
        expect(sender(form_page)).to_have_attribute("aria-activedescendant", active.get_attribute("id"))


def test_escape_and_tab_choose_nothing_that_was_only_offered(form_page):
    sender(form_page).press_sequentially("oka")
    expect(options(form_page).first).to_be_visible()
    sender(form_page).press("Escape")
    expect(options(form_page).first).to_be_hidden()
    sender(form_page).press_sequentially("f")
    expect(options(form_page).first).to_be_visible()
    sender(form_page).press("Tab")
    expect(options(form_page).first).to_be_hidden()
    assert (sender(form_page).input_value(), chosen(form_page)) == ("okaf", "")


@pytest.mark.parametrize("keys", [["Enter"], ["ArrowDown", "Enter"], ["ArrowDown", "Tab"]])
def test_first_option_is_taken_at_once_or_by_one_step_down(form_page, keys):
    sender(form_page).press_sequentially("okafor")
    expect(options(form_page).first).to_be_visible()
    for key in keys:
        sender(form_page).press(key)
    expect(sender(form_page)).to_have_value("Ngozi Okafor, MD")
    assert chosen(form_page).isdigit()


@pytest.mark.parametrize("keys", [["Enter"], ["ArrowDown", "Enter"]])
def test_enter_before_the_options_came_takes_the_first_once_they_do(form_page, keys):
    held = []
    form_page.route("**/providers/options/?q=*", lambda route: held.append(route))
    with form_page.expect_request("**/providers/options/?q=okafor"):
        sender(form_page).press_sequentially("okafor")
        for key in keys:
            sender(form_page).press(key)
    assert chosen(form_page) == ""
    held[-1].continue_()
    expect(sender(form_page)).to_have_value("Ngozi Okafor, MD")
    assert chosen(form_page).isdigit()
    expect(options(form_page).first).to_be_hidden()


def test_typing_on_after_an_early_enter_chooses_nothing(form_page):
    with form_page.expect_response("**/providers/options/?q=okeke"):
        sender(form_page).press_sequentially("oka")
        sender(form_page).press("Enter")
        sender(form_page).fill("okeke")
    expect(options(form_page).first).to_contain_text("Okeke")
    assert (sender(form_page).input_value(), chosen(form_page)) == ("okeke", "")


def test_typing_on_after_choosing_takes_the_choice_back(form_page):
    sender(form_page).press_sequentially("okafor")
    expect(options(form_page).first).to_be_visible()
    sender(form_page).press("Enter")
    sender(form_page).press_sequentially("x")
    assert chosen(form_page) == ""


def test_late_answer_does_not_replace_a_newer_one(form_page):
    held = []
    form_page.route("**/providers/options/?q=okeke", lambda route: held.append(route))
    with form_page.expect_request("**/providers/options/?q=okeke"):
        sender(form_page).press_sequentially("okeke")
    sender(form_page).fill("okafor")
    expect(options(form_page).first).to_contain_text("Okafor")
    held[0].continue_()
    form_page.wait_for_timeout(300)
    expect(options(form_page).first).to_contain_text("Okafor")


def test_somebody_new_opens_their_fields_with_what_was_typed(form_page):
    section = form_page.locator("#new-provider")
    expect(section).to_be_hidden()
    sender(form_page).press_sequentially("Zora Quimby")
    expect(options(form_page).last).to_contain_text("Zora Quimby")
    sender(form_page).press("End")
    sender(form_page).press("Enter")
    expect(section).to_be_visible()
    expect(form_page.locator("[name=new_family_name]")).to_have_value("Quimby")
    assert form_page.evaluate("document.activeElement.closest('#new-provider') !== null")
    assert chosen(form_page) == ""


def test_draft_survives_a_reload(form_page):
    form_page.locator("[name=patient_family_name]").fill("Halloran")
    expect(form_page.locator("[data-draft-status]")).to_contain_text("Draft kept")
    form_page.reload()
    expect(form_page.locator("[name=patient_family_name]")).to_have_value("Halloran")


def test_nothing_is_kept_in_the_browser(form_page):
    form_page.locator("[name=patient_family_name]").fill("Halloran")
    expect(form_page.locator("[data-draft-status]")).to_contain_text("Draft kept")
    assert form_page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert (
        form_page.evaluate("async () => (await indexedDB.databases()).length + (await caches.keys()).length")
        == 0
    )


def test_session_that_ends_while_typing_is_said_and_mended_by_signing_in_elsewhere(
    site, form_page, coordinator
):
    family_name, status = (
        form_page.locator("[name=patient_family_name]"),
        form_page.locator("[data-draft-status]"),
    )
    sender(form_page).press_sequentially("okafor")
    expect(options(form_page).first).to_contain_text("Okafor")
    sender(form_page).press("Enter")
    form_page.locator("[name=patient_given_name]").fill("Ida")
    form_page.context.clear_cookies()
    family_name.fill("Halloran")
    expect(status).to_contain_text("You were signed out")

    with form_page.context.expect_page() as opened:
        status.get_by_role("link", name="Sign in").click()
    sign_in = opened.value
    sign_in.get_by_label("Email").fill(coordinator.user.email)
    sign_in.get_by_label("Password").fill(make.PASSWORD)
    sign_in.get_by_role("button", name="Sign in", exact=True).click()
    sign_in.wait_for_url(site.url + "/")

    expect(status).to_contain_text("Draft kept", timeout=15_000)
    expect(family_name).to_have_value("Halloran")
    form_page.keyboard.press("Control+Enter")  # the link that had the focus is gone by now
    expect(form_page.locator("#messages")).to_contain_text("Okafor")
    expect(family_name).to_have_value("")
    with practice_scope(coordinator.practice):
        assert [referral.patient_family_name for referral in Referral.objects.all()] == ["Halloran"]


def test_without_scripting_everything_stands_open(site, new_page, coordinator):
    page = open_form(site, new_page(java_script_enabled=False), coordinator)
    expect(page.locator("#new-provider")).to_be_visible()
    sender(page).fill("Ngozi Okafor")
    page.locator("[name=patient_family_name]").fill("Halloran")
    page.locator("[name=patient_given_name]").fill("Ida")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("Okafor")
