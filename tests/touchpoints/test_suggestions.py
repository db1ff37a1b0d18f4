"""What a row suggests, and in which order rows stand."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Provider
from contacts.referral_way import move, report_back, withdraw
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou, ThankYouList, Touchpoint
from touchpoints.suggestions import RowFacts, Suggestion, add_referrals, facts_of, suggest
from touchpoints.thank_you_lists import make_thank_you_lists

pytestmark = pytest.mark.django_db
WEEK = Week.parse("2026-W46")
IN_WEEK = date(2026, 11, 10)
TODAY = date(2026, 11, 18)


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def physician(practice):
    return make.member(Role.PHYSICIAN, practice, name="Ana Reyes")


@pytest.fixture
def scope(practice):
    with practice_scope(practice):
        yield


@pytest.fixture
def sent(physician, scope):
    def sent(**fields):
        return make.referral(physician, **{"physician": physician, "received_on": IN_WEEK, **fields})

    return sent


def listed(practice):
    make_thank_you_lists(week=WEEK, now=make.NOW)
    rows = ThankYou.objects.filter(list__week_starts_on=WEEK.monday)
    facts = facts_of(rows, practice=practice, today=TODAY)
    add_referrals(facts)
    return facts


def card(provider, member, *, days_ago):
    on = TODAY - timedelta(days=days_ago)
    return Touchpoint.objects.create(
        kind="card", happened_on=on, provider=provider, member=member, is_thanks=True,
        logged_at=make.NOW, logged_by=member,
    )  # fmt: skip


def known(sent):
    """A provider who has referred before."""
    provider = make.provider()
    sent(provider=provider, received_on=date(2025, 3, 3))
    return provider


def test_first_referral_ever_suggests_a_card_and_a_call(practice, sent):
    provider = make.provider("Okafor", credentials="NP")
    sent(provider=provider)

    (fact,) = listed(practice)

    assert fact.suggestion == Suggestion.CARD_AND_CALL
    assert fact.reason == "First referral ever from Amara Okafor: a card and a call."


def test_withdrawn_earlier_referral_leaves_the_first_one_first(practice, sent, physician):
    provider = known(sent)
    withdraw(provider.referrals.get(), by=physician, now=make.NOW, reason="Logged twice")
    sent(provider=provider)

    assert listed(practice)[0].is_first_ever


def test_report_due_suggests_a_call_though_no_card_was_ever_sent(practice, sent, physician):
    provider = known(sent)
    move(sent(provider=provider), to="seen", seen_on=IN_WEEK, by=physician, now=make.NOW)

    (fact,) = listed(practice)

    assert fact.suggestion == Suggestion.CALL
    assert fact.reason == "1 report is due: a call that reports back."


def test_last_card_is_said_to_be_ones_own_or_named(practice, sent, physician):
    provider = known(sent)
    sent(provider=provider)
    make_thank_you_lists(week=WEEK, now=make.NOW)
    rows = ThankYou.objects.filter(list__week_starts_on=WEEK.monday)
    manager = make.member(Role.MANAGER, practice)

    def said(reader):
        (fact,) = facts_of(rows, practice=practice, today=TODAY, reader=reader)
        return fact.reason

    assert said(physician) == "No card from you yet: a card."
    assert said(manager) == f"No card from {physician.name} yet: a card."
    card(provider, physician, days_ago=40)
    assert said(physician) == "Your last card was 40 days ago: a card."
    assert said(manager) == f"The last card from {physician.name} was 40 days ago: a card."


def test_report_already_made_asks_for_no_call(practice, sent, physician):
    provider = known(sent)
    seen = move(sent(provider=provider), to="seen", seen_on=IN_WEEK, by=physician, now=make.NOW)
    report_back(seen, by=physician, now=make.NOW)

    assert listed(practice)[0].suggestion == Suggestion.CARD


def test_report_due_from_a_colleague_does_not_ask_this_physician_to_call(practice, sent, physician):
    provider = known(sent)
    colleague = make.member(Role.PHYSICIAN, practice)
    theirs = sent(provider=provider, physician=colleague)
    move(theirs, to="seen", seen_on=IN_WEEK, by=colleague, now=make.NOW)
    sent(provider=provider)

    by_physician = {fact.row.list.physician_id: fact for fact in listed(practice)}

    assert by_physician[physician.pk].reports_due == []
    assert by_physician[colleague.pk].reports_due == [theirs]


def test_history_owes_no_report(practice, sent, physician):
    provider = known(sent)
    old = provider.referrals.get()
    move(old, to="seen", seen_on=old.received_on, by=physician, now=make.NOW)
    sent(provider=provider)

    assert listed(practice)[0].suggestion == Suggestion.CARD


@pytest.mark.parametrize(("days_ago", "suggestion"), [(27, Suggestion.CARRY), (28, Suggestion.CARD)])
def test_card_within_the_practices_interval_carries_the_patients(
    practice, sent, physician, days_ago, suggestion
):
    provider = known(sent)
    card(provider, physician, days_ago=days_ago)
    sent(provider=provider)

    assert listed(practice)[0].suggestion == suggestion


def test_practice_sets_the_interval_between_cards(practice, sent, physician):
    practice.card_interval_days = 60
    practice.save()
    provider = known(sent)
    card(provider, physician, days_ago=59)
    sent(provider=provider)

    assert listed(practice)[0].suggestion == Suggestion.CARRY


def test_colleagues_card_is_shown_and_does_not_replace_this_physicians(practice, sent, physician):
    provider = known(sent)
    colleague = make.member(Role.PHYSICIAN, practice, name="Bo Lind")
    card(provider, colleague, days_ago=3)
    sent(provider=provider)

    (fact,) = listed(practice)

    assert (fact.last_thanks.by, fact.last_thanks.on) == ("Bo Lind", TODAY - timedelta(days=3))
    assert fact.suggestion == Suggestion.CARD


def test_rows_own_card_is_no_reason_for_the_row(practice, sent, physician):
    provider = known(sent)
    sent(provider=provider)
    (before,) = listed(practice)
    acts.write_card(before.row, by=physician, now=make.NOW)
    acts.mark_mailed(before.row, by=physician, now=make.NOW)

    (after,) = facts_of(ThankYou.objects.all(), practice=practice, today=TODAY)

    assert (after.last_thanks, after.suggestion, after.reason) == (None, before.suggestion, before.reason)


def test_withdrawn_card_was_no_card(practice, sent, physician):
    provider = known(sent)
    sent_card = card(provider, physician, days_ago=3)
    sent_card.withdrawn_at, sent_card.withdrawn_by = make.NOW, physician
    sent_card.save()
    sent(provider=provider)

    (fact,) = listed(practice)

    assert (fact.last_thanks, fact.suggestion) == (None, Suggestion.CARD)


def test_carried_patients_are_counted_until_a_card_goes_out(practice, sent, physician):
    provider = known(sent)
    for day in (date(2026, 10, 20), date(2026, 10, 27), date(2026, 11, 3)):
        sent(provider=provider, received_on=day)
    make_thank_you_lists(week=WEEK.previous(), now=make.NOW)
    for row in ThankYou.objects.all():
        acts.carry(row, by=physician, now=make.NOW)
    card(provider, physician, days_ago=22)  # 27 October: the patients of the 20th and 27th are thanked for
    sent(provider=provider)

    fact = next(fact for fact in listed(practice) if fact.row.list.week == WEEK)

    assert fact.carried_count == 1


def test_rows_stand_first_timers_report_due_urgent_longest_unthanked_name(practice, sent, physician):
    names = ["Zulu", "Yankee", "Xray", "Whiskey", "Victor", "Uniform"]
    people = {name: make.provider(name) for name in names}
    for name in names[1:]:
        sent(provider=people[name], received_on=date(2025, 3, 3))
    sent(provider=people["Zulu"])
    move(sent(provider=people["Yankee"]), to="seen", seen_on=IN_WEEK, by=physician, now=make.NOW)
    sent(provider=people["Xray"], urgency="urgent")
    sent(provider=people["Whiskey"])
    sent(provider=people["Uniform"])
    sent(provider=people["Victor"])
    card(people["Uniform"], physician, days_ago=40)
    card(people["Victor"], physician, days_ago=40)

    order = [fact.row.provider.family_name for fact in listed(practice)]

    assert order == ["Zulu", "Yankee", "Xray", "Whiskey", "Uniform", "Victor"]


def test_row_knows_its_patients_and_the_main_office(practice, sent):
    office = make.office("Lakeside", street="1 Pier Road")
    provider = make.provider(at=office)
    mine = [sent(provider=provider), sent(provider=provider, received_on=date(2026, 11, 12))]

    (fact,) = listed(practice)

    assert fact.referrals == mine
    assert (fact.count, fact.office["name"], fact.office["street"]) == (2, "Lakeside", "1 Pier Road")


def test_query_count_does_not_grow_with_the_rows(practice, sent, physician):
    def queries():
        facts = None
        with CaptureQueriesContext(
            connection,
        ) as captured:
            rows = ThankYou.objects.filter(list__week_starts_on=WEEK.monday)
            facts = facts_of(rows, practice=practice, today=TODAY)
            add_referrals(facts)
            assert [str(fact.row.provider) for fact in facts]
        return len(captured), len(facts)

    for _round in range(3):
        sent()
    listed(practice)
    few = queries()
    for _round in range(3):
        sent()
    ThankYouList.objects.all().delete()
    practice.refresh_from_db()
    practice.lists_made_through = None
    practice.save()
    listed(practice)
    many = queries()

    assert (few, many) == ((3, 3), (3, 6))


@given(
    first=st.booleans(),
    reports=st.integers(0, 3),
    card_days_ago=st.none() | st.integers(0, 400),
    interval=st.integers(1, 365),
)
def test_first_rule_that_applies_decides(first, reports, card_days_ago, interval):
    row = ThankYou(provider=Provider(family_name="Okafor", credentials="MD"))
    card_on = None if card_days_ago is None else TODAY - timedelta(days=card_days_ago)
    fact = RowFacts(row, is_first_ever=first, reports_due_count=reports, last_card_on=card_on)

    suggestion, reason = suggest(fact, today=TODAY, card_interval_days=interval)

    expected = (
        Suggestion.CARD_AND_CALL
        if first
        else Suggestion.CALL
        if reports
        else Suggestion.CARRY
        if card_days_ago is not None and card_days_ago < interval
        else Suggestion.CARD
    )
    assert suggestion == expected
    assert reason
