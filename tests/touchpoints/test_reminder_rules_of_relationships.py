"""Relationships ask for attention at their own pace: tiers, new referrers, quiet ones, feedback."""

from collections import Counter
from datetime import date

import pytest

from contacts.referral_way import move
from contacts.standing import Rhythm, standing_on, stands_so_since
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.touchpoints.reminding import (
    START,
    TODAY,
    at,
    days,
    due,
    new_desk,
    provider,
    referral,
    touched,
    tuned,
)
from touchpoints.models import Feedback, FeedbackRequest, Reminder
from touchpoints.reminders import dismiss, remind


@pytest.fixture
def desk(db):
    made = new_desk()
    with practice_scope(made.practice):
        yield made


def the(rule):
    return Reminder.objects.open().get(rule=rule)


class TestInTouch:
    @pytest.mark.parametrize(("tier", "interval"), [("A", 30), ("B", 60), ("C", 120)])
    def test_each_tier_has_its_interval_since_the_last_touchpoint(self, desk, tier, interval):
        okafor = provider(tier=tier)
        last = TODAY - days(interval)
        touched(desk, okafor, last)

        assert due("in_touch", TODAY - days(15)) == []
        assert due("in_touch", TODAY - days(14)) == [(TODAY, f"provider {okafor.pk} since {last}")]
        assert the("in_touch").reason == (
            f"Be in touch with Dr. Okafor (tier {tier}): the last time was on {last:%B} {last.day}, 2026."
        )

    def test_being_in_touch_in_any_way_closes_it_and_begins_anew(self, desk):
        okafor = provider(tier="A")
        for number, kind in enumerate(("call", "card", "meeting", "return_referral")):
            on = date(2026, 7, 1) + days(30 * number)
            touched(desk, okafor, on, kind)
            assert due("in_touch", on) == []
            assert due("in_touch", on + days(30)) == [(on + days(30), f"provider {okafor.pk} since {on}")]

    @pytest.mark.parametrize("outcome", ["voicemail", "no_answer"])
    def test_call_that_reached_nobody_is_no_touch(self, desk, outcome):
        okafor = provider(tier="A")
        touched(desk, okafor, date(2026, 10, 1))
        touched(desk, okafor, date(2026, 10, 20), outcome=outcome)

        assert due("in_touch") == [(date(2026, 10, 31), f"provider {okafor.pk} since 2026-10-01")]

    def test_first_ones_are_spread_over_the_interval_and_always_the_same(self, desk):
        many = [provider(tier="A", entered_on=date(2026, 1, 1)) for _one in range(30)]
        touched(desk, many[0], date(2026, 5, 30))  # history: before the start
        found = due("in_touch", START + days(30))

        on = Counter((day - START).days for day, _cause in found)
        assert len(found) == 30
        assert min(on) >= 1 and max(on) <= 30
        assert max(on.values()) <= 3
        assert due("in_touch", START + days(31)) == found

    def test_who_was_entered_later_is_asked_for_within_the_interval_after(self, desk):
        entered = date(2026, 9, 1)
        okafor = provider(tier="A", entered_on=entered)

        ((day, cause),) = due("in_touch", entered + days(30))
        assert entered < day <= entered + days(30)
        assert cause == f"provider {okafor.pk} since the start"

    def test_it_falls_to_their_liaison_their_office_s_or_the_one_chosen(self, desk):
        with practice_scope(desk.practice):
            second, third = (make.member(Role.LIAISON, desk.practice) for _one in range(2))
        office = make.office(liaison=second)
        names = {"own": third, "office": second, "nobody": desk.liaison}
        for name, liaison, place in (
            ("own", third, office),
            ("office", None, office),
            ("nobody", None, None),
        ):
            touched(desk, provider(name, tier="A", liaison=liaison, at=place), TODAY - days(30))
        due("in_touch")
        members = {row.provider.family_name: row.member for row in Reminder.objects.open()}
        assert members == names

        tuned("in_touch", owner=desk.coordinator)
        due("in_touch")
        assert Reminder.objects.open().get(provider__family_name="nobody").member == desk.coordinator

    @pytest.mark.parametrize("state", ["retired", "deceased", "do_not_contact", "moved"])
    def test_only_who_is_active(self, desk, state):
        okafor = provider(tier="A")
        touched(desk, okafor, TODAY - days(30))
        assert len(due("in_touch")) == 1

        okafor.state = state
        okafor.save()
        assert due("in_touch") == []
        assert Reminder.objects.get().state == "gone"

    def test_another_tier_moves_the_day_and_keeps_what_was_dismissed(self, desk):
        okafor, chen = provider(tier="A"), provider("Chen", tier="A")
        for one in (okafor, chen):
            touched(desk, one, TODAY - days(30))
        due("in_touch")
        dismiss(Reminder.objects.get(provider=chen), by=desk.liaison, now=at(TODAY), reason="On leave")
        for one in (okafor, chen):
            one.tier = "B"
            one.save()

        assert due("in_touch", TODAY + days(20)) == [
            (TODAY + days(30), f"provider {okafor.pk} since {TODAY - days(30)}")
        ]


