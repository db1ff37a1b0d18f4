"""Two members with one provider open: the second is asked, and has what they typed. And taking a removal back."""

import re

import pytest
from playwright.sync_api import expect

from contacts.models import OfficeContact, Provider
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations


@pytest.mark.parametrize(
    ("width", "scheme", "scripting"), [(1280, "light", True), (360, "dark", False)], ids=["desk", "phone"]
)
def test_the_second_is_asked_and_keeps_what_was_typed(site, new_page, tmp_path, width, scheme, scripting):
    practice = make.practice()
    people = [make.member(Role.MANAGER, practice, name=name) for name in ("Ida Lee", "Mara Voss")]
    with practice_scope(practice):
        office = make.office("Lakeside")
        provider = make.provider("Okafor", at=office, phone="555-0100")
        person = OfficeContact.objects.create(office=office, name="Rosa Lind")
    mine, theirs = (
        new_page(width=width, color_scheme=scheme, java_script_enabled=scripting) for _one in people
    )
    for page, member in ((mine, people[0]), (theirs, people[1])):
        site.sign_in(page, member)
        page.goto(f"{site.url}/providers/{provider.pk}/edit/")
    theirs.locator("#id_phone").fill("555-0111")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.locator("#messages")).to_contain_text("Saved.")

    mine.locator("#id_phone").fill("555-0122")
    mine.get_by_role("button", name="Save").click()

    said = re.compile(
        r"Mara Voss changed this to “555-0111” at .* while you were typing. Save again to keep yours."
    )
    expect(mine.locator("main")).to_contain_text(said)
    expect(mine.locator("#id_phone")).to_have_value("555-0122")
    mine.screenshot(path=tmp_path / f"conflict-{width}.png", full_page=True)
    assert mine.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if scripting:
        assert axe_violations(mine) == []
    mine.get_by_role("button", name="Save").click()
    expect(mine.locator("#messages")).to_contain_text("Saved.")
    with practice_scope(practice):
        assert Provider.objects.get().phone == "555-0122"

    mine.goto(f"{site.url}/offices/{office.pk}/people/{person.pk}/")
    mine.get_by_role("button", name="Remove this person").click()
    mine.locator("#messages").get_by_role("button", name="Undo").click()
    expect(mine.locator("#messages")).to_contain_text("Taken back: Rosa Lind removed from Lakeside.")
    mine.goto(f"{site.url}/settings/undo/")
    expect(mine.locator("#acts")).to_contain_text("taken back by Ida Lee")
    mine.screenshot(path=tmp_path / f"undo-{width}.png", full_page=True)
    assert mine.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if scripting:
        assert axe_violations(mine) == []
