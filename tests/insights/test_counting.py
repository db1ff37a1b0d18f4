"""Figures kept ahead are what the rows say, whatever was done to the rows."""

from collections import Counter
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import referral_way
from contacts.merging import merge_providers, undo_merge
from contacts.models import Referral
from contacts.standing import rhythms, standing_on
from insights.counting import count_figures
from insights.models import Counting, DailyFigures, SourceFigures, Uncounted
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.counts import examples

pytestmark = pytest.mark.django_db
TODAY = make.NOW.date()


@pytest.fixture
def desk():
    practice = make.practice(starts_on=date(2024, 1, 1))
    desk = SimpleNamespace(practice=practice, manager=make.member(Role.MANAGER, practice))
    desk.physicians = [make.member(Role.PHYSICIAN, practice) for _ in range(2)]
    with practice_scope(practice):
        desk.offices = [make.office() for _ in range(2)]
        desk.providers = [make.provider(at=office) for office in desk.offices]
        yield desk


def kept_days():
    rows = DailyFigures.objects.values_list("by", "day", "key", "received", "seen", "told")
    return {row[:3]: row[3:] for row in rows}


def days_by_hand():
    """Counted one referral after the other, in Python."""
    found: dict = {}
    for row in Referral.objects.all():
        if row.withdrawn_at:
            continue
        for by, key in (
            ("all", ""),
            ("physician", row.physician_id or ""),
            ("location", row.location_id or ""),
            ("channel", row.channel),
        ):
            counts = found.setdefault((by, row.received_on, str(key)), [0, 0, 0])
            counts[0] += 1
            counts[1] += row.status in ("seen", "closed")
            counts[2] += row.status == "closed"
    return {key: tuple(counts) for key, counts in found.items()}


def kept_sources():
    rows = SourceFigures.objects.values_list("kind", "source_id", "months", "recent", "standing", "days")
    return {row[:2]: row[2:] for row in rows}


def sources_by_hand(today):
    months: dict = {}
    for row in Referral.objects.filter(withdrawn_at=None):
        for kind, pk in (("provider", row.provider_id), ("office", row.office_id)):
            if pk:
                ago = (today.year - row.received_on.year) * 12 + today.month - row.received_on.month
                months.setdefault((kind, pk), Counter())[11 - ago] += 1
    known = rhythms(today)
    return {
        (kind, pk): (
            [counts[place] for place in range(12)],
            sum(counts[place] for place in range(12)),
            standing_on(today, known[pk]).value if kind == "provider" else "",
            known[pk].days if kind == "provider" else 0,
        )
        for (kind, pk), counts in months.items()
    }


def assert_figures_are_the_rows(today=TODAY):
    assert kept_days() == days_by_hand()
    assert kept_sources() == sources_by_hand(today)


