"""Whatever is logged, corrected, withdrawn and decided in whatever order: nobody thanked twice, nobody never."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts import referral_way
from contacts.models import Referral
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.counts import examples
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou, ThankYouList, ThankYouReferral
from touchpoints.thank_you_lists import make_due_thank_you_lists, referrals_on_no_list

START = date(2026, 10, 19)  # a Monday
NOON = datetime(2026, 10, 19, 16, 0, tzinfo=UTC)

log = st.tuples(st.just("log"), st.integers(0, 20), st.integers(0, 2), st.integers(0, 1))
change = st.tuples(
    st.sampled_from(["withdraw", "provider", "physician", "received_on"]),
    st.integers(0, 9),
    st.integers(0, 2),
)
decide = st.tuples(
    st.sampled_from(["write_card", "skip", "carry", "record_call", "mark_mailed", "take_back"]),
    st.integers(0, 9),
)
days = st.tuples(st.just("days"), st.integers(1, 9))
tick = st.tuples(st.just("tick"))
stories = st.lists(st.one_of(log, log, change, decide, days, tick), min_size=4, max_size=40)


class Undo(Exception):
    """Leaves the story's transaction without keeping it."""


class Story:
    def __init__(self, practice, physicians, coordinator, providers) -> None:
        self.practice, self.physicians, self.coordinator, self.providers = (
            practice,
            physicians,
            coordinator,
            providers,
        )
        self.now = NOON

    @property
    def today(self) -> date:
        return self.practice.today(self.now)

    def log(self, days_ago: int, provider: int, physician: int) -> None:
        make.referral(
            self.coordinator,
            now=self.now,
            received_on=self.today - timedelta(days=days_ago),
            provider=self.providers[provider],
            physician=self.physicians[physician],
        )

    def change(self, what: str, which: int, to: int) -> None:
        referrals = list(Referral.objects.standing().order_by("pk"))
        if not referrals:
            return
        referral = referrals[which % len(referrals)]
        if what == "withdraw":
            referral_way.withdraw(referral, by=self.coordinator, now=self.now, reason="logged in error")
            return
        values = {
            "provider": self.providers[to],
            "physician": self.physicians[to % 2],
            "received_on": self.today - timedelta(days=7 * to),
        }
        referral_way.edit(referral, by=self.coordinator, now=self.now, **{what: values[what]})

    def decide(self, act: str, which: int) -> None:
        rows = list(ThankYou.objects.order_by("pk"))
        if rows:
            reason = {"reason": "no need"} if act == "skip" else {}
            with contextlib.suppress(acts.NotPossible):
                getattr(acts, act)(rows[which % len(rows)], by=self.physicians[0], now=self.now, **reason)

    def play(self, step: tuple) -> None:
        name, *rest = step
        if name == "days":
            self.now += timedelta(days=rest[0])
        elif name == "tick":
            make_due_thank_you_lists(now=self.now)
        elif name == "log":
            self.log(*rest)
        elif name in ("withdraw", "provider", "physician", "received_on"):
            self.change(name, *rest)
        else:
            self.decide(name, *rest)


def check_what_always_holds() -> None:
    links = ThankYouReferral.objects.values_list("referral_id", flat=True)
    assert len(set(links)) == len(links)
    assert not ThankYou.objects.filter(referrals=None, state="undecided").exists()
    for found in ThankYouList.objects.all():
        states = set(found.rows.values_list("state", flat=True))
        assert states
        assert bool(found.reviewed_at) == ("undecided" not in states)
        assert bool(found.finished_at) == (not states & {"undecided", "to_write", "written"})


@pytest.fixture
def story(db):
    practice = make.practice(starts_on=START)
    physicians = [make.member(Role.PHYSICIAN, practice) for _ in range(2)]
    coordinator = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        providers = [make.provider() for _ in range(3)]
        return practice, physicians, coordinator, providers


@pytest.mark.django_db
def test_nobody_is_thanked_twice_and_nobody_never(story):
    practice = story[0]

    @settings(max_examples=examples(40, full=1000), deadline=None)
    @given(stories)
    def tell(steps) -> None:
        told = Story(*story)
        try:
            with transaction.atomic(), practice_scope(practice):
                for step in steps:
                    told.play(step)
                make_due_thank_you_lists(now=told.now)
                check_what_always_holds()
                told.now += timedelta(days=14)
                make_due_thank_you_lists(now=told.now)
                check_what_always_holds()
                assert not referrals_on_no_list(practice.__class__.objects.get(pk=practice.pk)).exists()
                raise Undo
        except Undo:
            pass

    tell()
