"""Whatever happens in whatever order, and whenever the tick comes: each thing due is said once, and no longer."""

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import given, settings

from contacts import referral_way
from practices.isolation import practice_scope
from practices.models import Practice
from practices.weeks import Week
from tests.counts import examples
from tests.touchpoints.reminder_story import (
    FIRST_DAYS,
    START,
    STORIES,
    ZONES,
    Story,
    four_providers,
    never_said,
    no_longer_true,
    plan,
)
from tests.touchpoints.reminding import at, days, due, new_desk, provider, referral, touched
from touchpoints.meetings import cancel_meeting
from touchpoints.models import Reminder, ThankYou
from touchpoints.reminders import dismiss, remind
from touchpoints.thank_you_lists import make_due_thank_you_lists


class Undo(Exception):
    """Leaves the story's transaction without keeping it."""


def moved(practice: Practice, **fields) -> None:
    """The manager changes where or when the practice lives."""
    for name, value in fields.items():
        setattr(practice, name, value)
    practice.save(update_fields=list(fields))


def said() -> list[tuple]:
    """Every reminder as it stands."""
    columns = ("rule", "cause", "state", "member", "due_on", "reason", "closed_at", "snoozed_at")
    return list(Reminder.objects.order_by("pk").values_list(*columns))


def days_said() -> dict[tuple[str, str], date]:
    """The day of each open reminder."""
    rows = Reminder.objects.open().values_list("rule", "cause", "due_on")
    return {(rule, cause): due_on for rule, cause, due_on in rows}


def check_what_always_holds(story: Story) -> None:
    """After a tick: it finds nothing more to do, and says what is true and nothing that was answered."""
    assert not days_said().keys() & story.answered
    assert no_longer_true() == []
    assert never_said(story.today) == []
    before = said()
    changes = remind(now=story.now)
    assert not (changes.all_made or changes.moved or changes.gone)
    assert said() == before


def check_a_quiet_wait(story: Story, count: int) -> None:
    """While nobody does anything, what is open stays due on its day, and nothing overdue is made anew."""
    before, today, last = days_said(), story.today, Reminder.objects.order_by("pk").last()
    story.now += days(count)
    story.tick()
    after = days_said()
    assert {key: day for key, day in after.items() if key in before} == {
        key: day for key, day in before.items() if key in after
    }
    made = Reminder.objects.filter(pk__gt=last.pk)
    assert [row.cause for row in made if row.due_on <= today] == []


def check_that_earlier_ticks_make_no_difference(story: Story) -> None:
    """What is open follows from what happened, not from when the tick came: one tick alone finds the same."""
    answered = ("snoozed_at", "handed_over_at", "closed_by")
    untouched = Reminder.objects.filter(**dict.fromkeys(answered))
    found = set(untouched.open().values_list("rule", "cause", "member", "due_on", "reason"))
    untouched.delete()
    remind(now=story.now)
    assert set(untouched.open().values_list("rule", "cause", "member", "due_on", "reason")) == found


@pytest.mark.django_db
def test_ticks_twice_or_late_change_nothing_and_each_reminder_goes_with_its_cause():
    desk = new_desk(starts_on=START)
    with practice_scope(desk.practice):
        providers = four_providers(desk)

    @settings(max_examples=examples(6, full=300), deadline=None)
    @given(STORIES)
    def tell(steps) -> None:
        story = Story(desk, providers)
        with contextlib.suppress(Undo), transaction.atomic(), practice_scope(desk.practice):
            for step in (*FIRST_DAYS, *steps):
                story.play(step)
            story.tick()
            check_what_always_holds(story)
            for wait in (3, 60):
                check_a_quiet_wait(story, wait)
                check_what_always_holds(story)
            check_that_earlier_ticks_make_no_difference(story)
            raise Undo
        desk.practice.time_zone = ZONES[0]

    tell()


@pytest.fixture
def desk(db):
    made = new_desk(starts_on=START)
    with practice_scope(made.practice):
        yield made


