"""A calendar's address: shown once, revocable, and the only thing that opens the feed."""

import hashlib
from datetime import date
from random import randrange
from urllib.parse import quote

import pytest
import time_machine
import vobject

from practices.forgetting import forget_what_is_over
from practices.isolation import practice_scope
from practices.members import leave
from practices.models import LinkToken
from practices.roles import Role
from tests import make
from tests.test_hostile import HOSTILE
from touchpoints.touchpoint_log import log_call
from touchpoints.views.calendar import READS_A_MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture
def member():
    return make.member(Role.PHYSICIAN, make.practice(starts_on=date(2026, 11, 9)), name="Dr Chen")


@pytest.fixture
def address(client, member) -> str:
    """As the page shows it; whoever reads it afterwards is signed out."""
    client.force_login(member.user)
    path = address_on(client.post("/calendar/"))
    client.logout()
    return path


def address_on(response) -> str:
    return response.context["link"].removeprefix("http://localhost:8000")


class TestThePage:
    def test_shows_the_address_once_and_keeps_its_hash_alone(self, client, member):
        client.force_login(member.user)
        assert "Make the address" in client.get("/calendar/").content.decode()
        made = client.post("/calendar/")
        assert made["Cache-Control"].count("no-store") == 1
        token = address_on(made).removeprefix("/calendar/").removesuffix(".ics")
        assert len(token) == 43
        assert f">http://localhost:8000/calendar/{token}.ics</textarea>" in made.content.decode()
        row = LinkToken.objects.get()
        assert bytes(row.token_hash) == hashlib.sha256(token.encode()).digest()
        assert (row.purpose, row.object_id, row.expires_at) == ("calendar", member.pk, None)
        again = client.get("/calendar/").content.decode()
        assert token not in again
        assert "Make a new address" in again
        assert token not in str(dict(client.session))

    def test_a_new_address_voids_the_earlier(self, client, member, address):
        client.force_login(member.user)
        new = address_on(client.post("/calendar/"))
        assert (client.get(address).status_code, client.get(new).status_code) == (404, 200)
        assert LinkToken.objects.count() == 1

    def test_revoking_ends_it_and_another_members_stays(self, client, member, address):
        other = make.member(Role.LIAISON, member.practice)
        client.force_login(other.user)
        theirs = address_on(client.post("/calendar/"))
        client.force_login(member.user)
        client.post("/calendar/revoke/")
        assert (client.get(address).status_code, client.get(theirs).status_code) == (404, 200)


class TestTheFeed:
    def test_opens_without_signing_in(self, client, address):
        response = client.get(address)
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert "private" in response["Cache-Control"]
        assert not response.cookies
        assert vobject.readOne(response.content.decode()).vevent.summary.value.startswith("Write the week")
        assert address.removeprefix("/calendar/").removesuffix(".ics") not in response.content.decode()

    def test_answers_head_without_a_body(self, client, address):
        head = client.head(address)
        assert (head.status_code, head.content) == (200, b"")
        assert head["ETag"] == client.get(address)["ETag"]

    @pytest.mark.parametrize("encoding", ["identity", "gzip"])
    def test_is_not_sent_again_until_it_changes(self, client, member, address, encoding):
        etag = client.get(address, headers={"Accept-Encoding": encoding})["ETag"]
        unchanged = client.get(address, headers={"If-None-Match": etag, "Accept-Encoding": encoding})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        with practice_scope(member.practice):
            log_call(outcome="no_answer", provider=make.provider(), by=member, now=make.NOW)
        changed = client.get(address, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed["ETag"] != etag

    def test_forged_truncated_revoked_and_of_one_who_left_are_the_same_404(self, client, member, address):
        forged = f"/calendar/{'x' * 43}.ics"
        answers = [client.get(path) for path in (forged, address[:-6] + ".ics")]
        with practice_scope(member.practice):
            make.member(Role.MANAGER, member.practice)
            leave(member, now=make.NOW)
        answers.append(client.get(address))
        LinkToken.objects.all().delete()
        answers.append(client.get(address))
        assert {answer.status_code for answer in answers} == {404}
        numbers = [answer["X-Request-ID"].encode() for answer in answers]
        for answer in answers:
            del answer["X-Request-ID"]
        contents = {
            answer.content.replace(number, b"") for answer, number in zip(answers, numbers, strict=True)
        }
        assert len(contents) == 1
        assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1

    @pytest.mark.parametrize("token", HOSTILE)
    def test_at_an_address_nobody_made_is_not_there(self, client, token):
        assert client.get(f"/calendar/{quote(token)}.ics").status_code == 404

    def test_of_a_user_who_was_locked_is_shut(self, client, member, address):
        member.user.is_active = False
        member.user.save()
        assert client.get(address).status_code == 404

    def test_opens_for_a_browser_that_is_signed_in_to_another_practice(self, client, member, address):
        stranger = make.member(Role.MANAGER, make.practice("Theirs"))
        client.force_login(stranger.user)
        assert "Dr Chen" in client.get(address).content.decode()

    def test_lasts_when_links_that_end_are_forgotten(self, client, address):
        forget_what_is_over(now=make.NOW.replace(year=2036))
        assert client.get(address).status_code == 200

    def test_an_invitations_link_opens_no_calendar(self, client, member, address):
        LinkToken.objects.update(purpose="feedback")
        assert client.get(address).status_code == 404

    def test_takes_only_so_many_tries_a_minute_of_one_network(self, client, address):
        forged = f"/calendar/{'x' * 43}.ics"
        here = {"REMOTE_ADDR": f"2001:db8:{randrange(65536):x}:{randrange(65536):x}::1"}
        with time_machine.travel(make.NOW, tick=False):
            tries = [client.get(forged, **here).status_code for _ in range(READS_A_MINUTE)]
            refused = client.get(address, **here)
            elsewhere = client.get(address, REMOTE_ADDR="192.0.2.7")
        assert set(tries) == {404}
        assert (refused.status_code, refused["Retry-After"], refused.content) == (429, "60", b"")
        assert elsewhere.status_code == 200
