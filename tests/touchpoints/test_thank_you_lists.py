"""One list per physician and week, one row per provider, one link per referral: whatever happens."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts import referral_way
from contacts.models import Provider
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou, ThankYouList, ThankYouReferral, Touchpoint
from touchpoints.thank_you_lists import (
    WeekNotEnded,
    gathering,
    keep_lists_true,
    make_due_thank_you_lists,
    make_thank_you_lists,
)

W47 = Week.parse("2026-W47")  # 16 to 22 November
MONDAY_6 = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # Monday 06:00 in New York
TUESDAY = MONDAY_6 + timedelta(days=1)


def sent(practice, *, on=date(2026, 11, 17), provider=None, physician=None, now=MONDAY_6, **fields):
    return make.referral(
        practice.coordinator,
        now=now,
        received_on=on,
        provider=provider or make.provider(),
        physician=physician or practice.physician,
        **fields,
    )


def lists():
    return [
        (found.physician.user.name, str(found.week))
        for found in ThankYouList.objects.order_by("week_starts_on", "id")
    ]


def listed(referral):
    link = ThankYouReferral.objects.filter(referral=referral).select_related("thank_you__list").first()
    return str(link.thank_you.list.week) if link else None


def test_a_week_gives_one_list_per_physician_with_one_row_per_provider(harbor):
    okafor = make.provider("Okafor")
    for day in (16, 18, 22):
        sent(harbor, on=date(2026, 11, day), provider=okafor)
    sent(harbor)
    sent(harbor, physician=harbor.colleague)
    assert make_thank_you_lists(week=W47, now=MONDAY_6) == 2
    assert sorted(lists()) == [("Dr Chen", "2026-W47"), ("Dr Roy", "2026-W47")]
    rows = ThankYou.objects.filter(list__physician=harbor.physician)
    assert rows.count() == 2
    assert rows.get(provider=okafor).referrals.count() == 3


def test_a_second_run_in_the_same_week_adds_nothing(harbor):
    sent(harbor)
    make_thank_you_lists(week=W47, now=MONDAY_6)
    before = (ThankYouList.objects.count(), ThankYou.objects.count(), ThankYouReferral.objects.count())
    assert make_thank_you_lists(week=W47, now=TUESDAY) == 0
    assert (
        ThankYouList.objects.count(),
        ThankYou.objects.count(),
        ThankYouReferral.objects.count(),
    ) == before


def test_a_physician_without_referrals_gets_no_list(harbor):
    assert make_thank_you_lists(week=W47, now=MONDAY_6) == 0
    assert lists() == []


def test_a_week_that_has_not_ended_is_refused(harbor):
    sunday_night = datetime(2026, 11, 23, 4, 59, tzinfo=UTC)  # 23:59 on Sunday in New York
    with pytest.raises(WeekNotEnded):
        make_thank_you_lists(week=W47, now=sunday_night)
    make_thank_you_lists(week=W47, now=sunday_night + timedelta(minutes=1))


def test_the_tick_waits_for_the_hour_of_the_practice(harbor):
    sent(harbor)
    assert make_due_thank_you_lists(now=MONDAY_6 - timedelta(seconds=1)) == 0
    assert make_due_thank_you_lists(now=MONDAY_6) == 1


def test_missed_weeks_are_made_each_with_its_own_referrals(harbor):
    first, second = sent(harbor, on=date(2026, 11, 10)), sent(harbor, on=date(2026, 11, 20))
    assert make_due_thank_you_lists(now=MONDAY_6) == 2
    assert (listed(first), listed(second)) == ("2026-W46", "2026-W47")


def test_history_before_the_start_joins_no_list(harbor):
    old = sent(harbor, on=date(2026, 11, 8))
    make_due_thank_you_lists(now=MONDAY_6)
    assert listed(old) is None


@pytest.mark.parametrize("state", [s for s in Provider.State if s != Provider.State.ACTIVE])
def test_only_active_providers_are_thanked(harbor, state):
    referral = sent(harbor, provider=make.provider(state=state))
    make_due_thank_you_lists(now=MONDAY_6)
    assert listed(referral) is None


def test_logged_late_it_joins_its_providers_undecided_row(harbor):
    okafor = make.provider("Okafor")
    sent(harbor, provider=okafor)
    make_due_thank_you_lists(now=MONDAY_6)
    late = sent(harbor, provider=okafor, on=date(2026, 11, 19))
    keep_lists_true(now=TUESDAY)
    assert listed(late) == "2026-W47"


def test_logged_late_after_the_row_is_decided_it_waits_for_the_next_list(harbor):
    okafor = make.provider("Okafor")
    sent(harbor, provider=okafor)
    make_due_thank_you_lists(now=MONDAY_6)
    acts.write_card(ThankYou.objects.get(), by=harbor.physician, now=MONDAY_6)
    late = sent(harbor, provider=okafor, on=date(2026, 11, 19), now=TUESDAY)
    make_due_thank_you_lists(now=TUESDAY)
    assert listed(late) is None
    make_due_thank_you_lists(now=MONDAY_6 + timedelta(days=7))
    assert listed(late) == "2026-W48"


def test_logged_late_for_a_provider_without_a_row_it_waits_for_the_next_list(harbor):
    sent(harbor)
    make_due_thank_you_lists(now=MONDAY_6)
    late = sent(harbor, on=date(2026, 11, 19), now=TUESDAY)
    make_due_thank_you_lists(now=TUESDAY)
    make_thank_you_lists(week=W47, now=TUESDAY)
    assert listed(late) is None
    make_due_thank_you_lists(now=MONDAY_6 + timedelta(days=7))
    assert listed(late) == "2026-W48"


def test_once_the_provider_is_known_they_are_thanked(harbor):
    fax = make.referral(
        harbor.coordinator,
        now=MONDAY_6,
        received_on=date(2026, 11, 17),
        office=make.office(),
        physician=harbor.physician,
    )
    make_due_thank_you_lists(now=MONDAY_6)
    assert listed(fax) is None
    referral_way.edit(fax, by=harbor.coordinator, now=TUESDAY, provider=make.provider())
    make_due_thank_you_lists(now=MONDAY_6 + timedelta(days=7))
    assert listed(fax) == "2026-W48"


def test_withdrawn_while_undecided_it_leaves_and_its_empty_row_and_list_go(harbor):
    okafor = make.provider("Okafor")
    kept, gone, alone = sent(harbor, provider=okafor), sent(harbor, provider=okafor), sent(harbor)
    other = sent(harbor, physician=harbor.colleague)
    make_due_thank_you_lists(now=MONDAY_6)
    for referral in (gone, alone, other):
        referral_way.withdraw(referral, by=harbor.coordinator, now=TUESDAY, reason="logged twice")
    keep_lists_true(now=TUESDAY)
    assert [listed(r) for r in (kept, gone, alone, other)] == ["2026-W47", None, None, None]
    assert ThankYou.objects.count() == 1
    assert lists() == [("Dr Chen", "2026-W47")]


def test_withdrawn_after_the_decision_it_stays(harbor):
    referral = sent(harbor)
    make_due_thank_you_lists(now=MONDAY_6)
    acts.write_card(ThankYou.objects.get(), by=harbor.physician, now=MONDAY_6)
    referral_way.withdraw(referral, by=harbor.coordinator, now=TUESDAY, reason="logged twice")
    keep_lists_true(now=TUESDAY)
    assert listed(referral) == "2026-W47"


def test_given_to_a_colleague_while_undecided_it_moves_to_the_colleagues_row(harbor):
    okafor = make.provider("Okafor")
    moved = sent(harbor, provider=okafor)
    sent(harbor, provider=okafor)
    sent(harbor, provider=okafor, physician=harbor.colleague)
    make_due_thank_you_lists(now=MONDAY_6)
    referral_way.edit(moved, by=harbor.coordinator, now=TUESDAY, physician=harbor.colleague)
    keep_lists_true(now=TUESDAY)
    assert moved.links.get().thank_you.list.physician == harbor.colleague


def test_the_database_refuses_a_second_link(harbor):
    referral = sent(harbor)
    make_due_thank_you_lists(now=MONDAY_6)
    with pytest.raises(IntegrityError, match="thank_you_referral_on_one_list"), transaction.atomic():
        ThankYouReferral.objects.create(thank_you=ThankYou.objects.get(), referral=referral)


def test_the_current_week_is_seen_gathering(harbor):
    okafor = make.provider("Okafor")
    for _ in range(2):
        sent(harbor, provider=okafor)
    sent(harbor, on=date(2026, 11, 15))
    found = gathering(harbor.physician, today=date(2026, 11, 18))
    assert [(provider.family_name, provider.count) for provider in found] == [("Okafor", 2)]
    assert ThankYouList.objects.count() == 0


def row_of(practice):
    sent(practice)
    make_due_thank_you_lists(now=MONDAY_6)
    return ThankYou.objects.get()


def test_a_mailed_card_is_one_touchpoint_dated_when_mailed(harbor):
    row = row_of(harbor)
    acts.write_card(row, by=harbor.physician, now=MONDAY_6, personal_line="See you at the meeting")
    acts.mark_written(row, by=harbor.physician, now=MONDAY_6)
    assert Touchpoint.objects.count() == 0
    for _ in range(2):
        acts.mark_mailed(row, by=harbor.coordinator, now=TUESDAY, on=date(2026, 11, 23))
    touchpoint = Touchpoint.objects.get()
    assert (touchpoint.kind, touchpoint.happened_on, touchpoint.member, touchpoint.logged_by) == (
        "card",
        date(2026, 11, 23),
        harbor.physician,
        harbor.coordinator,
    )


def test_a_card_and_a_call_may_both_be_done(harbor):
    row = row_of(harbor)
    acts.write_card(row, by=harbor.physician, now=MONDAY_6)
    row = acts.record_call(row, by=harbor.physician, now=MONDAY_6, note="glad to hear")
    assert row.state == "to_write"
    acts.mark_mailed(row, by=harbor.physician, now=TUESDAY)
    assert sorted(Touchpoint.objects.values_list("kind", flat=True)) == ["call", "card"]


def test_after_a_call_alone_a_card_may_follow(harbor):
    row = acts.record_call(row_of(harbor), by=harbor.physician, now=MONDAY_6)
    assert row.state == "called"
    assert acts.write_card(row, by=harbor.physician, now=MONDAY_6).state == "to_write"
    assert Touchpoint.objects.count() == 1


def test_a_call_reports_back_the_referrals_it_was_about(harbor):
    referral = sent(harbor)
    referral_way.move(referral, to="seen", by=harbor.coordinator, now=MONDAY_6, seen_on=date(2026, 11, 20))
    make_due_thank_you_lists(now=MONDAY_6)
    acts.record_call(ThankYou.objects.get(), by=harbor.physician, now=MONDAY_6, reported_on=[referral])
    referral.refresh_from_db()
    assert referral.status == "closed"


@pytest.mark.parametrize("act", ["skip", "carry"])
def test_other_acts_are_no_touchpoint(harbor, act):
    row = row_of(harbor)
    kwargs = {"reason": "a relative"} if act == "skip" else {}
    getattr(acts, act)(row, by=harbor.physician, now=MONDAY_6, **kwargs)
    assert Touchpoint.objects.count() == 0


def test_taken_back_the_row_is_undecided_and_its_touchpoints_are_withdrawn(harbor):
    row = row_of(harbor)
    acts.record_call(row, by=harbor.physician, now=MONDAY_6)
    acts.write_card(row, by=harbor.physician, now=MONDAY_6)
    acts.mark_mailed(row, by=harbor.physician, now=MONDAY_6)
    row = acts.take_back(row, by=harbor.physician, now=TUESDAY)
    assert row.state == "undecided"
    assert Touchpoint.objects.count() == 2
    assert Touchpoint.objects.standing().count() == 0


def test_a_mailed_row_is_not_skipped(harbor):
    row = row_of(harbor)
    acts.write_card(row, by=harbor.physician, now=MONDAY_6)
    acts.mark_mailed(row, by=harbor.physician, now=MONDAY_6)
    with pytest.raises(acts.NotPossible):
        acts.skip(row, by=harbor.physician, now=TUESDAY, reason="no")


def test_a_list_is_reviewed_when_all_is_decided_and_finished_when_nothing_waits(harbor):
    sent(harbor)
    sent(harbor)
    make_due_thank_you_lists(now=MONDAY_6)
    first, second = ThankYou.objects.all()
    acts.write_card(first, by=harbor.physician, now=MONDAY_6)
    the_list = ThankYouList.objects.get()
    assert the_list.reviewed_at is None
    acts.skip(second, by=harbor.colleague, now=TUESDAY, reason="a relative")
    the_list.refresh_from_db()
    assert (the_list.reviewed_at, the_list.reviewed_by, the_list.finished_at) == (
        TUESDAY,
        harbor.colleague,
        None,
    )
    acts.mark_mailed(first, by=harbor.physician, now=TUESDAY)
    the_list.refresh_from_db()
    assert the_list.finished_at == TUESDAY
    acts.take_back(first, by=harbor.physician, now=TUESDAY)
    the_list.refresh_from_db()
    assert (the_list.reviewed_at, the_list.finished_at) == (None, None)


def test_making_lists_takes_a_number_of_statements_that_does_not_grow(harbor):
    def statements(week: str, now: datetime) -> int:
        with CaptureQueriesContext(connection) as asked:
            make_thank_you_lists(week=Week.parse(week), now=now)
        return len(asked)

    make_thank_you_lists(week=Week.parse("2026-W46"), now=MONDAY_6)
    sent(harbor)
    few = statements("2026-W47", MONDAY_6)
    later = MONDAY_6 + timedelta(days=7)
    for number in range(20):
        physician = harbor.colleague if number % 2 else harbor.physician
        sent(harbor, physician=physician, on=date(2026, 11, 25), now=later)
    assert statements("2026-W48", later) == few


def test_received_on_another_week_while_undecided_it_moves_to_that_weeks_list(harbor):
    referral = sent(harbor, on=date(2026, 11, 11))
    sent(harbor, on=date(2026, 11, 18), provider=referral.provider)
    make_due_thank_you_lists(now=MONDAY_6)
    referral_way.edit(referral, by=harbor.coordinator, now=TUESDAY, received_on=date(2026, 11, 18))
    make_due_thank_you_lists(now=TUESDAY)
    assert listed(referral) == "2026-W47"
    assert lists() == [("Dr Chen", "2026-W47")]


def test_a_provider_who_dies_leaves_the_undecided_list(harbor):
    referral = sent(harbor)
    make_due_thank_you_lists(now=MONDAY_6)
    Provider.objects.update(state=Provider.State.DECEASED)
    make_due_thank_you_lists(now=TUESDAY)
    assert (listed(referral), lists()) == (None, [])
