"""The sample file, from its upload in a browser through the real worker to the referrals and back."""

import time
from collections.abc import Iterator

import pytest
from celery.contrib.testing.worker import start_worker
from playwright.sync_api import Locator, Page, expect

from contacts.models import Referral
from practices.isolation import practice_scope
from practices.models import Member
from practices.roles import Role
from referralcrm.celery import app
from tests import make
from tests.browser.conftest import Site, axe_violations
from tests.exchange.bring import SAMPLES

LONG = 60_000  # milliseconds; the worker shares the machine


@pytest.fixture
def worker(site: Site) -> Iterator[None]:
    app.loader.import_default_modules()
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="WARNING", shutdown_timeout=30):
        yield


@pytest.fixture
def manager(site: Site) -> Member:
    practice = make.practice()
    make.member(Role.PHYSICIAN, practice, name="Robert Chen", credentials="MD")
    return make.member(Role.MANAGER, practice)


def upload(page: Page, site: Site, name: str = "referrals-example.csv") -> None:
    page.goto(site.url + "/imports/")
    page.get_by_label("File of referrals").set_input_files(SAMPLES / name)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="What each column holds")).to_be_visible()


def test_the_sample_goes_in_by_hand_and_comes_out_again(site, new_page, worker, manager):
    page = new_page()
    site.sign_in(page, manager)
    upload(page, site)
    assert axe_violations(page) == []
    expect(page.get_by_label("Ref Prov NPI")).to_have_value("provider_npi")
    page.get_by_role("button", name="This is right: check every row").click()

    expect(page.get_by_role("heading", name="Who is meant?")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("53 rows read: 45 can be brought in, 5 can't")).to_be_visible()
    assert axe_violations(page) == []
    misspelt = page.get_by_label("Amara Okafr, MD", exact=True)
    expect(misspelt.locator("option:checked")).to_have_text("same as Amara N Okafor, MD")
    page.get_by_role("button", name="Save, and accept all").click()
    page.get_by_role("button", name="rows in").click()

    expect(page.get_by_text("44 referrals were added.")).to_be_visible(timeout=LONG)
    assert axe_violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all of them").click()
    assert "There is no" not in download.value.path().read_text("utf-8-sig")

    page.get_by_role("button", name="Undo this import").click()
    expect(page.get_by_text("44 referrals were removed")).to_be_visible(timeout=LONG)
    with practice_scope(manager.practice):
        assert not Referral.objects.exists()


def look_again_until(page: Page, seen: Locator) -> None:
    """Press the link that stands in for the polling."""
    until = time.monotonic() + LONG / 1000
    while not seen.is_visible() and time.monotonic() < until:
        page.get_by_role("link", name="See how far it is").click()
        page.wait_for_timeout(500)
    expect(seen).to_be_visible()


def test_without_scripting_the_workbook_goes_in_as_well(site, new_page, worker, manager):
    page = new_page(java_script_enabled=False, width=360, color_scheme="dark")
    site.sign_in(page, manager)
    upload(page, site, "referrals-example.xlsx")
    page.get_by_role("button", name="This is right: check every row").click()
    look_again_until(page, page.get_by_role("heading", name="Who is meant?"))
    page.get_by_role("button", name="Save, and accept all").click()
    page.get_by_role("button", name="rows in").click()
    look_again_until(page, page.get_by_text("44 referrals were added."))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_page_of_an_import_whole(site, new_page, worker, manager, scheme):
    page = new_page(width=360, has_touch=True, color_scheme=scheme)
    site.sign_in(page, manager)

    def is_whole() -> bool:
        return page.evaluate("document.documentElement.scrollWidth") <= 360 and axe_violations(page) == []

    upload(page, site)
    assert is_whole()
    page.get_by_role("button", name="This is right: check every row").click()
    expect(page.get_by_role("heading", name="Who is meant?")).to_be_visible(timeout=LONG)
    assert is_whole()
    page.get_by_role("link", name="Somebody else").first.click()
    page.get_by_label("Name, office, city or NPI").fill("nobody")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="Nobody like that")).to_be_visible()
    assert is_whole()
