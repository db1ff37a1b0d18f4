"""A calendar from start to end: its address made, copied, read by a program, and stopped; and an invitation."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from practices.isolation import practice_scope
from practices.models import OutboxEnvelope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from touchpoints.meeting_people import People
from touchpoints.meetings import plan_meeting


def pasted(page):
    """What was copied, pasted elsewhere: no page of ours may read the clipboard."""
    elsewhere = page.context.new_page()
    elsewhere.set_content("<textarea></textarea>")
    elsewhere.locator("textarea").press("Control+V")
    said = elsewhere.locator("textarea").input_value()
    elsewhere.close()
    return said


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_its_address_is_made_copied_read_and_stopped(site, new_page, settings, width, scheme):
    settings.SITE_URL = site.url
    page = new_page(width=width, color_scheme=scheme, permissions=["clipboard-write"])
    site.sign_in(page, make.member(Role.PHYSICIAN, make.practice(), name="Dr Chen"))
    page.goto(site.url + "/")
    page.get_by_role("button", name="Dr Chen" if width > 360 else "More").click()
    page.get_by_role("link", name="Your calendar").click()

    page.get_by_role("button", name="Make the address").click()
    page.get_by_role("button", name="Copy the address").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    address = pasted(page)
    program = new_page().request  # another browser, signed in nowhere
    assert "Write the week's thank-you cards" in program.get(address).text()

    page.get_by_role("link", name="I have it").click()
    expect(page.locator("main")).not_to_contain_text("/calendar/")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Stop the calendar").click()
    expect(page.locator("#messages")).to_contain_text("The address is void")
    assert program.get(address).status == 404


def planned(practice, liaison):
    starts_at, now = timezone.now() + timedelta(days=3), timezone.now()
    with practice_scope(practice):
        people = People((make.provider("Okafor", email="okafor@example.test"), make.provider("Roy")))
        said = {"kind": "visit", "owner": liaison, "purpose": "Hello", "starts_at": starts_at}
        return plan_meeting(
            people=people, by=liaison, now=now, ends_at=starts_at + timedelta(hours=1), **said
        )


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_an_invitation_is_sent_its_change_told_and_the_meeting_called_off(site, new_page, width, scheme):
    practice = make.practice()
    liaison = make.member(Role.LIAISON, practice)
    meeting = planned(practice, liaison)
    page = new_page(width=width, color_scheme=scheme)
    site.sign_in(page, liaison)
    page.goto(f"{site.url}/meetings/{meeting.pk}/")
    section = page.get_by_role("region", name="Invitations")
    expect(section).to_contain_text("Not invited yet Dr. Okafor")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    section.get_by_role("button", name="Send the invitation").click()
    expect(section).to_contain_text("Invited Dr. Okafor")

    page.get_by_role("link", name="Change").click()
    page.locator("#id_day").fill((timezone.now() + timedelta(days=5)).date().isoformat())
    page.get_by_role("button", name="Save", exact=True).last.click()
    section.get_by_role("button", name="Tell them how it stands").click()
    expect(page.locator("#messages")).to_contain_text("1 mail is on its way.")

    page.get_by_text("Cancel it").click()
    expect(page.locator("main")).to_contain_text("Who was invited is told by mail")
    page.locator("#id_reason").fill("Snow")
    page.get_by_role("button", name="Cancel the meeting").click()
    expect(page.locator("main")).to_contain_text("Cancelled: Snow")
    sent = OutboxEnvelope.objects.order_by("pk").values_list("recipient", "calendar_method")
    assert list(sent) == [("okafor@example.test", method) for method in ("REQUEST", "REQUEST", "CANCEL")]
