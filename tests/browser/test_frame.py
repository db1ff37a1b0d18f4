"""The frame of every page: keys, colours, pages and sign-out, with and without scripting."""

import pytest
from playwright.sync_api import expect

from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations


@pytest.fixture
def manager(site):
    practice = make.practice("Lakeside Orthopaedics")
    for name in ("Ada Quist", "Bela Rohr", "Cleo Stamm"):
        make.member(Role.COORDINATOR, practice, name=name)
    return make.member(Role.MANAGER, practice, name="Dora Thiel")


def open_members(site, page, member):
    site.sign_in(page, member)
    page.goto(site.url + "/settings/members/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")
    return page


@pytest.fixture
def members_page(site, browser_page, manager):
    return open_members(site, browser_page, manager)


def focused(page):
    return page.evaluate("document.activeElement.textContent.trim()")


def colours(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


PAPER, NIGHT = "rgb(251, 250, 247)", "rgb(18, 25, 29)"


def test_r_logs_a_referral_and_slash_searches(site, members_page):
    members_page.keyboard.press("/")
    expect(members_page.locator("#search")).to_be_focused()
    members_page.goto(site.url + "/settings/members/")
    members_page.keyboard.press("r")
    members_page.wait_for_url(site.url + "/referrals/new/")
    expect(members_page.locator("#id_provider_text[role=combobox]")).to_be_focused()


def test_keys_stay_letters_while_somebody_types(site, members_page):
    members_page.get_by_label("Name", exact=False).first.focus()
    members_page.keyboard.type("jrk?/")
    assert members_page.url == site.url + "/settings/members/"
    assert members_page.evaluate("document.activeElement.value") == "jrk?/"
    expect(members_page.locator("#keys-dialog")).to_be_hidden()


def test_keys_with_ctrl_are_the_browsers(site, members_page):
    members_page.keyboard.press("Control+/")
    expect(members_page.locator("#search")).not_to_be_focused()


def test_j_and_k_move_from_row_to_row_and_enter_opens(site, members_page):
    for key, name in [
        ("j", "Ada Quist"),
        ("j", "Bela Rohr"),
        ("j", "Cleo Stamm"),
        ("k", "Bela Rohr"),
        ("k", "Ada Quist"),
    ]:
        members_page.keyboard.press(key)
        assert focused(members_page) == name
    members_page.keyboard.press("k")
    assert focused(members_page) == "Ada Quist"
    address = members_page.evaluate("document.activeElement.href")
    members_page.keyboard.press("Enter")
    members_page.wait_for_url(address)


def test_keys_can_be_switched_off_for_good_and_on_again(site, members_page):
    members_page.keyboard.press("?")
    dialog = members_page.locator("#keys-dialog")
    expect(dialog).to_be_visible()
    assert axe_violations(members_page) == []
    dialog.get_by_role("switch").uncheck()
    members_page.keyboard.press("Escape")
    members_page.reload()
    members_page.keyboard.press("j")
    members_page.keyboard.press("/")
    members_page.keyboard.press("?")
    assert members_page.evaluate("document.activeElement === document.body")
    expect(dialog).to_be_hidden()

    members_page.locator(".who").click()
    members_page.get_by_role("button", name="Keys").click()
    dialog.get_by_role("switch").check()
    dialog.get_by_role("button", name="Close").click()
    members_page.keyboard.press("/")
    expect(members_page.locator("#search")).to_be_focused()


@pytest.mark.parametrize(("system", "seen"), [("light", PAPER), ("dark", NIGHT)])
def test_colours_follow_the_system(site, new_page, manager, system, seen):
    page = new_page(color_scheme=system)
    open_members(site, page, manager)
    assert colours(page) == seen
    page.locator(".who").click()
    assert axe_violations(page) == []


def test_chosen_colours_stay_and_cost_nothing_that_was_typed(site, members_page):
    name = members_page.get_by_label("Name", exact=False).first
    name.fill("Half a na")
    members_page.locator(".who").click()
    with members_page.expect_response("**/theme/"):
        members_page.get_by_role("button", name="Dark").click()
    assert colours(members_page) == NIGHT
    assert name.input_value() == "Half a na"
    members_page.reload()
    assert colours(members_page) == NIGHT
    expect(members_page.get_by_role("button", name="Dark", include_hidden=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def test_phone_without_scripting_has_every_page_colours_and_sign_out(site, new_page, manager):
    page = new_page(width=360, has_touch=True, java_script_enabled=False, color_scheme="light")
    open_members(site, page, manager)
    expect(page.locator(".rail")).to_be_hidden()
    bar = page.get_by_role("navigation", name="Daily pages")
    assert bar.get_by_role("link").all_inner_texts() == ["Today", "Referrals", "Thank-yous", "Reminders"]
    page.get_by_role("button", name="More").tap()
    sheet = page.locator("#sheet")
    assert sheet.get_by_role("link").all_inner_texts() == [
        "Report back", "Meetings", "Return referrals", "Providers", "Offices", "Feedback", "Figures", "Imports",
        "Duplicates", "Settings", "Your calendar", "Undo", "Your mail", "Your sign-in",
    ]  # fmt: skip
    sheet.get_by_role("button", name="Dark").tap()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.url == site.url + "/settings/members/"
    page.get_by_role("button", name="More").tap()
    sheet.get_by_role("button", name="Sign out").tap()
    page.wait_for_url("**/sign-in/**")
    page.goto(site.url + "/settings/members/")
    assert "/sign-in/" in page.url


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_cut_off_and_a_thumb_finds_everything(site, new_page, manager, width):
    page = new_page(width=width)
    open_members(site, page, manager)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    least = 44 if width < 992 else 36
    small = page.eval_on_selector_all(
        ".btn, .bottom-bar a, .bottom-bar button, .form-control, .form-select, .settings-nav a",
        "(all, least) => all.filter(e => e.offsetHeight && e.offsetHeight < least).map(e => e.outerHTML)",
        least,
    )
    assert small == []


def test_ended_session_in_the_middle_of_a_page_leads_to_sign_in_and_back(site, members_page):
    members_page.evaluate("htmx.ajax('GET', '/settings/members/', '#seats')")
    expect(members_page.locator("#seats #seats")).to_have_count(1)
    members_page.context.clear_cookies()
    members_page.evaluate("htmx.ajax('GET', '/settings/members/', '#seats')")
    members_page.wait_for_url("**/sign-in/?next=%2Fsettings%2Fmembers%2F")


def test_failed_request_is_said_and_swaps_nothing(site, members_page):
    members_page.evaluate("htmx.ajax('GET', '/settings/members/999999999/', '#seats')")
    expect(members_page.locator("#messages")).to_contain_text("no longer there")
    expect(members_page.locator("#seats a").first).to_have_text("Ada Quist")


def test_form_is_sent_once_however_often_it_is_pressed(site, members_page):
    posts = []
    members_page.on(
        "request", lambda request: posts.append(request.url) if request.method == "POST" else None
    )
    members_page.get_by_role("button", name="Invite").evaluate(
        "button => { button.form.noValidate = true; button.click(); button.click(); button.click(); }"
    )
    members_page.wait_for_load_state("networkidle")
    assert posts == [site.url + "/settings/members/"]
    assert members_page.evaluate("document.activeElement.matches('.is-invalid')")


def test_first_visit_weighs_little_and_the_next_next_to_nothing(site, new_page, manager):
    page = new_page()
    site.sign_in(page, manager)
    loaded = []
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    page.goto(site.url + "/settings/members/", wait_until="networkidle")
    assert 50_000 < sum(loaded) < 240_000
    loaded.clear()
    page.goto(site.url + "/settings/locations/", wait_until="networkidle")
    assert 0 < sum(loaded) < 25_000
