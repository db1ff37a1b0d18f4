"""The pages of the gift ledger, asked from outside any scope."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from touchpoints.gift_ledger import preview_of, record_gift
from touchpoints.meeting_people import People
from touchpoints.meetings import log_meeting
from touchpoints.models import Gift, GiftLimit, GiftReturn, GiftShare

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY = date(2026, 11, 18)


@pytest.fixture
def desk(time_machine):
    time_machine.move_to(NOW, tick=False)
    practice = make.practice(starts_on=date(2026, 11, 9))
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    with practice_scope(practice):
        office = make.office("Lakeside")
        okafor = make.provider("Okafor", at=office, npi=make.npi())
        nurse = make.provider("Lindqvist", at=office, credentials="NP")
    return SimpleNamespace(practice=practice, office=office, okafor=okafor, nurse=nurse, **people)


def given_to(desk, *providers, amount="40.00", on=TODAY, what="Fruit", **fields):
    with practice_scope(desk.practice):
        people = People(providers)
        gift = Gift(nature="item", description=what, amount=Decimal(amount), given_on=on, **fields)
        return record_gift(
            gift, people=people, by=desk.liaison, now=NOW, is_solicited=False, is_cash=False,
            seen=preview_of(gift, people).key,
        )  # fmt: skip


def met(desk, *providers, members=()):
    with practice_scope(desk.practice):
        at = datetime(2026, 11, 17, 17, 0, tzinfo=UTC)
        return log_meeting(
            people=People(providers, members=members), by=desk.liaison, now=NOW, owner=desk.liaison, kind="lunch",
            starts_at=at, ends_at=at + timedelta(hours=1), purpose="Say hello", office=desk.office,
        )  # fmt: skip


def form(**changes):
    filled = {
        "nature": "meal", "description": "Sandwiches", "amount": "40.01", "is_solicited": "no", "is_cash": "no"
    }  # fmt: skip
    return {**filled, **changes}


def seen_on(page):
    found = re.search(r'name="seen"[^>]* value="([^"]+)"', page.content.decode())
    return found[1] if found else ""


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def shares(desk):
    with practice_scope(desk.practice):
        rows = GiftShare.objects.order_by("pk")
        return [(str(row.person), row.amount, row.counts) for row in rows.select_related("member__user")]


def test_a_meal_is_shown_first_and_then_recorded(client, desk):
    meeting = met(desk, desk.okafor, desk.nurse, members=(desk.liaison,))
    given_to(desk, desk.okafor, amount="100.00")
    client.force_login(desk.liaison.user)
    url = f"{reverse('gift_new')}?meeting={meeting.pk}"

    shown = client.post(url, form())
    words = text_of(shown)
    assert "The limit of 2026 is $535.00 for each physician. Number to be checked" in words
    assert "Amara Okafor, MD $13.34 $100.00 $113.34 $421.66" in words
    assert len(shares(desk)) == 1

    answer = client.post(url, form(seen=seen_on(shown)))
    assert answer.url == reverse("meeting", args=[meeting.pk])
    assert shares(desk)[1:] == [
        ("Amara Okafor, MD", Decimal("13.34"), True),
        ("Amara Lindqvist, NP", Decimal("13.34"), False),
        ("Liaison One", Decimal("13.33"), False),
    ]
    with practice_scope(desk.practice):
        assert Gift.objects.get(meeting=meeting).given_on == date(2026, 11, 17)
    assert "Sandwiches" in text_of(client.get(answer.url))


def test_a_thing_at_a_meeting_is_only_theirs_who_are_ticked(client, desk):
    meeting = met(desk, desk.okafor, desk.nurse)
    client.force_login(desk.liaison.user)
    url = f"{reverse('gift_new')}?meeting={meeting.pk}"
    thing = form(nature="item", description="Atlas", people=[f"provider-{desk.nurse.pk}"])
    client.post(url, {**thing, "seen": seen_on(client.post(url, thing))})
    assert shares(desk) == [("Amara Lindqvist, NP", Decimal("40.01"), False)]


def test_a_cost_at_an_office_where_nobody_is_named_asks_who_received_it(client, desk):
    meeting = met(desk)
    client.force_login(desk.liaison.user)
    url = f"{reverse('gift_new')}?meeting={meeting.pk}"
    assert "Amara Okafor, MD" in text_of(client.get(url))
    meal = form(people=[f"provider-{desk.okafor.pk}"])
    client.post(url, {**meal, "seen": seen_on(client.post(url, meal))})
    assert shares(desk) == [("Amara Okafor, MD", Decimal("40.01"), True)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"is_solicited": "yes"}, "the law allows nothing solicited"),
        ({"is_solicited": ""}, "Say whether they asked for it"),
        ({"is_cash": "yes"}, "gift cards too, are not given"),
        ({"is_cash": ""}, "Say whether it was cash"),
        ({"description": "Coffee gift cards"}, "gift cards too, are not given"),
        ({"amount": "0"}, "greater than or equal to 0.01"),
        ({"amount": "12.345"}, "2 decimal places"),
        ({"given_on": "2026-11-19"}, "in the future"),
        ({"people": []}, "Say who received it"),
    ],
)
def test_what_is_refused_says_why(client, desk, changes, sentence):
    client.force_login(desk.liaison.user)
    data = form(given_on="2026-11-18", people=[f"provider-{desk.okafor.pk}"])
    answer = client.post(reverse("gift_new"), {**data, **changes})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert shares(desk) == []


def test_over_the_limit_shows_the_cure_and_asks_why(client, desk):
    given_to(desk, desk.okafor, amount="500.00")
    client.force_login(desk.liaison.user)
    data = form(given_on="2026-11-18", people=[f"provider-{desk.okafor.pk}"])
    first = client.post(reverse("gift_new"), data)
    assert "$5.01 over the limit." in text_of(first)
    assert "returns $5.01, or what it is worth, by December 31, 2026: once in three years" in text_of(first)
    data["seen"] = seen_on(first)
    again = client.post(reverse("gift_new"), data)
    assert again.status_code == 422
    assert "say why, or leave it" in text_of(again)
    assert "$5.01 over the limit." in text_of(again)
    assert client.post(reverse("gift_new"), {**data, "over_limit_reason": "Two booked"}).status_code == 302
    assert len(shares(desk)) == 2


def test_a_year_without_its_number_asks_for_it(client, desk):
    with practice_scope(desk.practice):
        GiftLimit.objects.create(year=2025, amount=519, source="Federal Register")
    client.force_login(desk.manager.user)
    data = form(given_on="2026-11-18", people=[f"provider-{desk.okafor.pk}"])
    assert "The limit of 2026 is not entered yet" in text_of(client.post(reverse("gift_new"), data))
    assert "is not entered yet" in text_of(client.get(reverse("gifts")))
    client.force_login(desk.liaison.user)
    assert "Ask a manager to enter it." in text_of(client.post(reverse("gift_new"), data))
    assert "Ask a manager to enter it." in text_of(client.get(reverse("gifts")))
    client.force_login(desk.manager.user)

    limit = {"year": "2026", "amount": "535", "source": "CMS, November 2025", "is_checked": "on"}
    assert client.post(reverse("gift_limits"), limit).status_code == 302
    assert client.post(reverse("gift_limits"), limit).status_code == 422
    for wrong in ({"amount": "0"}, {"year": "2006"}, {"year": "2029"}):
        assert client.post(reverse("gift_limits"), {**limit, "year": "2027", **wrong}).status_code == 422
    assert seen_on(client.post(reverse("gift_new"), data))


def test_a_limit_is_mended_and_said_to_be_checked(client, desk):
    client.force_login(desk.manager.user)
    assert text_of(client.get(reverse("gift_limits"))).count("To be checked") == 2
    data = {"amount": "536.00", "source": "CMS", "is_checked": "on", "year": "2001"}
    client.post(reverse("gift_limit", args=[2026]), data)
    with practice_scope(desk.practice):
        row = GiftLimit.objects.get(year=2026)
    assert (row.amount, row.is_checked) == (536, True)
    assert client.post(reverse("gift_limit", args=[2026]), {**data, "amount": "-1"}).status_code == 422


def test_a_limit_that_nothing_stands_on_can_be_removed(client, desk):
    given_to(desk, desk.okafor)
    client.force_login(desk.manager.user)
    refused = client.post(reverse("gift_limit_remove", args=[2026]))
    assert (refused.status_code, "Something was given that year" in text_of(refused)) == (422, True)
    client.post(reverse("gift_limit_remove", args=[2025]))
    with practice_scope(desk.practice):
        assert [row.year for row in GiftLimit.objects.order_by("-year")][:2] == [2026, 2024]


def test_the_ledger_shows_each_physicians_year_and_what_was_returned(client, desk):
    given_to(desk, desk.okafor, amount="530.00", on=date(2026, 2, 2))
    given_to(desk, desk.okafor, amount="25.00", on=date(2026, 3, 2), over_limit_reason="Two booked")
    client.force_login(desk.manager.user)
    assert "$555.00 $555.00" in text_of(client.get(reverse("gifts")))

    url = reverse("gift_return", args=[2026, desk.okafor.pk])
    late = client.post(url, {"on": "2026-08-30"})
    assert (late.status_code, "had to be returned by 08/29/2026" in text_of(late)) == (422, True)
    assert client.post(url, {"on": "2026-03-09"}).url == f"{reverse('gifts')}?year=2026"
    assert "$555.00 $20.00 $535.00 $0.00" in text_of(client.get(reverse("gifts")))
    assert "Nothing was given" in text_of(client.get(reverse("gifts"), {"year": "2025"}))


def test_a_return_is_taken_back_with_a_reason(client, desk):
    given_to(desk, desk.okafor, amount="555.00", on=date(2026, 2, 2), over_limit_reason="Two booked")
    client.force_login(desk.manager.user)
    client.post(reverse("gift_return", args=[2026, desk.okafor.pk]), {"on": "2026-03-09"})
    with practice_scope(desk.practice):
        url = reverse("gift_return_withdraw", args=[GiftReturn.objects.get().pk])
    assert "Say why." in text_of(client.post(url, {}))
    client.post(url, {"reason": "It was another one"})
    shown = text_of(client.get(reverse("gifts")))
    assert "Taken back by Manager One on November 18: It was another one" in shown
    assert "$20.00 over the limit." in shown


def test_what_was_recorded_before_they_were_known_as_a_physician_counts_at_a_press(client, desk):
    given_to(desk, desk.nurse, amount="500.00")
    with practice_scope(desk.practice):
        desk.nurse.credentials = "MD"
        desk.nurse.save()
    sentence = "recorded before they were known as a physician: $500.00."
    client.force_login(desk.liaison.user)
    shown = text_of(client.get(reverse("gifts")))
    assert sentence in shown
    assert "Ask a manager to count it." in shown
    data = form(nature="item", given_on="2026-11-18", people=[f"provider-{desk.nurse.pk}"])
    assert sentence in text_of(client.post(reverse("gift_new"), data))

    client.force_login(desk.manager.user)
    answer = client.post(reverse("gift_count", args=[2026, desk.nurse.pk]), follow=True)
    assert sentence not in text_of(answer)
    assert "$500.00 $35.00" in text_of(answer)


def test_withdrawn_by_whoever_recorded_it_with_a_reason(client, desk):
    gift = given_to(desk, desk.okafor)
    client.force_login(desk.liaison.user)
    url = reverse("gift_withdraw", args=[gift.pk])
    assert client.post(url, {}).status_code == 422
    client.post(url, {"reason": "Another office"})
    assert "Withdrawn by Liaison One on November 18: Another office" in text_of(
        client.get(reverse("gift", args=[gift.pk]))
    )


def test_the_export_has_each_share_and_no_formula(client, desk):
    given_to(desk, desk.okafor, desk.nurse, amount="40.00", what="=1+1")
    gift = given_to(desk, desk.okafor, amount="9.00", what="Atlas")
    given_to(desk, desk.okafor, amount="9.00", what="Old", on=date(2025, 12, 31))
    client.force_login(desk.manager.user)
    client.post(reverse("gift_withdraw", args=[gift.pk]), {"reason": "-1"})

    answer = client.get(reverse("gifts_exported", args=[2026]))
    assert answer["Content-Disposition"] == 'attachment; filename="gifts-2026.csv"'
    header, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    wanted = (
        "Received by",
        "NPI",
        "Counts",
        "What",
        "Share, USD",
        "Year's total, USD",
        "Year's limit, USD",
        "Withdrawn",
    )
    assert [tuple(row[name] for name in wanted) for row in rows] == [
        ("Amara Okafor, MD", desk.okafor.npi, "yes", "'=1+1", "40.00", "40.00", "535.00", ""),
        ("Amara Okafor, MD", desk.okafor.npi, "yes", "Atlas", "9.00", "40.00", "535.00", "'-1"),
        ("Amara Lindqvist, NP", "", "no", "'=1+1", "40.00", "", "", ""),
    ]
    assert client.get("/gifts/1999.csv").status_code == 404


def test_the_export_has_the_returns_and_can_be_one_physicians(client, desk):
    given_to(desk, desk.okafor, amount="555.00", on=date(2026, 2, 2), over_limit_reason="Two booked")
    given_to(desk, desk.nurse)
    client.force_login(desk.manager.user)
    client.post(reverse("gift_return", args=[2026, desk.okafor.pk]), {"on": "2026-03-09"})
    page = client.get(reverse("gifts"), {"provider": desk.okafor.pk}).content.decode()
    url = f"{reverse('gifts_exported', args=[2026])}?provider={desk.okafor.pk}"
    assert url in page
    _header, gift, back = csv.reader(io.StringIO(client.get(url).content.decode("utf-8-sig")))
    assert (gift[0], gift[7], gift[10]) == ("Amara Okafor, MD", "555.00", "535.00")
    assert (back[0], back[5], back[8:11]) == (
        "Amara Okafor, MD", "Excess returned", ["20.00", "2026-03-09", "535.00"]
    )  # fmt: skip


def test_the_ledger_costs_the_same_with_twice_the_rows(client, desk):
    client.force_login(desk.manager.user)

    def queries():
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("gifts"))
        return len(found)

    given_to(desk, desk.okafor)
    few = queries()
    for number in range(4):
        with practice_scope(desk.practice):
            provider = make.provider()
        given_to(desk, provider, amount=f"{number + 1}.00")
    assert queries() == few <= 12


def test_of_another_practices_meeting_or_provider_nothing_is_known(client, desk):
    other = make.practice("Theirs")
    with practice_scope(other):
        stranger = make.provider("Byrne")
    client.force_login(desk.manager.user)
    assert client.get(reverse("gift_new"), {"provider": stranger.pk}).status_code == 404
    assert client.get(reverse("gifts"), {"provider": stranger.pk}).status_code == 404
    data = form(given_on="2026-11-18", people=[f"provider-{stranger.pk}"])
    assert "Say who received it" in text_of(client.post(reverse("gift_new"), data))


def test_what_was_typed_when_the_session_ended_is_there_again(client, desk):
    client.force_login(desk.liaison.user)
    typed = form(of=reverse("gift_new"), description="Half a sandwich", people=[f"provider-{desk.okafor.pk}"])
    client.post(reverse("draft", args=["gift"]), typed)
    shown = re.sub(r"\s+", " ", client.get(reverse("gift_new")).content.decode())
    assert "We kept what you typed." in shown
    assert 'value="Half a sandwich"' in shown
    assert f'value="provider-{desk.okafor.pk}" checked' in shown
    assert (
        "We kept what you typed."
        not in client.get(f"{reverse('gift_new')}?provider={desk.okafor.pk}").content.decode()
    )