class TestCounting:
    def test_first_count_takes_what_was_there_before(self, desk):
        make.referral(desk.manager, provider=desk.providers[0], received_on=date(2025, 3, 3))
        Uncounted.objects.all().delete()  # from before the database wrote changes down

        count_figures(now=make.NOW)

        assert kept_days()[("all", date(2025, 3, 3), "")] == (1, 0, 0)
        assert_figures_are_the_rows()

    def test_second_count_adds_nothing_and_asks_for_nothing(self, desk, django_assert_num_queries):
        make.referral(desk.manager, provider=desk.providers[0])
        count_figures(now=make.NOW)
        before = list(DailyFigures.objects.order_by("pk").values())

        with django_assert_num_queries(4):  # practice, row of who counts, marks, done
            count_figures(now=make.NOW)

        assert list(DailyFigures.objects.order_by("pk").values()) == before

    def test_only_changed_days_are_counted_again(self, desk):
        old = make.referral(desk.manager, provider=desk.providers[0], received_on=date(2026, 10, 1))
        make.referral(desk.manager, provider=desk.providers[1], received_on=date(2026, 10, 2))
        count_figures(now=make.NOW)
        untouched = DailyFigures.objects.get(by="all", day=date(2026, 10, 2)).pk

        referral_way.move(old, to="seen", seen_on=date(2026, 10, 5), by=desk.manager, now=make.NOW)
        count_figures(now=make.NOW)

        assert DailyFigures.objects.get(by="all", day=date(2026, 10, 1)).seen == 1
        assert DailyFigures.objects.get(by="all", day=date(2026, 10, 2)).pk == untouched

    def test_an_attempt_to_reach_the_patient_changes_no_figure(self, desk):
        row = make.referral(desk.manager, provider=desk.providers[0])
        count_figures(now=make.NOW)

        referral_way.record_attempt(row, by=desk.manager, now=make.NOW)

        assert not Uncounted.objects.exists()

    def test_a_new_day_moves_standings_without_any_change(self, desk):
        make.referral(desk.manager, provider=desk.providers[0])
        count_figures(now=make.NOW)
        later = make.NOW + timedelta(days=400)

        count_figures(now=later)

        assert SourceFigures.objects.get(kind="provider").standing == "lapsed"
        assert_figures_are_the_rows(later.date())
        assert Counting.objects.get().day == later.date()


ACTS = ("log", "edit", "withdraw", "take_back", "see", "tell", "merge", "unmerge", "count")
story = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 50), st.integers(0, 700)), min_size=1, max_size=14
)


@settings(
    max_examples=examples(15, full=200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=story)
def test_figures_equal_the_rows_after_anything(desk, acts):
    from django.db import transaction

    with transaction.atomic():
        merges = []
        for act, which, ago in acts:
            do(desk, merges, act, which, ago)
        count_figures(now=make.NOW)
        assert_figures_are_the_rows()
        assert not Uncounted.objects.exists()
        transaction.set_rollback(True)


def do(desk, merges, act, which, ago):
    """One thing that somebody does; what the way does not allow is passed over."""
    by, now, day = desk.manager, make.NOW, TODAY - timedelta(days=ago)
    rows = list(Referral.objects.order_by("pk"))
    row = rows[which % len(rows)] if rows else None
    senders = [
        provider for provider in desk.providers if provider.pk not in {m.dropped_provider_id for m in merges}
    ]
    if act == "log":
        fields = {"physician": [None, *desk.physicians][which % 3], "channel": ["fax", "phone"][which % 2]}
        office = desk.offices[which % 2] if which % 3 else None
        make.referral(by, provider=senders[which % len(senders)], office=office, received_on=day, **fields)
    elif act == "count":
        count_figures(now=now)
    elif act == "merge" and len(senders) == 2:
        merges.append(merge_providers(keep=senders[0], drop=senders[1], by=by, now=now))
    elif act == "unmerge" and merges:
        undo_merge(merges.pop(), by=by, now=now)
    elif row is not None:
        change(row, by, now, act, which, day)


def change(row, by, now, act, which, day):
    try:
        if act == "edit":
            fields = {"received_on": day, "channel": ["portal", "fax"][which % 2]}
            referral_way.edit(row, by=by, now=now, **fields)
        elif act == "withdraw":
            referral_way.withdraw(row, by=by, now=now, reason="twice")
        elif act == "see":
            referral_way.move(row, to="seen", seen_on=max(day, row.received_on), by=by, now=now)
        elif act == "tell":
            referral_way.report_back(row, by=by, now=now)
        elif act == "take_back" and (step := referral_way.last_step(row)):
            referral_way.take_back(row, step_id=step.pk, by=by, now=now, reason="in error")
    except (referral_way.NotOnTheWay, ValueError):
        pass


@pytest.mark.django_db
def test_rows_changed_by_the_thousand_are_never_joined_by_a_nested_loop():
    """A plan made for a session's first statement, of one row, is kept for the next, of ten thousand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'insights_write_down_what_changed'")
        assert cursor.fetchall() == [(["enable_nestloop=off"],)]
