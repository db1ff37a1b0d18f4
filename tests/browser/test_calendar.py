"""A calendar from start to end: its address made, copied, read by a program, and stopped."""

import pytest
from playwright.sync_api import expect

from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_its_address_is_made_copied_read_and_stopped(site, new_page, settings, width, scheme):
    settings.SITE_URL = site.url
    page = new_page(width=width, color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"])
    site.sign_in(page, make.member(Role.PHYSICIAN, make.practice(), name="Dr Chen"))
    page.goto(site.url + "/")
    page.get_by_role("button", name="Dr Chen" if width > 360 else "More").click()
    page.get_by_role("link", name="Your calendar").click()

    page.get_by_role("button", name="Make the address").click()
    page.get_by_role("button", name="Copy the address").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    address = page.evaluate("navigator.clipboard.readText()")
    program = new_page().request  # another browser, signed in nowhere
    assert "Write the week's thank-you cards" in program.get(address).text()

    page.get_by_role("link", name="I have it").click()
    expect(page.locator("main")).not_to_contain_text("/calendar/")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Stop the calendar").click()
    expect(page.locator("#messages")).to_contain_text("The address is void")
    assert program.get(address).status == 404
