"""The arithmetic of gifts: shares to the cent, who is a physician, the limit at its boundary, the cure."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.counts import examples
from touchpoints.gift_shares import Entry, Return, cure_of, exceeded_on, is_physician, kept, says_cash, split

CENTS = st.integers(min_value=1, max_value=99_999_999)
COUNT = examples(60, full=2000)


def dollars(cents):
    return Decimal(cents) / 100


@settings(max_examples=COUNT, deadline=None)
@given(cents=CENTS, people=st.integers(min_value=1, max_value=200))
def test_shares_sum_to_the_cent_and_differ_by_one_at_most_the_first_the_larger(cents, people):
    shares = split(dollars(cents), people)
    assert len(shares) == people
    assert sum(shares) == dollars(cents)
    assert max(shares) - min(shares) <= Decimal("0.01")
    assert shares == sorted(shares, reverse=True)
    assert all(share == share.quantize(Decimal("0.01")) for share in shares)


def test_the_first_take_the_odd_cents():
    assert split(Decimal("100.00"), 3) == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    assert split(Decimal("0.01"), 2) == [Decimal("0.01"), Decimal("0.00")]


@pytest.mark.parametrize(
    "credentials", ["MD", "M.D.", "md, PhD", "DO", "D.O.", "DPM", "OD", "DDS", "DMD", "DC", "MBBS", "FACC/MD"]
)
def test_physicians_under_the_law(credentials):
    assert is_physician(credentials)


@pytest.mark.parametrize(
    "credentials", ["", "NP", "PA-C", "DNP", "PhD", "RN", "PharmD", "PsyD", "DPT", "AuD", "MDiv", "CNM"]
)
def test_others_are_recorded_and_do_not_count(credentials):
    assert not is_physician(credentials)


@pytest.mark.parametrize(
    "words",
    [
        "Gift card",
        "giftcards",
        "$50 in cash",
        "an e-gift",
        "Visa prepaid card",
        "gift certificate",
        "VOUCHER",
        "A check",
        "$50 bill",
        "Starbucks card",
        "Coffee card, $25",
        "$25 card for the bakery",
    ],
)
def test_cash_and_its_like_are_known_by_their_words(words):
    assert says_cash(words)


@pytest.mark.parametrize(
    "words", ["Lunch for the office", "Cashews", "Anatomy poster", "Thank-you cards to hand out"]
)
def test_other_words_are_no_cash(words):
    assert not says_cash(words)


@settings(max_examples=COUNT, deadline=None)
@given(amounts=st.lists(CENTS, min_size=1, max_size=8), limit=CENTS)
def test_the_limit_itself_is_within_it_and_one_cent_more_is_not(amounts, limit):
    day = date(2026, 3, 2)
    entries = [Entry(day, dollars(cents)) for cents in amounts]
    total = sum(amounts)
    assert exceeded_on(entries, dollars(total)) is None
    assert cure_of(entries, dollars(total)) is None
    assert exceeded_on(entries, dollars(total - 1)) == day
    assert (exceeded_on(entries, dollars(limit)) is None) == (total <= limit)


@settings(max_examples=COUNT, deadline=None)
@given(
    limit=st.integers(min_value=2, max_value=1_000_000), more=st.integers(min_value=1, max_value=1_000_000)
)
def test_the_cure_reaches_an_excess_of_half_the_limit_and_no_cent_more(limit, more):
    cure = cure_of([Entry(date(2026, 3, 2), dollars(limit + more))], dollars(limit))
    assert cure.excess == dollars(more)
    assert cure.is_small_enough == (more <= limit / 2)


@settings(max_examples=COUNT, deadline=None)
@given(day=st.dates(min_value=date(2014, 1, 1), max_value=date(2040, 12, 31)))
def test_it_is_returned_within_180_days_and_within_the_year(day):
    cure = cure_of([Entry(day, Decimal(11))], Decimal(10))
    assert day <= cure.return_by <= day + timedelta(days=180)
    assert cure.return_by.year == day.year
    assert cure.return_by in (day + timedelta(days=180), date(day.year, 12, 31))


def test_the_days_run_from_the_gift_that_went_over():
    entries = [
        Entry(date(2026, 5, 1), Decimal(3)),
        Entry(date(2026, 1, 5), Decimal(9)),
        Entry(date(2026, 2, 2), Decimal(2)),
    ]
    assert cure_of(entries, Decimal(10)).return_by == date(2026, 2, 2) + timedelta(days=180)


@settings(max_examples=COUNT, deadline=None)
@given(used=st.dates(min_value=date(2014, 1, 1), max_value=date(2040, 12, 31)), days=st.integers(0, 2000))
def test_once_cured_not_again_for_three_years(used, days):
    day = used + timedelta(days=days)
    cure = cure_of([Entry(day, Decimal(11))], Decimal(10), used_on=[used])
    three_years_on = date(
        used.year + 3, *((3, 1) if (used.month, used.day) == (2, 29) else (used.month, used.day))
    )
    assert cure.is_open == (day >= three_years_on)


def test_what_was_given_back_counts_no_more():
    entries = [Entry(date(2026, 1, 5), Decimal(9)), Entry(date(2026, 2, 2), Decimal(4))]
    returns = [Return(date(2026, 3, 2), Decimal(3))]
    assert kept(entries, returns) == Decimal(10)
    assert cure_of(entries, Decimal(10), returns=returns) is None
    assert kept([], returns) == 0


def test_after_a_return_the_days_run_from_the_gift_that_went_over_again():
    entries = [Entry(date(2026, 2, 2), Decimal(12)), Entry(date(2026, 5, 1), Decimal(1))]
    cure = cure_of(entries, Decimal(10), returns=[Return(date(2026, 3, 2), Decimal(2))])
    assert (cure.since, cure.excess) == (date(2026, 5, 1), 1)
