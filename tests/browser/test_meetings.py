"""A meeting from start to end: planned, held, its cost in the ledger; by thumb and by keyboard, and without scripting."""

import re
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.models import OfficeContact
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import Gift, GiftLimit, Meeting, Reminder, Touchpoint

SIZES = [
    pytest.param({"width": 1280}, id="1280"),
    pytest.param({"width": 360, "has_touch": True, "is_mobile": True}, id="360"),
]


@pytest.fixture
def desk(site):
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, today=practice.today(timezone.now()), **people)
    with practice_scope(practice):
        GiftLimit.objects.create(year=desk.today.year, amount=100, source="The test")
        desk.office = make.office("Lakeside")
        desk.okafor = make.provider("Okafor", at=desk.office)
        desk.nurse = make.provider("Lindqvist", at=desk.office, credentials="NP")
        desk.byrne = make.provider("Byrne", at=make.office("Hillside"))
        desk.contact = OfficeContact.objects.create(office=desk.office, name="Maria Sole")
    return desk


def rules(desk):
    with practice_scope(desk.practice):
        return list(Reminder.objects.open().values_list("rule", flat=True))


def plan(page, site, desk):
    """From the office's page: those of the office by ticking, one of elsewhere by typing."""
    page.goto(f"{site.url}/offices/{desk.office.pk}/")
    page.get_by_role("link", name="Meet", exact=True).click()
    page.get_by_label("Amara Okafor, MD").check()
    page.get_by_label("Amara Lindqvist, NP").check()
    field = page.get_by_role("combobox", name="Somebody else of theirs")
    field.press_sequentially("byrn")
    page.get_by_role("option", name=re.compile("Byrne")).click()
    expect(page.get_by_label(re.compile("Amara Byrne"))).to_be_checked()
    expect(field).to_have_value("")
    page.get_by_label("Kind").select_option("lunch")
    page.get_by_label("On", exact=False).and_(page.locator("[name=day]")).fill(desk.today.isoformat())
    page.get_by_label("Purpose").fill("How to send imaging")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#messages")).to_contain_text("Planned.")


def tell(page, desk):
    """How it went, who was there after all, what was promised."""
    page.get_by_role("link", name="How did it go?").click()
    page.get_by_label(re.compile("Amara Byrne")).uncheck()
    page.get_by_label("Maria Sole").check()
    page.get_by_label("What was learned").fill("A partner starts in May")
    page.get_by_label("Next step").fill("Bring the guide")
    page.locator("[name=next_step_on]").fill(desk.today.isoformat())
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#messages")).to_contain_text("Logged.")


@pytest.mark.parametrize("size", SIZES)
def test_liaison_plans_a_lunch_tells_how_it_went_and_records_what_it_cost(site, new_page, desk, size):
    page = new_page(**size)
    site.sign_in(page, desk.liaison)

    plan(page, site, desk)
    assert rules(desk) == ["meetings_tomorrow"]
    tell(page, desk)
    assert rules(desk) == ["promised_next_steps"]

    page.get_by_role("link", name="Add a cost").click()
    page.get_by_label("a meal, shared by everybody present").check()
    page.get_by_label("What", exact=False).and_(page.locator("[name=description]")).fill("Sandwiches")
    page.locator("[name=amount]").fill("450.01")
    for question in ("Was it solicited?", "Was it cash, a gift card or the like?"):
        page.get_by_role("group", name=question).get_by_label("No").check()
    page.get_by_role("button", name="Show the totals first").click()

    before = page.get_by_role("region", name="Before it is recorded")
    expect(before).to_contain_text("$112.51")
    expect(before).to_contain_text("$12.51 over the limit")
    page.get_by_label("Reason for going over the limit").fill("Two of us had booked it")
    page.get_by_role("button", name="Record it").click()
    expect(page.locator("#messages")).to_contain_text("Recorded.")
    expect(page.locator("main")).to_contain_text("Sandwiches")

    page.goto(f"{site.url}/gifts/")
    expect(page.get_by_role("row", name=re.compile("Okafor"))).to_contain_text("Over")
    page.goto(f"{site.url}/providers/{desk.okafor.pk}/")
    expect(page.locator(".timeline")).to_contain_text("Meeting (lunch), by Liaison One")
    with practice_scope(desk.practice):
        assert Touchpoint.objects.standing().count() == 2  # Dr. Byrne was not there
        shares = Gift.objects.get().shares.values_list("amount", flat=True)
        assert (len(shares), float(sum(shares))) == (4, 450.01)


def test_without_scripting_somebody_is_added_and_the_meeting_logged_corrected_and_withdrawn(
    site, new_page, desk
):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.physician)
    page.goto(f"{site.url}/meetings/new/?held=1")
    page.get_by_label("Which office").fill("lakeside")
    page.get_by_label("Purpose").fill("Hello")
    page.get_by_label("Somebody else of theirs").fill("byrne")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Purpose")).to_have_value("Hello")
    expect(page.get_by_label(re.compile("Amara Byrne"))).to_be_checked()
    page.get_by_label("Maria Sole").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("main")).to_contain_text("Amara Byrne")

    page.get_by_role("link", name="Correct").click()
    page.get_by_label(re.compile("Amara Byrne")).uncheck()
    page.get_by_label("Why is it corrected?").fill("Only the desk was there")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("main")).not_to_contain_text("Amara Byrne")
    with practice_scope(desk.practice):
        assert Touchpoint.objects.standing().get().office == desk.office

    page.get_by_text("Withdraw it: it did not take place").click()
    page.get_by_label("Why?").fill("They had closed")
    page.get_by_role("button", name="Withdraw the meeting").click()
    expect(page.locator("main")).to_contain_text("Cancelled: They had closed")
    with practice_scope(desk.practice):
        assert not Touchpoint.objects.standing().exists()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_on_the_forms_as_they_are_used(site, new_page, desk, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.manager)

    def is_well():
        assert axe_violations(page) == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    plan(page, site, desk)
    is_well()
    page.get_by_role("link", name="Change").click()
    page.get_by_role("combobox", name="Somebody else of theirs").fill("nobody at all")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("main")).to_contain_text("Nobody in your network is called")
    is_well()
    with practice_scope(desk.practice):
        number = Meeting.objects.get().pk
    page.goto(f"{site.url}/meetings/{number}/")
    tell(page, desk)
    is_well()
    page.goto(f"{site.url}/gifts/new/?provider={desk.okafor.pk}")
    page.get_by_label("a thing, counted whole").check()
    page.locator("[name=description]").fill("Atlas")
    page.locator("[name=amount]").fill("120")
    for question in ("Was it solicited?", "Was it cash, a gift card or the like?"):
        page.get_by_role("group", name=question).get_by_label("No").check()
    page.get_by_role("button", name="Show the totals first").click()
    expect(page.get_by_label("Reason for going over the limit")).to_be_visible()
    is_well()
    page.get_by_label("Reason for going over the limit").fill("Ordered before the limit was known")
    page.get_by_role("button", name="Record it").click()
    expect(page.locator("#messages")).to_contain_text("Recorded.")
    for address in ("/gifts/", "/meetings/", "/settings/gift-limits/"):
        page.goto(site.url + address)
        is_well()
