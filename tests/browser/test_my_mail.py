"""The digest in a browser: its hour chosen, its words read, its link pressed."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from practices.isolation import practice_scope
from practices.models import Member, OutboxEnvelope
from practices.outbox import send_due
from practices.roles import Role
from tests import make
from tests.browser.conftest import axe_violations
from tests.practices.smtp_server import free_port, smtp_server
from touchpoints.digests import make_due_digests
from touchpoints.models import Reminder


@pytest.fixture
def member(settings):
    """A manager of whom something is overdue, in a practice that can send mail."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{settings.EMAIL_PORT}"
    member = make.member(Role.MANAGER, make.practice("Harbor Cardiology"), name="Mara Voss")
    with practice_scope(member.practice):
        Reminder.objects.create(
            rule="told by hand",
            cause="a call",
            member=member,
            reason="Call Dr. Okafor: the first patient was seen.",
            due_on=timezone.now().date() - timedelta(days=4),
            made_at=timezone.now(),
        )
    return member


def tomorrow_evening(member: Member) -> datetime:
    local = timezone.now().astimezone(member.practice.zone)
    return local.replace(hour=17, minute=0) + timedelta(days=1)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_is_asked_for_at_an_hour_read_and_stopped(site, new_page, member, settings, width, scheme):
    settings.SITE_URL = site.url
    page = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    site.sign_in(page, member)
    page.goto(site.url + "/settings/my-mail/")
    page.get_by_label("At what hour").select_option("5 p.m.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"The next one can come at 5 p\.m\. "))

    now = tomorrow_evening(member)
    with practice_scope(member.practice):
        assert make_due_digests(now=now) == 1
    with smtp_server(settings.EMAIL_PORT) as postbox:
        send_due(now)
    (received,) = postbox.messages
    text, html = (part.get_content() for part in received.iter_parts())
    assert received["Subject"].startswith("Harbor Cardiology: 1 reminder is due")
    assert "Call Dr. Okafor: the first patient was seen." in text

    mail = new_page(width=width)
    mail.set_content(html)
    assert axe_violations(mail) == []
    assert mail.evaluate("document.documentElement.scrollWidth <= innerWidth")
    link = mail.get_by_role("link", name="Stop it").get_attribute("href")
    assert received["List-Unsubscribe"].strip() == f"<{link}>"

    theirs = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    theirs.goto(link)
    theirs.get_by_role("button", name="Stop it").click()
    expect(theirs.locator("h1")).to_have_text("Stopped")

    page.goto(site.url + "/settings/my-mail/")
    expect(page.locator("main")).to_contain_text("You get no digest.")
    page.goto(site.url + "/settings/outbox/")
    expect(page.locator("main")).to_contain_text(member.user.email)
    assert OutboxEnvelope.objects.get().state == "sent"