class TestNewReferrers:
    FIRST = date(2026, 8, 3)

    @pytest.fixture
    def okafor(self, desk):
        return provider(liaison=desk.liaison)

    def test_call_the_day_their_first_patient_is_seen(self, desk, okafor):
        row = referral(desk, self.FIRST, provider=okafor)
        assert due("new_referrers", self.FIRST + days(9)) == []
        move(row, to="seen", seen_on=self.FIRST + days(10), by=desk.physician, now=at(self.FIRST + days(10)))

        assert due("new_referrers", self.FIRST + days(10)) == [
            (self.FIRST + days(10), f"provider {okafor.pk} first seen")
        ]
        assert the("new_referrers").member == desk.physician
        assert the("new_referrers").reason == "Call Dr. Okafor: their first patient was seen."

    @pytest.mark.parametrize(
        ("kind", "outcome", "state"),
        [
            ("call", "reached", "gone"),
            ("meeting", "", "gone"),
            ("call", "voicemail", "open"),
            ("card", "", "open"),
        ],
    )
    def test_it_goes_once_they_were_spoken_to(self, desk, okafor, kind, outcome, state):
        seen = self.FIRST + days(10)
        row = referral(desk, self.FIRST, provider=okafor)
        move(row, to="seen", seen_on=seen, by=desk.physician, now=at(seen))
        remind(now=at(seen), only=["new_referrers"])
        touched(desk, okafor, seen, kind, outcome)
        remind(now=at(seen), only=["new_referrers"])

        assert Reminder.objects.get().state == state

    def test_check_ins_90_and_180_days_after_the_first_referral_one_at_a_time(self, desk, okafor):
        referral(desk, self.FIRST, provider=okafor)
        first, second = self.FIRST + days(90), self.FIRST + days(180)

        assert due("new_referrers", first - days(15)) == []
        assert due("new_referrers", first - days(14)) == [(first, f"provider {okafor.pk} first check-in")]
        assert the("new_referrers").member == desk.liaison
        assert the("new_referrers").reason == (
            "Check in with Dr. Okafor: the first referral came on August 3, 2026."
        )
        assert len(due("new_referrers", second - days(1))) == 2
        assert due("new_referrers", second) == [(second, f"provider {okafor.pk} second check-in")]

    def test_call_shortly_before_does_for_the_check_in_and_an_older_one_does_not(self, desk, okafor):
        referral(desk, self.FIRST, provider=okafor)
        on = self.FIRST + days(90)
        touched(desk, okafor, on - days(15))
        assert len(due("new_referrers", on)) == 1

        touched(desk, okafor, on - days(14))
        assert due("new_referrers", on) == []

    def test_who_referred_before_the_start_is_not_new(self, desk, okafor):
        referral(desk, START - days(1), provider=okafor)
        row = referral(desk, self.FIRST, provider=okafor)
        move(row, to="seen", seen_on=self.FIRST, by=desk.physician, now=at(self.FIRST))

        assert due("new_referrers", self.FIRST) == due("new_referrers", START + days(89)) == []


