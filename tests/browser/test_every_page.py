"""Every page that answers a GET: axe finds nothing in either theme, nothing is cut off at 360 px, and it is whole
without scripting. The addresses are those of tests/test_access.py, so that a new page can't be forgotten."""

import pytest
from playwright.sync_api import Page

from practices.isolation import practice_scope
from practices.roles import Role
from tests.browser.conftest import axe_violations
from tests.test_access import ADDRESSES, World, address_of

# Fragments, files, and what machines ask.
NO_PAGES = {"provider_options", "office_options", "form_of_address", "import_rejected", "healthz", "readyz"}
NO_PAGES |= {"calendar_feed", "meeting_people_options", "gifts_exported", "insights_exported"}
NO_PAGES |= {"report_back_exported", "audit_trail_exported", "session_left"}
NO_PAGES |= {"sign_ins_exported", "patient_accesses_exported"}
NO_PAGES |= {"week_cards_printed", "cards_printed", "stationery_test_sheet", "return_referral_letter"}  # PDF
PAGES = sorted(name for name, address in ADDRESSES.items() if address.get and name not in NO_PAGES)


def readers_of(name: str) -> list[str]:
    """The manager sees the most; the others where their page differs, and anonymous where only they are let in."""
    answers = ADDRESSES[name].get or {}
    wanted = (
        ["manager", "physician", "liaison"] if name in {"home", "referral", "thank_you_week"} else ["manager"]
    )
    seen = [who for who in wanted if answers[who] == 200]
    return seen or [who for who in ("physician", "anonymous") if answers[who] == 200][:1]


def problems_of(page: Page, url: str, *, themes: tuple[str, ...]) -> list[str]:
    found = []
    answer = page.goto(url)
    if answer is None or answer.status != 200:
        return [f"{url}: {answer and answer.status}"]
    for theme in themes:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # a colour half-way there is none
        found += [f"{url} ({theme}): {violation}" for violation in axe_violations(page)]
    page.set_viewport_size({"width": 360, "height": 740})
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{url}: wider than 360 px")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


@pytest.fixture
def world(site):
    made = World()
    with practice_scope(made.practice):
        _ = made.thank_you, made.brought
    return made


def page_for(site, new_page, world, who: str, **options) -> Page:
    page = new_page(**options)
    if who != "anonymous":
        site.sign_in(page, getattr(world, who))
    return page


def test_axe_finds_nothing_in_either_theme_and_nothing_is_cut_off(site, new_page, world):
    pages = {
        who: page_for(site, new_page, world, who) for who in ("manager", "physician", "liaison", "anonymous")
    }
    problems = []
    for name in PAGES:
        url = site.url + address_of(name, world)
        for who in readers_of(name):
            problems += [f"{who} {line}" for line in problems_of(pages[who], url, themes=("light", "dark"))]
    assert problems == []


def test_every_page_is_whole_without_scripting(site, new_page, world):
    readers = {
        who: page_for(site, new_page, world, who, java_script_enabled=False)
        for who in (*[role.value for role in Role], "anonymous")
    }
    problems = []
    for name in PAGES:
        for who in readers_of(name):
            answer = readers[who].goto(site.url + address_of(name, world))
            if answer.status != 200 or not readers[who].locator("h1").inner_text().strip():
                problems.append(f"{who} {name}: {answer.status}")
    assert problems == []
