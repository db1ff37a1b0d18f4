"""A provider's standing against their own rhythm: each boundary, and in words."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.referral_way import withdraw
from contacts.standing import Rhythm, Standing, in_words, rhythms, standing_on
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

TODAY = date(2026, 11, 18)
DAYS = st.integers(0, 2000)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def rhythm(*days: int) -> Rhythm:
    """Referrals so many days ago, as the query would sum them up."""
    window = sorted({d for d in days if d < 730}, reverse=True)
    return Rhythm(
        first_ever_on=ago(max(days)) if days else None,
        first_on=ago(window[0]) if window else None,
        last_on=ago(window[-1]) if window else None,
        days=len(window),
    )


def every(gap: int, *, since: int, times: int = 7) -> Rhythm:
    """`times` gaps of as many days, the last referral `since` days ago."""
    return rhythm(*[since + gap * n for n in range(times + 1)])


def test_who_never_referred_is_a_prospect():
    assert standing_on(TODAY, Rhythm()) == Standing.PROSPECT
    assert in_words(TODAY, Rhythm()) == "Has not referred yet."


@pytest.mark.parametrize(("first", "standing"), [(0, "new"), (89, "new"), (90, "active")])
def test_new_for_ninety_days(first, standing):
    assert standing_on(TODAY, rhythm(first, 0)) == standing


def test_new_even_when_they_sent_often():
    assert standing_on(TODAY, rhythm(*range(10, 80, 10))) == Standing.NEW
    assert in_words(TODAY, rhythm(1)) == "First referral 1 day ago."
    assert in_words(TODAY, rhythm(40, 3)) == "First referral 40 days ago."


@pytest.mark.parametrize(("since", "standing"), [(365, "active"), (366, "lapsed")])
def test_too_few_to_say_are_active_for_a_year(since, standing):
    few = rhythm(since, since + 10, since + 20)
    assert standing_on(TODAY, few) == standing
    assert in_words(TODAY, few) == f"Too few referrals to say how often; {since} days now."


def test_five_gaps_are_enough_to_say_and_four_are_not():
    assert standing_on(TODAY, every(10, since=100, times=5)) == Standing.DECLINING
    assert standing_on(TODAY, every(10, since=100, times=4)) == Standing.ACTIVE


@pytest.mark.parametrize(
    ("since", "standing"), [(46, "active"), (47, "declining"), (180, "declining"), (181, "lapsed")]
)
def test_every_ten_days(since, standing):
    """4.6 gaps are 46 days; ten gaps are less than 180 days, so 180 counts."""
    assert standing_on(TODAY, every(10, since=since)) == standing


@pytest.mark.parametrize(
    ("since", "standing"), [(138, "active"), (139, "declining"), (300, "declining"), (301, "lapsed")]
)
def test_every_thirty_days_lapses_after_ten_gaps(since, standing):
    assert standing_on(TODAY, every(30, since=since)) == standing


def test_a_slow_rhythm_is_not_called_quiet():
    assert standing_on(TODAY, every(60, since=100)) == Standing.ACTIVE


def test_who_referred_only_before_the_window_has_lapsed():
    assert standing_on(TODAY, rhythm(800)) == Standing.LAPSED
    assert in_words(TODAY, rhythm(800)) == "Has not referred for more than two years."


def test_the_habit_is_said_in_words():
    assert in_words(TODAY, every(9, since=45)) == "Usually every 9 days; 45 days now."
    assert in_words(TODAY, every(1, since=1, times=100)) == "Usually every day; 1 day now."


@given(st.lists(DAYS, max_size=40))
def test_every_history_has_one_standing_and_a_sentence(days):
    found = rhythm(*days)
    assert standing_on(TODAY, found) in set(Standing)
    assert in_words(TODAY, found).endswith(".")


@given(st.lists(st.integers(90, 1500), min_size=1, max_size=40), st.integers(0, 400), st.integers(1, 400))
def test_silence_never_makes_a_standing_better(days, earlier, later):
    """The same referrals, looked at on a later day."""
    order = [Standing.NEW, Standing.ACTIVE, Standing.DECLINING, Standing.LAPSED]
    found = rhythm(*[d for d in days if d < 730] or [100])
    first, then = (standing_on(TODAY + timedelta(days=n), found) for n in (earlier, earlier + later))
    assert order.index(first) <= order.index(then)


@pytest.mark.django_db
def test_rhythms_count_days_not_referrals_and_no_withdrawn_ones():
    practice = make.practice()
    manager = make.member(Role.MANAGER, practice)
    with practice_scope(practice):
        provider, quiet = make.provider(), make.provider()
        for days in (0, 0, 10, 729, 730, 900):
            make.referral(manager, provider=provider, received_on=ago(days))
        gone = make.referral(manager, provider=quiet, received_on=ago(3))
        withdraw(gone, by=manager, now=make.NOW, reason="Logged twice")
        found = rhythms(TODAY)
    assert found == {provider.pk: Rhythm(first_ever_on=ago(900), first_on=ago(729), last_on=TODAY, days=3)}


@pytest.mark.django_db
def test_rhythms_as_of_a_day_do_not_know_what_came_later():
    practice = make.practice()
    manager = make.member(Role.MANAGER, practice)
    with practice_scope(practice):
        provider = make.provider()
        make.referral(manager, provider=provider, received_on=ago(5))
        make.referral(manager, provider=provider, received_on=ago(20))
        assert rhythms(ago(10))[provider.pk].last_on == ago(20)
        assert rhythms(ago(30)) == {}