class TestQuietReferrers:
    @pytest.fixture
    def weekly(self, desk):
        """Every ten days from a year before the start on, the last time on 20 July."""
        okafor = provider(liaison=desk.liaison)
        for number in range(30):
            referral(desk, date(2026, 7, 20) - days(10 * number), provider=okafor)
        return okafor

    def test_the_day_they_begin_to_decline_by_their_own_habit(self, desk, weekly):
        on = date(2026, 7, 20) + days(47)  # more than 4.6 times ten days

        assert due("quiet_referrers", on - days(1)) == []
        assert due("quiet_referrers", on) == [(on, f"provider {weekly.pk} declining since 2026-07-20")]
        assert the("quiet_referrers").member == desk.liaison
        assert the("quiet_referrers").reason == (
            "Dr. Okafor refers less than usual: the last referral came on July 20, 2026."
        )

    def test_asked_late_it_is_due_on_the_same_day(self, desk, weekly):
        assert [day for day, _cause in due("quiet_referrers", TODAY)] == [date(2026, 9, 5)]

    def test_lapsing_replaces_declining(self, desk, weekly):
        due("quiet_referrers", TODAY)
        lapsed = date(2026, 7, 20) + days(181)

        assert due("quiet_referrers", lapsed) == [(lapsed, f"provider {weekly.pk} lapsed since 2026-07-20")]
        assert Counter(Reminder.objects.filter(rule="quiet_referrers").values_list("state", flat=True)) == {
            "gone": 1,
            "open": 1,
        }

    def test_referral_closes_it_and_the_next_silence_is_another(self, desk, weekly):
        due("quiet_referrers", date(2026, 9, 10))
        dismiss(the("quiet_referrers"), by=desk.liaison, now=at(date(2026, 9, 10)), reason="On leave")
        assert due("quiet_referrers", date(2026, 9, 20)) == []

        referral(desk, date(2026, 9, 21), provider=weekly)
        assert due("quiet_referrers", date(2026, 9, 22)) == []
        found = due("quiet_referrers", date(2026, 12, 1))
        assert [cause for _day, cause in found] == [f"provider {weekly.pk} declining since 2026-09-21"]

    def test_who_was_quiet_before_the_start_is_history(self, desk):
        okafor = provider()
        for number in range(30):
            referral(desk, date(2026, 1, 10) - days(10 * number), provider=okafor)

        assert due("quiet_referrers", START) == []
        lapsed = date(2026, 1, 10) + days(181)
        assert [day for day, _cause in due("quiet_referrers", lapsed)] == [lapsed]

    @pytest.mark.parametrize(("gaps", "last"), [(7, 200), (7, 34), (2, 400)])
    def test_day_of_the_change_is_the_first_with_that_standing(self, gaps, last):
        """Looked for by halves; here day by day."""
        on = TODAY - days(last)
        rhythm = Rhythm(on - days(7 * gaps), on - days(7 * gaps), on, gaps + 1)
        since = stands_so_since(TODAY, rhythm)
        walked = [
            day
            for n in range(last + 1)
            if standing_on(day := on + days(n), rhythm) == standing_on(TODAY, rhythm)
        ]

        assert since == walked[0]
        assert len(walked) == (TODAY - since).days + 1


class TestFeedbackDue:
    def test_half_a_year_after_the_first_referral_and_after_each_asking(self, desk):
        okafor = provider(liaison=desk.liaison)
        referral(desk, START, provider=okafor)
        first = START + days(182)
        assert due("feedback_due", first - days(15)) == []
        assert due("feedback_due", first) == [(first, f"provider {okafor.pk} since the start")]
        assert the("feedback_due").member == desk.liaison
        assert the("feedback_due").reason == "Ask Dr. Okafor for feedback, for the first time."

        FeedbackRequest.objects.create(provider=okafor, asked_at=at(first), asked_by=desk.manager)
        assert due("feedback_due", first) == []
        referral(desk, first + days(150), provider=okafor)
        assert due("feedback_due", first + days(182)) == [
            (first + days(182), f"provider {okafor.pk} since {first}")
        ]

    def test_feedback_that_came_unasked_counts(self, desk):
        okafor = provider()
        referral(desk, START, provider=okafor)
        Feedback.objects.create(
            provider=okafor, source="call", given_on=TODAY, recorded_at=at(TODAY), recorded_by=desk.manager
        )

        assert due("feedback_due", START + days(182)) == []

    def test_those_who_referred_before_the_start_are_spread(self, desk):
        many = [provider(f"Number{number}") for number in range(12)]
        for one in many:
            referral(desk, START - days(10), provider=one)
        found = due("feedback_due", START + days(182))

        assert len(found) == 12
        assert all(START < day <= START + days(182) for day, _cause in found)
        assert len({day for day, _cause in found}) >= 10

    def test_prospects_and_lapsed_ones_are_not_asked(self, desk):
        provider("Prospect")
        lapsed = provider("Lapsed")
        referral(desk, START - days(500), provider=lapsed)

        assert due("feedback_due", START + days(182)) == []
