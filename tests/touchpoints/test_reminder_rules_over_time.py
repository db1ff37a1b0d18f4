"""Whatever happens in whatever order, and whenever the tick comes: each thing due is said once, and no longer."""

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts import referral_way
from contacts.models import Referral
from practices.isolation import practice_scope
from practices.models import Practice
from practices.weeks import Week
from tests import make
from tests.counts import examples
from tests.touchpoints.reminding import at, days, due, new_desk, provider, referral, touched
from touchpoints import thank_you_acts as acts
from touchpoints.feedback_issues import open_issue
from touchpoints.meeting_people import People
from touchpoints.meetings import cancel_meeting, plan_meeting
from touchpoints.models import Feedback, Reminder, ThankYou
from touchpoints.reminders import close, dismiss, hand_over, remind, snooze
from touchpoints.thank_you_lists import make_due_thank_you_lists

START = date(2026, 6, 1)
ZONES = ["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]

which = st.integers(0, 9)
log = st.tuples(st.just("log"), st.integers(0, 3))
move = st.tuples(
    st.sampled_from(["contacted", "scheduled", "seen", "no_show", "unreachable", "declined"]), which
)
report = st.tuples(st.just("report_back"), which)
touch = st.tuples(
    st.just("touch"), st.integers(0, 3), st.sampled_from(["reached", "voicemail", "promise", "meeting"])
)
complain = st.tuples(st.just("complain"), st.integers(0, 3))
decide = st.tuples(st.sampled_from(["write_card", "skip", "mark_mailed"]), which)
act = st.tuples(st.sampled_from(["dismiss", "close", "snooze", "hand_over"]), which)
zone = st.tuples(st.just("zone"), st.sampled_from(ZONES))
wait = st.tuples(st.just("wait"), st.sampled_from([1, 1, 2, 5, 30, 90]))
tick = st.tuples(st.just("tick"))
steps = st.one_of(
    log, log, move, move, report, touch, complain, decide, act, act, zone, wait, wait, tick, tick
)
stories = st.lists(steps, min_size=6, max_size=40)


class Undo(Exception):
    """Leaves the story's transaction without keeping it."""


class Story:
    """A practice of one day after the other."""

    def __init__(self, desk, providers) -> None:
        self.desk, self.providers, self.now = desk, providers, at(START)
        self.dismissed: set[tuple[str, str]] = set()

    @property
    def today(self) -> date:
        return self.desk.practice.today(self.now)

    def play(self, step: tuple) -> None:
        name, *rest = step
        with contextlib.suppress(referral_way.NotOnTheWay, acts.NotPossible):
            getattr(self, name, lambda *said: self._step(name, *said))(*rest)

    def log(self, number: int) -> None:
        make.referral(
            self.desk.coordinator,
            now=self.now,
            received_on=self.today,
            provider=self.providers[number],
            physician=self.desk.physician,
        )

    def report_back(self, number: int) -> None:
        for row in self._one(Referral.objects.order_by("pk"), number):
            referral_way.report_back(row, by=self.desk.physician, now=self.now)

    def touch(self, number: int, how: str) -> None:
        whom = self.providers[number]
        if how == "meeting":
            people = People(providers=(whom,))
            plan_meeting(
                **_meeting(self.desk, self.now + days(3)), people=people, by=self.desk.liaison, now=self.now
            )
            return
        row = touched(self.desk, whom, self.today, outcome="voicemail" if how == "voicemail" else "reached")
        if how == "promise":
            row.next_step, row.next_step_on = "Bring cards", self.today + days(4)
            row.save(update_fields=["next_step", "next_step_on"])

    def complain(self, number: int) -> None:
        whom = self.providers[number]
        said = {"source": "call", "given_on": self.today, "recorded_at": self.now, "is_complaint": True}
        feedback = Feedback.objects.create(provider=whom, recorded_by=self.desk.manager, **said)
        open_issue(feedback, now=self.now)

    def zone(self, name: str) -> None:
        moved(self.desk.practice, time_zone=name)

    def wait(self, count: int) -> None:
        self.now += timedelta(days=count, hours=5)

    def tick(self) -> None:
        make_due_thank_you_lists(now=self.now)
        remind(now=self.now)

    def _step(self, name: str, number: int) -> None:
        if name in ("dismiss", "close", "snooze", "hand_over"):
            for row in self._one(Reminder.objects.open().order_by("pk"), number):
                self._answer(name, row)
        elif name in ("write_card", "skip", "mark_mailed"):
            for row in self._one(ThankYou.objects.order_by("pk"), number):
                said = {"reason": "known"} if name == "skip" else {}
                getattr(acts, name)(row, by=self.desk.physician, now=self.now, **said)
        else:
            said = {"appointment_at": self.now + days(9)} if name == "scheduled" else {}
            said |= {"seen_on": self.today} if name == "seen" else {}
            for row in self._one(Referral.objects.order_by("pk"), number):
                referral_way.move(row, to=name, by=self.desk.coordinator, now=self.now, **said)

    def _answer(self, name: str, row: Reminder) -> None:
        if name == "dismiss":
            self.dismissed.add((row.rule, row.cause))
            dismiss(row, by=self.desk.manager, now=self.now, reason="known")
        elif name == "close":
            close(row, by=self.desk.manager, now=self.now)
        elif name == "snooze":
            snooze(row, until=self.today + days(7), now=self.now)
        else:
            hand_over(row, to=self.desk.manager, by=self.desk.manager, now=self.now)

    def _one(self, rows, number: int) -> list:
        found = list(rows)
        return [found[number % len(found)]] if found else []


def _meeting(desk, starts_at: datetime) -> dict:
    return {
        "owner": desk.liaison,
        "kind": "visit",
        "purpose": "Introduce ourselves",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
    }


def moved(practice: Practice, **fields) -> None:
    """The manager changes where or when the practice lives."""
    for name, value in fields.items():
        setattr(practice, name, value)
    practice.save(update_fields=list(fields))


def said() -> list[tuple]:
    """Every reminder as it stands."""
    columns = ("rule", "cause", "state", "member", "due_on", "reason", "closed_at", "snoozed_at")
    return list(Reminder.objects.order_by("pk").values_list(*columns))


def check_what_always_holds(story: Story) -> None:
    open_ones = set(Reminder.objects.open().values_list("rule", "cause"))
    assert not open_ones & story.dismissed
    before = said()
    changes = remind(now=story.now)
    assert not (changes.all_made or changes.moved or changes.gone)
    assert said() == before


def check_that_earlier_ticks_make_no_difference(story: Story) -> None:
    """What is open follows from what happened, not from when the tick came: one tick alone finds the same."""
    answered = ("snoozed_at", "handed_over_at", "closed_by")
    untouched = Reminder.objects.filter(**dict.fromkeys(answered))
    found = set(untouched.open().values_list("rule", "cause", "member", "due_on", "reason"))
    untouched.delete()
    remind(now=story.now)
    assert set(untouched.open().values_list("rule", "cause", "member", "due_on", "reason")) == found


@pytest.fixture
def told(db):
    desk = new_desk(starts_on=START)
    with practice_scope(desk.practice):
        tiers = ["A", "B", "C", "A"]
        providers = [provider(f"Number{n}", tier=tier, liaison=desk.liaison) for n, tier in enumerate(tiers)]
    return desk, providers


@pytest.mark.django_db
def test_ticks_twice_or_late_change_nothing_and_what_is_dismissed_stays_away(told):
    @settings(max_examples=examples(25, full=500), deadline=None)
    @given(stories)
    def tell(steps) -> None:
        story = Story(*told)
        try:
            with transaction.atomic(), practice_scope(story.desk.practice):
                for step in steps:
                    story.play(step)
                for wait in (0, 3, 60):
                    story.now += days(wait)
                    story.tick()
                    check_what_always_holds(story)
                check_that_earlier_ticks_make_no_difference(story)
                raise Undo
        except Undo:
            story.desk.practice.time_zone = ZONES[0]

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
    plan_meeting(
        **_meeting(desk, at(day + days(1), 22)),
        people=People(providers=(whom,)),
        by=desk.liaison,
        now=at(day),
    )
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
    people = People(providers=(whom,))
    meeting = plan_meeting(**_meeting(desk, at(day)), people=people, by=desk.liaison, now=at(day - days(5)))
    assert [on for on, _cause in due("meetings_tomorrow", day - days(1))] == [day - days(1)]

    cancel_meeting(meeting, by=desk.liaison, now=at(day - days(1)), reason="Snow")
    assert due("meetings_tomorrow", day) == []


def test_public_holidays_are_no_business_days(desk):
    wednesday = date(2026, 11, 25)  # before Thanksgiving
    row = referral(desk, wednesday, urgency="urgent")

    assert due("next_actions", wednesday) == [(date(2026, 11, 27), f"referral {row.pk} contact")]
