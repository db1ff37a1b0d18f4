"""A member's own wishes about the digest, and the link in each that stops it."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from practices.digest_wishes import LINK_LASTS, awaiting_digest, new_unsubscribe_link
from practices.isolation import practice_scope
from practices.models import Digest, LinkToken, Member
from practices.outbox import queue_mail, send_due
from practices.secret_links import new_link
from practices.views.my_mail import TRIES
from tests import make
from tests.practices.smtp_server import free_port, smtp_server

pytestmark = pytest.mark.django_db
NOW = make.NOW  # a Wednesday, 10:00 in New York
PAGE = "/settings/my-mail/"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()  # each test has its own minute of tries
        yield clock


@pytest.fixture
def desk():
    practice = make.practice()
    physician, colleague = (make.member("physician", practice) for _ in range(2))
    with practice_scope(practice):
        link = new_unsubscribe_link(physician, now=NOW)
    token = link.strip("/").rpartition("/")[2]
    return SimpleNamespace(
        practice=practice, physician=physician, colleague=colleague, link=link, token=token,
        url=reverse("unsubscribe", args=[token]),
    )  # fmt: skip


def read_again(member: Member) -> Member:
    with practice_scope(member.practice_id):
        return Member.objects.get(pk=member.pk)


def awaiting(practice, now: datetime) -> list[Member]:
    with practice_scope(practice):
        return list(awaiting_digest(practice, now=now))


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


class TestOnesWishes:
    def test_are_ones_own_and_nobody_elses(self, client, desk):
        client.force_login(desk.physician.user)
        assert client.post(PAGE, {"digest_hour": "17"}).status_code == 302
        mine, other = read_again(desk.physician), read_again(desk.colleague)
        assert (mine.wants_digest, mine.digest_hour) == (False, 17)
        assert (other.wants_digest, other.digest_hour) == (True, 7)
        assert "You get no digest." in text_of(client.get(PAGE)) or "No mail server" in text_of(
            client.get(PAGE)
        )

    @pytest.mark.parametrize("hour", ["24", "-1", "", "seven"])
    def test_know_the_hours_of_a_day(self, client, desk, hour):
        client.force_login(desk.physician.user)
        assert client.post(PAGE, {"wants_digest": "on", "digest_hour": hour}).status_code == 422
        assert read_again(desk.physician).digest_hour == 7

    def test_say_when_the_next_can_come(self, client, desk, settings):
        settings.EMAIL_URL = "smtp://127.0.0.1:1"
        client.force_login(desk.physician.user)
        client.post(PAGE, {"wants_digest": "on", "digest_hour": "17"})
        assert "The next one can come at 5 p.m. today." in text_of(client.get(PAGE))
        client.post(PAGE, {"wants_digest": "on", "digest_hour": "8"})
        assert "The next one can come at 8 a.m. on Thursday, November 19." in text_of(client.get(PAGE))
        client.post(PAGE, {"digest_hour": "8"})
        assert "You get no digest." in text_of(client.get(PAGE))

    def test_say_that_no_mail_server_is_there(self, client, desk, settings):
        settings.EMAIL_URL = ""
        client.force_login(desk.physician.user)
        assert "No mail server is set up here" in text_of(client.get(PAGE))

    def test_for_an_hour_that_is_past_begin_tomorrow(self, client, desk):
        client.force_login(desk.physician.user)
        client.post(PAGE, {"wants_digest": "on", "digest_hour": "9"})
        assert awaiting(desk.practice, NOW) == [desk.colleague]
        tomorrow = datetime(2026, 11, 19, 9, 0, tzinfo=ZoneInfo("America/New_York"))
        assert awaiting(desk.practice, tomorrow) == [desk.physician, desk.colleague]

    def test_moved_to_a_later_hour_bring_no_second_digest_that_day(self, client, desk):
        with practice_scope(desk.practice):
            Digest.objects.create(member=desk.physician, day=date(2026, 11, 18))
        client.force_login(desk.physician.user)
        client.post(PAGE, {"wants_digest": "on", "digest_hour": "17"})
        assert awaiting(desk.practice, NOW + timedelta(hours=8)) == [desk.colleague]


class TestTheLink:
    def test_looked_at_changes_nothing_and_offers_a_button(self, client, desk):
        shown = text_of(client.get(desk.url))
        assert "Stop the daily mail?" in shown
        assert desk.practice.name in shown
        for secret in (desk.physician.name, desk.physician.user.email):
            assert secret not in shown
        assert read_again(desk.physician).wants_digest

    def test_posted_to_by_a_mail_program_stops_without_session_or_token(self, desk):
        program = Client(enforce_csrf_checks=True)
        response = program.post(desk.url, ONE_CLICK)
        assert (response.status_code, dict(response.cookies)) == (200, {})
        assert not read_again(desk.physician).wants_digest
        assert read_again(desk.colleague).wants_digest
        assert awaiting(desk.practice, NOW) == [desk.colleague]

    def test_pressed_twice_stops_once_and_says_so_again(self, client, desk):
        answers = [client.post(desk.url, ONE_CLICK) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content
        assert "sends you no daily mail any more" in text_of(answers[0])

    def test_is_the_same_whoever_is_signed_in_and_stops_only_whose_it_is(self, client, desk):
        client.force_login(desk.colleague.user)
        assert "Sign out" not in text_of(client.get(desk.url))
        client.post(desk.url, ONE_CLICK)
        assert not read_again(desk.physician).wants_digest
        assert read_again(desk.colleague).wants_digest

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_forged_expired_and_of_another_purpose_are_one_page(self, desk, now, method):
        with practice_scope(desk.practice):
            other, row = new_link(
                LinkToken.Purpose.CALENDAR,
                practice_id=desk.practice.pk,
                object_id=desk.physician.pk,
                expires_at=None,
            )
            row.save()
        now.move_to(NOW + LINK_LASTS)
        answers = [
            getattr(Client(), method)(f"/mail/stop/{token}/", ONE_CLICK)
            for token in (desk.token, other, "A" * 43, desk.token[:-1], "x" * 10_000)
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert desk.practice.name not in text_of(answers[0])
        assert read_again(desk.physician).wants_digest

    def test_is_tried_a_hundred_times_a_minute_and_no_more(self, client, desk):
        statuses = [client.post(f"/mail/stop/{number:043d}/").status_code for number in range(TRIES + 50)]
        assert statuses == [404] * TRIES + [429] * 50
        refused = client.post(desk.url, ONE_CLICK)
        assert (refused.status_code, refused["Retry-After"]) == (429, "60")
        assert read_again(desk.physician).wants_digest

    def test_stands_in_the_headers_that_mail_programs_read(self, desk, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
        settings.EMAIL_URL = "smtp://set"
        link = f"https://{'a-long-name.' * 8}example{desk.url}"  # no header folds inside an address
        mail = queue_mail(to="ida@example.test", subject="s", text="t", now=NOW, unsubscribe_link=link)
        with smtp_server(settings.EMAIL_PORT) as postbox:
            send_due(NOW)
        (received,) = postbox.messages
        assert received["List-Unsubscribe"].strip() == f"<{link}>"
        assert received["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        mail.refresh_from_db()
        assert (mail.state, mail.unsubscribe_link, mail.headers) == ("sent", "", {})
