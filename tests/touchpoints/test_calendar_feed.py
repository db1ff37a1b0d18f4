"""A member's calendar, read by a library that did not write it: before and after changes, and across the clock's."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
import vobject
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import OfficeContact
from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.models import Location
from practices.roles import Role
from practices.weeks import list_slot
from tests import make
from touchpoints.calendar_feed import CANCELLED_SHOWN, feed_of
from touchpoints.meeting_people import People
from touchpoints.meetings import cancel_meeting, change_meeting, plan_meeting
from touchpoints.models import Reminder
from touchpoints.reminders import close, remind, snooze
from touchpoints.thank_you_lists import make_due_thank_you_lists
from touchpoints.touchpoint_log import log_call

NOW = make.NOW
THURSDAY_NOON = datetime(2026, 11, 19, 17, tzinfo=UTC)  # in New York
PATIENT = "Quillfeather"


def plan(by, *, people=None, at=THURSDAY_NOON, **said):
    people = people or People(providers=(make.provider("Okafor", at=make.office("Lakeside")),))
    said = {"kind": "lunch", "owner": by, "purpose": "To say thank you", "office": None, **said}
    span = {"starts_at": at, "ends_at": at + timedelta(hours=1)}
    return plan_meeting(people=people, by=by, now=NOW, **span, **said)


def read(member, *, now=NOW) -> vobject.base.Component:
    return vobject.readOne(feed_of(member, now=now).decode())


def events_of(member, *, now=NOW) -> dict:
    calendar = read(member, now=now)
    return {event.uid.value: event for event in calendar.contents.get("vevent", [])}


def event_of(meeting, member, *, now=NOW):
    return events_of(member, now=now)[str(meeting.uid)]


class TestAMeeting:
    def test_says_when_where_and_with_whom(self, harbor):
        office = make.office("Lakeside", street="12 Elm St", suite="Ste 4", city="Salem", zip_code="01970")
        ida = OfficeContact.objects.create(office=office, name="Ida Brandt")
        people = People(providers=(make.provider("Okafor", at=office),), contacts=(ida,))
        meeting = plan(harbor.physician, people=people, office=office)
        event = event_of(meeting, harbor.physician)
        assert event.dtstart.value == THURSDAY_NOON
        assert event.dtend.value == THURSDAY_NOON + timedelta(hours=1)
        assert event.summary.value == "Lunch: Dr. Okafor, Ida Brandt"
        assert event.location.value == "Lakeside, 12 Elm St Ste 4, Salem, MA 01970"
        assert event.description.value.startswith("Amara Okafor, MD, Ida Brandt\nhttp")
        assert event.url.value.endswith(f"/meetings/{meeting.pk}/")
        assert (event.status.value, event.sequence.value) == ("CONFIRMED", "0")

    def test_elsewhere_names_that_place_alone(self, harbor):
        office, people = make.office(street="12 Elm St"), People(members=(harbor.physician,))
        ours = Location.objects.create(name="Main office", street="1 Bay Rd", city="Salem", state="MA")
        places = {
            "Olive & Thyme": plan(harbor.physician, people=people, office=office, place="Olive & Thyme"),
            "Main office, 1 Bay Rd, Salem, MA": plan(
                harbor.physician, people=people, office=office, kind="at_ours", location=ours
            ),
        }
        events = events_of(harbor.physician)
        assert {events[str(row.uid)].location.value: row for row in places.values()} == places

    def test_keeps_its_uid_and_counts_its_changes_and_its_cancellation(self, harbor):
        meeting = plan(harbor.physician)
        before = event_of(meeting, harbor.physician)
        later = THURSDAY_NOON + timedelta(days=1)
        changed = change_meeting(
            meeting,
            people=People.at(meeting),
            by=harbor.physician,
            now=NOW + timedelta(hours=1),
            starts_at=later,
            ends_at=later + timedelta(hours=1),
        )
        after = event_of(meeting, harbor.physician)
        assert after.dtstart.value == later
        assert (before.sequence.value, after.sequence.value) == ("0", "1")
        assert after.dtstamp.value - before.dtstamp.value == timedelta(hours=1)
        assert after.last_modified.value == changed.changed_at

        off = cancel_meeting(changed, by=harbor.physician, now=NOW + timedelta(hours=2), reason="Snow")
        cancelled = event_of(meeting, harbor.physician)
        assert (cancelled.status.value, cancelled.sequence.value) == ("CANCELLED", "2")
        assert cancelled.summary.value == "Cancelled: Lunch: Dr. Okafor"
        assert "Snow" not in feed_of(harbor.physician, now=NOW).decode()
        gone = events_of(harbor.physician, now=off.changed_at + CANCELLED_SHOWN)
        assert str(meeting.uid) not in gone

    def test_is_on_the_calendars_of_who_goes_and_who_is_down_for_it_and_no_others(self, harbor):
        people = People(providers=(make.provider(),), members=(harbor.coordinator,))
        uid = str(plan(harbor.physician, people=people).uid)
        assert uid in events_of(harbor.physician)
        assert uid in events_of(harbor.coordinator)
        assert uid not in events_of(harbor.colleague)

    def test_long_past_is_left_out(self, harbor):
        meeting = plan(harbor.physician)
        assert str(meeting.uid) in events_of(harbor.physician, now=NOW + timedelta(days=80))
        assert str(meeting.uid) not in events_of(harbor.physician, now=NOW + timedelta(days=100))

    @pytest.mark.parametrize("hour", range(3, 9))
    def test_in_the_hours_of_the_clocks_change_is_at_its_moment(self, harbor, hour):
        at = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)  # New York shows 1:30 twice
        meeting = plan(harbor.physician, at=at)
        assert event_of(meeting, harbor.physician).dtstart.value == at

    def test_with_many_names_some_but_two(self, harbor):
        people = People(providers=tuple(make.provider(f"Okafor{letter}") for letter in "abcd"))
        event = event_of(plan(harbor.physician, people=people), harbor.physician)
        assert event.summary.value == "Lunch: Dr. Okafora, Dr. Okaforb and 2 more"


class TestTheWritingHour:
    @pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
    @pytest.mark.parametrize("weekday", [0, 6])
    def test_stays_at_its_local_hour_across_both_changes_of_the_clock(self, harbor, zone, weekday):
        harbor.time_zone, harbor.list_weekday = zone, weekday
        harbor.save()
        harbor.physician.refresh_from_db()
        hours = self.occurrences(harbor.physician, until=datetime(2027, 12, 31))
        place = ZoneInfo(zone)
        assert {hour.astimezone(place).hour for hour in hours} == {7}
        assert {hour.astimezone(place).weekday() for hour in hours} == {weekday}
        assert {later - earlier for earlier, later in pairwise(hours)} == {
            timedelta(days=7),
            timedelta(days=7, hours=1),
            timedelta(days=7, hours=-1),
        }
        slots = [list_slot(hour, place, weekday, harbor.list_hour) for hour in hours]
        assert {hour - slot for hour, slot in zip(hours, slots, strict=True)} == {timedelta(hours=1)}

    @staticmethod
    def occurrences(member, *, until: datetime) -> list[datetime]:
        """The instants, by the feed's own VTIMEZONE and none that the reader knows."""
        calendar = read(member)
        (event,) = [event for event in calendar.vevent_list if "rrule" in event.contents]
        hours = (hour.replace(tzinfo=None) for hour in event.getrruleset(addRDate=True))
        written = list(takewhile(lambda hour: hour < until, hours))
        clock = calendar.vtimezone.gettzinfo()
        return [hour.replace(tzinfo=clock).astimezone(UTC) for hour in written]

    def test_is_the_physicians_alone(self, harbor):
        uids = {who: set(events_of(getattr(harbor, who))) for who in ("physician", "coordinator")}
        assert uids["physician"] == {f"writing-time-{harbor.physician.pk}@localhost"}
        assert uids["coordinator"] == set()

    def test_follows_the_list_to_another_day_under_the_same_uid(self, harbor):
        uid = f"writing-time-{harbor.physician.pk}@localhost"
        assert events_of(harbor.physician)[uid].dtstart.value.strftime("%a %H") == "Mon 07"
        harbor.list_weekday, harbor.list_hour = 3, 23
        harbor.save()
        harbor.physician.refresh_from_db()
        assert events_of(harbor.physician)[uid].dtstart.value.strftime("%a %H") == "Fri 00"


