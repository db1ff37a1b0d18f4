"""A physician goes through the week's list by keyboard, by thumb, and without scripting."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import ThankYou, Touchpoint
from touchpoints.reminders import remind
from touchpoints.thank_you_lists import make_thank_you_lists

PAGES = ["/", "/thank-you/", "/reminders/"]


@pytest.fixture
def desk(site):
    """A list of last week with three rows: a first-timer, a report due, and one who wrote before."""
    now = timezone.now()
    practice = make.practice()
    last_week = Week.of(practice.today(now)).previous()
    practice.starts_on = last_week.monday
    practice.save()
    desk = SimpleNamespace(practice=practice)
    for role in Role:
        setattr(desk, role.value, make.member(role, practice, name=f"{role.label} One"))
    with practice_scope(practice):
        desk.office = make.office("Lakeside", liaison=desk.liaison)
        for name in ("Alder", "Birch", "Cedar"):
            provider = make.provider(name, at=desk.office, phone="555-0142")
            setattr(desk, name.lower(), provider)
            if name != "Alder":
                sent(desk, provider, last_week.monday - timedelta(days=60), now)
        sent(desk, desk.alder, last_week.monday, now)
        seen = sent(desk, desk.birch, last_week.monday, now)
        move(seen, to="seen", seen_on=last_week.sunday, by=desk.physician, now=now)
        sent(desk, desk.cedar, last_week.sunday, now)
        make_thank_you_lists(week=last_week, now=now)
        remind(now=now)
    return desk


def sent(desk, provider, day, now):
    return make.referral(
        desk.coordinator, provider=provider, physician=desk.physician, received_on=day, now=now
    )


def states(desk):
    with practice_scope(desk.practice):
        rows = ThankYou.objects.order_by("provider__family_name")
        return list(rows.values_list("state", flat=True))


def row_of(page, name):
    return page.locator("#thank-yous > li", has_text=f"Amara {name}")


def test_whole_list_is_decided_by_keyboard_alone(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")

    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(row_of(page, "Alder").locator(".badge-status")).to_have_text("To write")
    expect(page.locator("#thank-you-progress")).to_contain_text("1 of 3 decided")

    page.keyboard.press("j")
    page.keyboard.press("l")
    expect(row_of(page, "Birch").get_by_label("What was said")).to_be_focused()
    page.keyboard.type("He is well")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    expect(row_of(page, "Birch").locator(".badge-status")).to_have_text("Called")

    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(row_of(page, "Cedar").get_by_label("Reason", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Enter")
    expect(row_of(page, "Cedar").locator(".badge-status")).to_have_text("Skipped")
    expect(page.locator("#thank-you-progress")).to_contain_text("3 of 3 decided: 1 card to write")

    assert states(desk) == ["to_write", "called", "skipped"]
    with practice_scope(desk.practice):
        call = Touchpoint.objects.get()
        assert (call.note, call.is_thanks) == ("He is well", True)
        assert not desk.birch.referrals.filter(status="seen").exists()


def test_undo_on_the_notice_brings_the_row_back(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")
    row_of(page, "Cedar").get_by_role("button", name="To the next card").click()
    expect(row_of(page, "Cedar").locator(".badge-status")).to_have_text("Carried to the next card")

    page.get_by_role("button", name="Undo").click()

    expect(page.locator("#messages")).to_contain_text("Dr. Cedar is undecided again")
    assert states(desk) == ["undecided"] * 3


def test_two_physicians_desks_show_the_second_what_the_first_decided(site, new_page, desk):
    first, second = new_page(), new_page()
    site.sign_in(first, desk.physician)
    site.sign_in(second, desk.manager)
    for page in (first, second):
        page.goto(site.url + "/thank-you/")

    row_of(first, "Cedar").get_by_role("button", name="Write a card").click()
    expect(row_of(first, "Cedar").locator(".badge-status")).to_have_text("To write")
    row_of(second, "Cedar").get_by_role("button", name="To the next card").click()

    expect(row_of(second, "Cedar")).to_contain_text("Meanwhile Physician One decided: to write.")
    expect(row_of(second, "Cedar").locator(".badge-status")).to_have_text("To write")


def test_cards_are_mailed_together_on_a_phone(site, new_page, desk):
    page = new_page(width=360, has_touch=True, is_mobile=True)
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")
    row_of(page, "Birch").get_by_role("link", name="Skip").tap()
    row_of(page, "Birch").get_by_label("In your own words").tap()
    row_of(page, "Birch").get_by_role("link", name="Leave it").tap()
    for name in ("Alder", "Cedar"):
        row_of(page, name).get_by_role("button", name="Write a card").tap()
        expect(row_of(page, name).locator(".badge-status")).to_have_text("To write")
    page.reload()

    for name in ("Alder", "Cedar"):
        page.get_by_label(f"The card to Dr. {name}").tap()
    page.locator("#cards-form").get_by_role("button", name="Mailed today").tap()

    expect(page.locator("#messages")).to_contain_text("2 cards are mailed.")
    assert states(desk) == ["mailed", "undecided", "mailed"]


def test_everything_works_without_scripting(site, new_page, desk):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")
    row_of(page, "Alder").get_by_role("button", name="Write a card").click()
    row_of(page, "Birch").get_by_role("link", name="Call").click()
    page.get_by_label("What was said").fill("He is well")
    page.get_by_role("button", name="They were called").click()
    row_of(page, "Cedar").get_by_role("link", name="Skip").click()
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("main")).to_contain_text("Say why, so that nobody wonders later.")
    page.get_by_label("Reason", exact=True).select_option("Thanked in person")
    page.get_by_role("button", name="Skip").click()

    expect(page.locator("#thank-you-progress")).to_contain_text("3 of 3 decided")
    assert states(desk) == ["to_write", "called", "skipped"]


def test_story_is_filtered_in_place(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(f"{site.url}/providers/{desk.birch.pk}/")
    expect(page.locator(".timeline")).to_contain_text("thank-you list")

    page.locator(".kinds").get_by_role("link", name="Referrals", exact=True).click()

    expect(page.locator(".timeline > li")).to_have_count(2)
    assert "kind=referrals" in page.url


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
@pytest.mark.parametrize("role", [role.value for role in Role])
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, role, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, getattr(desk, role))
    addresses = [*PAGES, f"/providers/{desk.birch.pk}/", f"/offices/{desk.office.pk}/"]
    for address in addresses:
        page.goto(site.url + address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_axe_finds_nothing_where_an_act_asks(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/thank-you/")
    for count, (name, act) in enumerate([("Birch", "Call"), ("Cedar", "Skip"), ("Alder", "Hand over")], 1):
        row_of(page, name).get_by_role("link", name=act).click()
        expect(page.locator(".row-form")).to_have_count(count)  # a row that opens moves those below it

    assert axe_violations(page) == []
