"""The reminders in a browser: by keyboard, by thumb, without scripting; one call for three, many at once, undone."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import Reminder
from touchpoints.reminders import remind
from touchpoints.touchpoint_log import log_call

PHONE = {"width": 360, "has_touch": True, "is_mobile": True}


@pytest.fixture
def desk(site):
    """With Dr. Okafor three things wait, and one with Dr. Roy; all of them the physician's."""
    now = timezone.now()
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, now=now, today=practice.today(now), **people)
    with practice_scope(practice):
        desk.provider = make.provider("Okafor", phone="555-0142")
        call = {"by": desk.physician, "now": now, "happened_on": desk.today - timedelta(days=4)}
        promise = {"next_step": "Send the dosing sheet", "next_step_on": desk.today}
        log_call(outcome="reached", provider=desk.provider, **call, **promise)
        log_call(outcome="voicemail", provider=desk.provider, **call)
        log_call(outcome="voicemail", provider=make.provider("Roy"), **call)
        desk.referral = make.referral(
            desk.coordinator,
            provider=desk.provider,
            physician=desk.physician,
            received_on=desk.today,
            now=now,
        )
        move(desk.referral, to="seen", seen_on=desk.today, by=desk.physician, now=now)
        remind(now=now, only=["report_backs"])
    return desk


def open_rules(desk):
    with practice_scope(desk.practice):
        return sorted(Reminder.objects.open().values_list("rule", flat=True))


def holders(desk):
    with practice_scope(desk.practice):
        return sorted(Reminder.objects.open().values_list("member__user__name", flat=True))


def test_one_call_clears_three_by_thumb(site, new_page, desk):
    page = new_page(**PHONE)
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/reminders/")
    expect(page.locator(".row-group")).to_contain_text("3 things")

    page.locator(".row-group").get_by_role("link", name="Log a call").tap()
    expect(page.locator("main")).to_contain_text("Call Dr. Okafor again")
    page.get_by_text("Reached", exact=True).tap()
    page.get_by_label("The next step promised to Dr. Okafor").check()
    page.get_by_label("Tell Dr. Okafor what was found").check()
    page.get_by_role("button", name="Save").tap()

    expect(page.locator("#messages")).to_contain_text("Logged: Amara Okafor, MD.")
    assert open_rules(desk) == ["unreached_calls"]
    with practice_scope(desk.practice):
        desk.referral.refresh_from_db()
    assert desk.referral.status == "closed"
    expect(page.locator(".reminder-list")).not_to_contain_text("Okafor")


def test_keys_go_from_row_to_row_and_each_act_can_be_undone(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/reminders/")
    page.wait_for_load_state("networkidle")

    def focused():
        return page.evaluate("document.activeElement.closest('li').innerText")

    page.keyboard.press("j")
    assert "3 things" in focused()
    page.keyboard.press("j")
    assert "Call Dr. Okafor again" in focused()
    page.keyboard.press("j")
    promise = page.locator("li", has_text="The next step promised")
    page.keyboard.press("d")
    expect(promise.locator(".badge-status")).to_have_text("Done")
    expect(page.locator("#reminder-tabs")).to_contain_text("All 3")
    page.keyboard.press("u")
    expect(promise.get_by_role("button", name="Done")).to_be_visible()
    expect(page.locator("#reminder-tabs")).to_contain_text("All 4")
    assert len(open_rules(desk)) == 4

    page.keyboard.press("k")
    row = page.locator("li", has_text="Call Dr. Okafor again")
    assert "Call Dr. Okafor again" in focused()
    page.keyboard.press("h")
    row.get_by_label("To whom").select_option(label=str(desk.liaison))
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("Handed over to Liaison One.")
    assert "Liaison One" in holders(desk)
    row.get_by_role("button", name="Undo").click()
    expect(row.get_by_role("link", name="Done")).to_be_visible()
    assert set(holders(desk)) == {"Physician One"}

    row.get_by_role("link").first.focus()
    page.keyboard.press("p")
    row.get_by_label("Until").select_option("week")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("Put off until Monday")
    row.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("overdue")

    for _step in range(6):
        page.keyboard.press("j")
    assert "Call Dr. Roy again" in focused()
    page.keyboard.press("d")
    expect(page.locator("main")).to_contain_text("A card sent by hand")


def test_without_scripting_those_ticked_are_put_off_together_and_brought_back(site, new_page, desk):
    page = new_page(java_script_enabled=False)
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/reminders/")
    page.get_by_label("Choose: Call Dr. Roy again").check()
    page.get_by_label("Choose: Tell Dr. Okafor").check()
    page.locator("#reminders-many").get_by_role("button", name="Put off").click()

    expect(page.locator("main")).to_contain_text("2 reminders were chosen.")
    page.get_by_label("Until").select_option("week")
    page.get_by_role("button", name="Put off").click()
    expect(page.locator("#messages")).to_contain_text("2 put off until Monday")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("Taken back: Reminders: 2 put off")

    page.locator("summary", has_text="More").first.click()
    page.get_by_role("link", name="Dismiss").first.click()
    page.get_by_label("Why it need not be done").select_option("needless")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#messages")).to_contain_text("Dismissed.")
    assert len(open_rules(desk)) == 3


def test_manager_hands_a_whole_load_over(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.manager)
    page.goto(site.url + "/reminders/")
    page.get_by_text("Physician One is furthest behind").click()
    row = page.get_by_role("row", name="Physician One")
    row.get_by_role("link", name="Hand all over").click()
    expect(page.locator("main")).to_contain_text("4 are open")
    page.get_by_label("To whom").select_option(label=str(desk.coordinator))
    page.get_by_role("button", name="See what goes over").click()
    expect(page.locator("main")).to_contain_text("4 go to Coordinator One")
    page.get_by_role("button", name="Hand them over").click()

    expect(page.locator("#messages")).to_contain_text("4 handed over to Coordinator One.")
    assert set(holders(desk)) == {"Coordinator One"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("Taken back: Reminders: 4 handed over")
    assert set(holders(desk)) == {"Physician One"}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.manager)
    with practice_scope(desk.practice):
        row = Reminder.objects.get(rule="report_backs").pk
        called = Reminder.objects.filter(rule="unreached_calls", provider=desk.provider).get().pk
    for address in (
        "/reminders/?chosen=all",
        f"/reminders/?provider={desk.provider.pk}",
        "/reminders/?part=snoozed",
        *[f"/reminders/many/?act={act}&row={row}" for act in ("snooze", "hand_over", "dismiss")],
        f"/reminders/members/{desk.physician.pk}/?to={desk.liaison.pk}",
        f"/reminders/{row}/hand-over/",
        f"/touchpoints/new/?kind=call&reminder={called}",
    ):
        page.goto(site.url + address)
        for more in page.locator("details.row-more summary, details.who-is-behind summary").all():
            more.click()
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