class TestReminders:
    def test_stand_on_their_day_until_they_are_done(self, harbor):
        log_call(outcome="no_answer", provider=make.provider("Okafor"), by=harbor.physician, now=NOW)
        reminder = Reminder.objects.get()
        uid = f"reminder-{reminder.pk}@localhost"
        event = events_of(harbor.physician)[uid]
        assert event.dtstart.value == reminder.due_on == date(2026, 11, 19)
        assert event.summary.value == reminder.reason
        assert event.transp.value == "TRANSPARENT"

        snooze(reminder, until=date(2026, 11, 24), now=NOW)
        assert events_of(harbor.physician)[uid].dtstart.value == date(2026, 11, 24)
        close(reminder, by=harbor.physician, now=NOW)
        assert uid not in events_of(harbor.physician)

    def test_of_others_are_theirs(self, harbor):
        log_call(outcome="no_answer", provider=make.provider(), by=harbor.physician, now=NOW)
        assert events_of(harbor.coordinator) == {}


class TestTheFeed:
    def test_says_what_it_is_called_and_how_often_to_look(self, harbor):
        calendar = read(harbor.physician)
        said = {name: calendar.contents[name][0].value for name in ("name", "x-wr-calname", "color")}
        assert said == dict.fromkeys(("name", "x-wr-calname"), "Harbor Cardiology: Dr Chen") | {
            "color": "teal"
        }
        text = feed_of(harbor.physician, now=NOW).decode()
        assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in text
        assert "X-PUBLISHED-TTL:PT1H\r\n" in text
        assert "METHOD" not in text

    def test_of_whoever_has_nothing_is_still_a_calendar(self, harbor):
        calendar = read(harbor.coordinator)
        assert calendar.vtimezone.tzid.value == "America/New_York"

    def test_is_the_same_bytes_while_nothing_changes(self, harbor):
        plan(harbor.physician)
        assert feed_of(harbor.physician, now=NOW) == feed_of(harbor.physician, now=NOW + timedelta(hours=5))

    def test_takes_hostile_names_as_text(self, harbor):
        harbor.name = "Harbor\r\nBEGIN:VEVENT\r\nSUMMARY:Forged"
        harbor.save()
        harbor.physician.refresh_from_db()
        family = 'Null\x07;,:"\\n\u2028END:VCALENDAR\r\nX-EVIL:1\u202e' + "ü" * 60
        office = make.office('Lake;side, "North"\nATTENDEE:mailto:x@example.test', city="Sa\\lem")
        people = People(providers=(make.provider(family, at=office),))
        meeting = plan(harbor.physician, people=people, office=office)
        body = feed_of(harbor.physician, now=NOW)
        assert all(len(line) <= 75 for line in body.split(b"\r\n"))
        assert b"\x07" not in body
        assert body.count(b"\r") == body.count(b"\n") == body.count(b"\r\n")
        events = events_of(harbor.physician)
        assert len(events) == 2
        event = events[str(meeting.uid)]
        assert {"attendee", "x-evil"}.isdisjoint(event.contents)
        assert event.summary.value == ('Lunch: Dr. Null;,:"\\n END:VCALENDAR X-EVIL:1\u202e' + "ü" * 60)
        assert event.location.value == ('Lake;side, "North" ATTENDEE:mailto:x@example.test, Sa\\lem, MA')

    def test_names_no_patient(self, harbor):
        provider = make.provider("Okafor")
        referral = make.referral(
            harbor.coordinator,
            provider=provider,
            physician=harbor.physician,
            patient_family_name=PATIENT,
            received_on=date(2026, 11, 10),
            reason=f"{PATIENT} fell",
        )
        move(referral, to="seen", seen_on=date(2026, 11, 12), by=harbor.physician, now=NOW)
        plan(
            harbor.physician,
            people=People(providers=(provider,)),
            purpose=f"Talk about {PATIENT}",
            at=NOW + timedelta(days=1),
        )
        log_call(
            outcome="voicemail",
            provider=provider,
            referral=referral,
            note=f"{PATIENT} does well",
            next_step=f"Ask how {PATIENT} is",
            next_step_on=date(2026, 11, 20),
            by=harbor.physician,
            now=NOW,
        )
        make_due_thank_you_lists(now=NOW)
        remind(now=NOW + timedelta(days=20))
        text = feed_of(harbor.physician, now=NOW).decode().replace("\r\n ", "")
        assert text.count("BEGIN:VEVENT") >= 4
        assert PATIENT not in text

    def test_asks_no_more_of_the_database_for_twice_as_much(self, harbor):
        def ask() -> int:
            with CaptureQueriesContext(connection) as queries:
                feed_of(harbor.physician, now=NOW)
            return len(queries)

        def grow() -> None:
            for _ in range(3):
                plan(harbor.physician, people=People(providers=(make.provider(), make.provider())))
                log_call(outcome="no_answer", provider=make.provider(), by=harbor.physician, now=NOW)

        grow()
        few = ask()
        grow()
        assert ask() == few <= 4


def test_another_practices_meetings_stay_there(db):
    ours, theirs = make.practice(), make.practice("Theirs")
    physicians = {practice.pk: make.member(Role.PHYSICIAN, practice) for practice in (ours, theirs)}
    with practice_scope(theirs):
        meeting = plan(physicians[theirs.pk])
    with practice_scope(ours):
        assert str(meeting.uid) not in events_of(physicians[ours.pk])
