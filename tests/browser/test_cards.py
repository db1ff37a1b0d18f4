"""Cards go from the physician's decision to the mail: handed over, printed, written, mailed, undone."""

from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou, Touchpoint
from touchpoints.thank_you_lists import make_thank_you_lists

WIDTHS = [pytest.param({"width": 1280}, id="1280"), pytest.param({"width": 360, "has_touch": True}, id="360")]


@pytest.fixture
def desk(site):
    """Three cards to write; the office of the third has no street."""
    now = timezone.now()
    practice = make.practice()
    last_week = Week.of(practice.today(now)).previous()
    practice.starts_on = last_week.monday
    practice.save()
    desk = SimpleNamespace(practice=practice)
    for role in Role:
        setattr(desk, role.value, make.member(role, practice, name=f"{role.label} One"))
    with practice_scope(practice):
        for name in ("Alder", "Birch", "Cedar"):
            street = "" if name == "Cedar" else "1 Lake St"
            office = make.office(f"{name} Clinic", street=street, zip_code="01970")
            provider = make.provider(name, at=office)
            make.referral(
                desk.coordinator,
                provider=provider,
                physician=desk.physician,
                received_on=last_week.monday,
                now=now,
            )
        make_thank_you_lists(week=last_week, now=now)
        for row in ThankYou.objects.all():
            acts.write_card(row, by=desk.physician, now=now, personal_line="See you at the harbor run!")
    return desk


def states(desk):
    with practice_scope(desk.practice):
        return list(ThankYou.objects.order_by("provider__family_name").values_list("state", flat=True))


def choose(page, *names):
    for name in names:
        page.get_by_label(f"The card to Dr. {name}", exact=True).check()


def opened(page, button):
    """The document that a press of the button opens beside the page."""
    with page.expect_popup() as tab:
        page.get_by_role("button", name=button, exact=True).click()
    tab.value.wait_for_url("**/*.pdf?**")
    return page.request.get(tab.value.url)


@pytest.mark.parametrize("screen", WIDTHS)
def test_cards_go_from_the_physician_to_whoever_mails_and_into_the_mail(site, new_page, desk, screen):
    page = new_page(**screen)
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")
    page.get_by_role("link", name="Cards", exact=True).click()
    expect(page.locator("#cards > li")).to_have_count(3)
    page.get_by_role("link", name="Choose all").click()
    page.get_by_label("Hand over to").select_option("Coordinator One")
    page.get_by_role("button", name="Hand over", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("3 cards are with Coordinator One now.")

    site.sign_in(page, desk.coordinator)
    page.goto(site.url + "/thank-you/cards/")
    choose(page, "Alder", "Birch")
    page.get_by_role("button", name="Written", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("2 cards are written.")
    page.get_by_role("link", name="To mail").click()
    page.get_by_role("link", name="Choose all").click()
    page.get_by_role("button", name="Mailed today").click()
    expect(page.locator("#messages")).to_contain_text("2 cards are mailed.")
    assert states(desk) == ["mailed", "mailed", "to_write"]

    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("Taken back: 2 cards are mailed.")
    assert states(desk) == ["written", "written", "to_write"]
    with practice_scope(desk.practice):
        assert Touchpoint.objects.count() == 2
        assert not Touchpoint.objects.standing().exists()


@pytest.mark.parametrize("screen", WIDTHS)
def test_documents_are_printed_of_the_chosen_cards(site, new_page, desk, screen):
    page = new_page(**screen)
    site.sign_in(page, desk.manager)
    page.goto(site.url + "/thank-you/cards/")
    choose(page, "Alder", "Birch")
    page.get_by_label("First free label").fill("17")
    for button in ("Labels", "Envelopes", "Writing sheet"):
        answer = opened(page, button)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf"), button
        page.goto(site.url + "/thank-you/cards/")
        choose(page, "Alder", "Birch")


def test_what_cannot_be_printed_is_named_and_the_others_follow(site, new_page, desk):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.manager)
    page.goto(site.url + "/thank-you/cards/?chosen=all")
    with page.expect_popup() as tab:
        page.get_by_role("button", name="Labels", exact=True).click()
    page = tab.value
    expect(page.locator("main")).to_contain_text("The address is not whole: no street.")
    others = page.get_by_role("link", name="Print the other 2").get_attribute("href")
    assert page.request.get(site.url + others).headers["content-type"] == "application/pdf"

    page.get_by_role("link", name="Edit the office").click()
    page.get_by_label("Street").fill("3 Lake St")
    page.get_by_role("button", name="Save").click()
    assert page.request.get(site.url + "/thank-you/cards/labels.pdf").status == 200


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.manager)
    for address in (
        "/thank-you/cards/",
        "/thank-you/cards/?stage=mailed",
        "/thank-you/cards/labels.pdf",
        "/settings/stationery/",
    ):
        page.goto(site.url + address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
