"""What is typed into a form and not saved is there again, after a reload and after an ended session."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import Session
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints.models import ThankYou
from touchpoints.thank_you_lists import make_thank_you_lists

pytestmark = pytest.mark.django_db
WORDS = "Half a sentence"
CALL, CARD = "/touchpoints/new/?kind=call", "/touchpoints/new/?kind=card"


@pytest.fixture
def desk():
    practice = make.practice()
    desk = SimpleNamespace(practice=practice, physician=make.member(Role.PHYSICIAN, practice))
    with time_machine.travel(make.NOW, tick=False):
        with practice_scope(practice):
            desk.provider = make.provider("Okafor", at=make.office("Lakeside"))
            make.referral(
                desk.physician,
                provider=desk.provider,
                physician=desk.physician,
                received_on=date(2026, 11, 10),
            )
            make_thank_you_lists(week=Week.parse("2026-W46"), now=make.NOW)
            desk.row = ThankYou.objects.get()
        yield desk


def shown(client, address):
    return client.get(address).content.decode()


@pytest.mark.parametrize(
    ("address", "field"), [(CALL, "note"), (CARD, "note"), ("/gifts/new/", "description")]
)
def test_a_reload_shows_what_was_typed_at_that_address_alone(client, desk, address, field):
    client.force_login(desk.physician.user)
    keeper = re.search(r'data-draft="([^"]+)"', shown(client, address))[1]

    assert client.post(keeper, {field: WORDS, "of": address}).status_code == 204

    assert WORDS in shown(client, address)
    assert "We kept what you typed." in shown(client, address)
    elsewhere = f"{address}{'&' if '?' in address else '?'}provider={desk.provider.pk}"
    assert WORDS not in shown(client, elsewhere)


@pytest.mark.parametrize("address", [CALL, CARD])
def test_a_call_or_card_posted_after_the_session_ended_is_there_again_until_it_is_logged(
    client, desk, address
):
    address = f"{address}&provider={desk.provider.pk}"
    typed = {"note": WORDS, "of": address, "happened_on": "2026-11-17", "call_outcome": "voicemail"}
    end_session(client, desk)

    assert client.post(address, typed).url.startswith(reverse("account_login"))

    client.force_login(desk.physician.user)
    page = shown(client, address)
    assert WORDS in page
    assert 'value="2026-11-17"' in page
    assert client.post(address, typed).status_code == 302
    assert WORDS not in shown(client, address)


@pytest.mark.parametrize(("act", "field"), [("card", "personal_line"), ("call", "note")])
def test_so_is_what_was_typed_into_a_row_of_the_list(client, desk, act, field):
    address = reverse(f"thank_you_{act}", args=[desk.row.pk])
    end_session(client, desk)

    client.post(address, {field: WORDS, "of": address, "seen": "undecided"})

    client.force_login(desk.physician.user)
    assert WORDS in shown(client, address)
    assert f'name="of" type="hidden" value="{address}"' in shown(client, address)
    client.post(address, {field: WORDS, "of": address, "seen": "undecided"})
    assert "We kept" not in shown(client, address)


def end_session(client, desk):
    client.force_login(desk.physician.user)
    Session.objects.update(expire_date=timezone.now() - timedelta(hours=1))
