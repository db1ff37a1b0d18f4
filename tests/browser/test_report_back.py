"""Closing the loop from the board: by a note, by a call, of several at once; undone; by thumb and without scripting."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from contacts.models import Referral
from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.models import Touchpoint


@pytest.fixture
def desk(site):
    now = timezone.now()
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, today=practice.today(now), rows=[], **people)
    with practice_scope(practice):
        desk.provider = make.provider(
            "Okafor", at=make.office("Lakeside", phone="555-0100"), phone="555-0142"
        )
        senders = [desk.provider, desk.provider, make.provider("Brandt"), make.provider("Brandt")]
        for days, sender in enumerate(senders, start=3):
            desk.rows.append(
                referral(desk, days, sender, to="seen", seen_on=desk.today - timedelta(days=days))
            )
        referral(desk, 2, desk.provider)
        referral(desk, 9, desk.provider, to="declined")
    return desk


def referral(desk, days, sender, to="", **step):
    now = timezone.now() - timedelta(days=days)
    received_on = desk.today - timedelta(days=days)
    people = {"provider": sender, "physician": desk.physician}
    row = make.referral(desk.coordinator, now=now, received_on=received_on, **people)
    return move(row, to=to, by=desk.coordinator, now=now, **step) if to else row


def told(desk):
    with practice_scope(desk.practice):
        rows = Referral.objects.filter(pk__in=[row.pk for row in desk.rows]).order_by("pk")
        return [row.status == "closed" for row in rows]


def test_a_note_is_said_from_the_board_and_undone_where_it_was_an_error(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.coordinator)
    page.goto(site.url + "/referrals/")
    page.get_by_role("link", name="Report back", exact=True).first.click()
    expect(page.locator(".lede")).to_contain_text("5 referrers wait for word")
    seen = page.locator(".board > .is-main")
    expect(seen.locator(".board-count")).to_have_text("4")

    seen.get_by_role("link", name="Tell").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tell Amara Okafor, MD")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("by a note, by a call, or both")
    page.get_by_label("Fax").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("Told of 1 patient.")
    expect(seen.locator(".board-count")).to_have_text("3")
    assert told(desk).count(True) == 1  # of two due at one moment after a weekend, either may stand last

    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("word is owed again")
    expect(seen.locator(".board-count")).to_have_text("4")
    assert told(desk) == [False] * 4


def test_several_are_ticked_and_told_at_once_and_one_call_tells_of_two(site, browser_page, desk):
    page = browser_page
    site.sign_in(page, desk.physician)
    page.goto(site.url + "/report-back/?step=seen")
    for row in desk.rows[2:]:
        page.locator(f"#id_referral_{row.pk}").check()
    page.get_by_label("Ticked: the consult note was sent by").select_option("portal")
    page.get_by_role("button", name="They were told").dblclick()
    expect(page.locator("#messages")).to_contain_text("Told of 2 patients.")
    assert told(desk) == [False, False, True, True]

    page.keyboard.press("j")
    page.keyboard.press("b")
    expect(page.get_by_role("link", name="555-0142")).to_have_attribute("href", "tel:555-0142")
    for box in page.locator("[name=referral]").all():
        box.check()
    page.get_by_label("Reached", exact=True).check()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#messages")).to_contain_text("Told of 3 patients.")
    assert told(desk) == [True] * 4
    with practice_scope(desk.practice):
        assert Touchpoint.objects.get().provider == desk.provider


def test_without_scripting_by_thumb_from_the_referrals_page(site, new_page, desk):
    page = new_page(width=360, has_touch=True, java_script_enabled=False)
    site.sign_in(page, desk.coordinator)
    page.goto(f"{site.url}/referrals/{desk.rows[0].pk}/")
    page.get_by_role("link", name="By a call, or of several patients at once").tap()
    page.get_by_text("Letter", exact=True).tap()
    page.get_by_text("Voicemail").tap()
    page.get_by_role("button", name="Save").tap()
    expect(page.locator("#messages")).to_contain_text("Told of 1 patient.")
    expect(page.locator(".timeline")).to_contain_text("consult note by letter")
    assert told(desk).count(True) == 1  # of two due at one moment after a weekend, either may stand last


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
)
def test_axe_finds_nothing_and_nothing_is_cut_off(site, new_page, desk, width, scheme):
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, desk.manager)
    tell = f"tell/?referral={desk.rows[0].pk}"
    for address in ("", "?names=shown", "?step=seen", "?step=told", tell, "figures/"):
        page.goto(f"{site.url}/report-back/{address}")
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.goto(f"{site.url}/report-back/{tell}")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("by a note, by a call, or both")
    assert axe_violations(page) == []
