"""Figures in a browser: from the menu to the rows, at a desk, on a phone, on paper and without scripting."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.referral_way import move, report_back
from insights.counting import count_figures
from practices.isolation import practice_scope
from practices.models import Location
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.touchpoint_log import log_call

NAMES = ("Okafor", "Lind", "Marsh", "Ferrara", "Whitlock")
PAGES = ("/insights/", "/insights/referrers/", "/insights/outreach/")


@pytest.fixture
def desk(site):
    """Two years of a small practice, more of it lately."""
    now = timezone.now()
    practice = make.practice(starts_on=now.date() - timedelta(days=900))
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, today=practice.today(now), **people)
    with practice_scope(practice):
        here, there = (Location.objects.create(name=name) for name in ("Main Street", "Harbor"))
        desk.office = make.office("Lakeside Family Medicine", liaison=desk.liaison)
        providers = [make.provider(name, at=desk.office) for name in NAMES]
        for number in range(60):
            ago = timedelta(days=number * number // 5)
            row = make.referral(
                desk.coordinator,
                now=now,
                provider=providers[(number * number) % 7 % 5],
                office=desk.office,
                physician=desk.physician,
                location=[here, there][number % 2],
                channel=["fax", "phone", "portal"][number % 3],
                received_on=desk.today - ago,
            )
            if number % 2:
                move(row, to="seen", seen_on=desk.today, by=desk.manager, now=now)
            if number % 4 == 1:
                report_back(row, by=desk.manager, now=now)
        log_call(by=desk.liaison, now=now, provider=providers[0], happened_on=desk.today, outcome="reached")
        count_figures(now=now)
    return desk


@pytest.mark.parametrize("scripting", [True, False])
def test_manager_goes_from_the_menu_to_the_rows_behind_a_figure(site, new_page, desk, scripting):
    page = new_page(java_script_enabled=scripting)
    site.sign_in(page, desk.manager)
    page.goto(site.url)
    page.get_by_role("link", name="Figures", exact=True).first.click()
    expect(page.get_by_role("img", name="in twelve months; most in")).to_be_visible()
    page.get_by_text("As a table").click()
    months = page.get_by_role("table", name="Month by month")
    expect(months.get_by_role("columnheader", name="Referrals a year before")).to_be_visible()

    page.locator("#id_location").select_option("Harbor")
    page.locator("#id_period").select_option("This month")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"period=month&.*location=\d"))
    row = page.locator("section[aria-labelledby=conversion] tbody tr").first
    count = int(row.locator("a").inner_text())
    row.locator("a").click()

    expect(page.locator("#referral-rows > li")).to_have_count(count)


def test_a_table_is_taken_away(site, browser_page, desk):
    site.sign_in(browser_page, desk.manager)
    browser_page.goto(site.url + "/insights/referrers/")
    with browser_page.expect_download() as download:
        browser_page.locator("section[aria-labelledby=providers]").get_by_role("link", name="XLSX").click()
    assert download.value.suggested_filename == f"providers-{desk.today}.xlsx"


def test_pages_hold_in_both_themes_at_both_widths_and_on_paper(site, new_page, desk):
    for role in ("manager", "physician", "liaison"):
        page = new_page()
        site.sign_in(page, getattr(desk, role))
        for address in PAGES:
            page.goto(site.url + address)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                assert axe_violations(page) == []
            page.emulate_media(media="print", color_scheme="light")
            for chrome in (".filter-bar", ".rail", ".row-acts"):
                assert not any(one.is_visible() for one in page.locator(chrome).all())
            page.emulate_media(media="screen", color_scheme="light")
            page.set_viewport_size({"width": 360, "height": 740})
            width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert page.evaluate(width), f"{address} is wider than 360 px"
            page.set_viewport_size({"width": 1280, "height": 800})
