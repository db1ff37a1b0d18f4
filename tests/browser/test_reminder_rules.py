"""The manager tunes a rule: sees what it would do, thinks again, saves, without a mouse and without scripting."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from practices.isolation import practice_scope
from tests.browser.conftest import axe_violations
from tests.touchpoints.reminding import new_desk, provider, touched
from touchpoints.models import Reminder, RuleSetting
from touchpoints.reminders import remind


@pytest.fixture
def desk(site):
    today = timezone.localdate()
    made = new_desk(starts_on=today - timedelta(days=300))
    with practice_scope(made.practice):
        for number, ago in enumerate((31, 40, 70)):
            touched(made, provider(f"Okafor{number}", tier="A"), today - timedelta(days=ago))
        remind(now=timezone.now())
    return made


@pytest.mark.parametrize("scripting", [True, False], ids=["scripting", "no scripting"])
def test_change_is_seen_thought_over_and_saved(site, new_page, desk, scripting):
    page = new_page(java_script_enabled=scripting)
    site.sign_in(page, desk.manager)
    page.goto(f"{site.url}/settings/")
    page.get_by_role("link", name="Reminder rules").click()
    page.get_by_role("link", name="In touch").click()

    page.get_by_label("Days in tier A").fill("60")
    page.get_by_label("Days in tier A").press("Enter")
    expect(page.locator("#what-changes")).to_contain_text("2 open reminders close.")
    page.get_by_label("Days in tier A").fill("90")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("At least 90: “Days in tier A” come before it.")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_label("Days in tier B").fill("90")
    page.get_by_role("button", name="See what changes").click()
    expect(page.locator("#what-changes")).to_contain_text("3 open reminders close.")
    with practice_scope(desk.practice):
        assert not RuleSetting.objects.exists()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. 3 open reminders close.")).to_be_visible()
    expect(page.get_by_text("for 90 days in tier A")).to_be_visible()
    with practice_scope(desk.practice):
        assert not Reminder.objects.open().exists()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_preview_is_accessible_and_not_cut_off_on_a_phone(site, new_page, desk, theme):
    page = new_page(width=360, has_touch=True, color_scheme=theme)
    site.sign_in(page, desk.manager)
    page.goto(f"{site.url}/settings/reminders/in_touch/")
    page.get_by_label("This rule reminds").uncheck()
    page.get_by_role("button", name="See what changes").click()

    expect(page.locator("#what-changes")).to_contain_text("3 open reminders close.")
    assert axe_violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