@pytest.mark.parametrize("there", ZONES)
def test_practice_that_changes_its_zone_is_told_nothing_again(desk, there):
    day = date(2026, 9, 1)
    whom = provider(tier="A")
    touched(desk, whom, day - days(30))
    seen, no_show = referral(desk, day, provider=whom), referral(desk, day)
    referral_way.move(seen, to="seen", seen_on=day, by=desk.physician, now=at(day))
    referral_way.move(no_show, to="scheduled", appointment_at=at(day, 2), by=desk.coordinator, now=at(day))
    plan(desk, whom, at(day + days(1), 22), now=at(day))
    remind(now=at(day))
    rules = {row.rule for row in Reminder.objects.open()}
    assert {"next_actions", "report_backs", "in_touch", "new_referrers", "meetings_tomorrow"} <= rules
    for row in Reminder.objects.open():
        dismiss(row, by=desk.manager, now=at(day), reason="known")

    moved(desk.practice, time_zone=there, list_hour=23, list_weekday=3)
    for hour in (1, 12, 23):
        remind(now=at(day, hour))
        assert not Reminder.objects.open().exists()


@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "Europe/London"])
@pytest.mark.parametrize(
    "changes_on", [date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 14)]
)
def test_days_are_the_practice_s_own_also_when_its_clock_changes(desk, name, changes_on):
    local = ZoneInfo(name)
    moved(desk.practice, time_zone=name)
    noon = datetime.combine(changes_on, time(12), local)
    booked = referral(desk, changes_on - days(20))
    referral_way.move(booked, to="scheduled", appointment_at=noon, by=desk.coordinator, now=noon - days(20))
    on = changes_on + days(1)
    # From the first minute of the fourteenth day before; midnight is the practice's, whatever its clock did.
    made = datetime.combine(on - days(14), time(), local)

    def at_moment(moment: datetime) -> list[date]:
        remind(now=moment.astimezone(UTC))
        rows = Reminder.objects.open().filter(cause__startswith=f"referral {booked.pk} record")
        return [row.due_on for row in rows]

    assert at_moment(made - timedelta(minutes=1)) == []
    assert at_moment(made) == [on]
    assert at_moment(noon) == [on]


def test_list_of_week_53_is_reviewed_and_reminded_of_once(desk):
    """2026 has 53 weeks: the last one ends on 3 January."""
    referral(desk, date(2026, 12, 30))
    monday = date(2027, 1, 4)
    make_due_thank_you_lists(now=at(monday))

    week = Week.parse("2026-W53")
    assert ThankYou.objects.get().list.week == week
    (found,) = _due_lists(monday)
    assert found.reason == "1 row of the thank-you list of December 28–January 3 is undecided."
    assert found.due_on == date(2027, 1, 8)
    for later in range(5):
        make_due_thank_you_lists(now=at(monday + days(7 * later)))
        assert [row.pk for row in _due_lists(monday + days(7 * later))] == [found.pk]


def _due_lists(on: date) -> list[Reminder]:
    due("lists_to_review", on)
    return list(Reminder.objects.open().filter(rule="lists_to_review"))


def test_list_hour_changed_mid_week_reminds_of_each_list_once(desk):
    referral(desk, date(2026, 8, 5))
    monday = date(2026, 8, 10)
    make_due_thank_you_lists(now=at(monday))
    remind(now=at(monday))
    Practice.objects.filter(pk=desk.practice.pk).update(
        list_weekday=3, list_hour=14, time_zone="Asia/Kolkata"
    )
    for later in range(10):
        make_due_thank_you_lists(now=at(monday + days(later)))
        assert len(_due_lists(monday + days(later))) == 1


def test_cancelled_meeting_closes_its_reminder(desk):
    whom, day = provider(), date(2026, 9, 1)
    meeting = plan(desk, whom, at(day), now=at(day - days(5)))
    assert [on for on, _cause in due("meetings_tomorrow", day - days(1))] == [day - days(1)]

    cancel_meeting(meeting, by=desk.liaison, now=at(day - days(1)), reason="Snow")
    assert due("meetings_tomorrow", day) == []


def test_public_holidays_are_no_business_days(desk):
    wednesday = date(2026, 11, 25)  # before Thanksgiving
    row = referral(desk, wednesday, urgency="urgent")

    assert due("next_actions", wednesday) == [(date(2026, 11, 27), f"referral {row.pk} contact")]


def test_holidays_of_the_practice_s_state_are_none_either(desk):
    moved(desk.practice, state="MA")
    friday = date(2027, 4, 16)  # Patriots' Day is the Monday after
    row, seen = referral(desk, friday, urgency="urgent"), referral(desk, friday)
    referral_way.move(seen, to="seen", seen_on=friday, by=desk.physician, now=at(friday))

    assert (date(2027, 4, 20), f"referral {row.pk} contact") in due("next_actions", friday)
    assert due("report_backs", friday) == [(date(2027, 4, 21), f"referral {seen.pk} seen")]
