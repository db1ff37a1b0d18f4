"""The digest: one a day at most, at the member's hour on the practice's clock, of what is due, without a patient."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.members import come_back, leave
from practices.models import Digest, LinkToken, Member, OutboxEnvelope, Practice
from practices.roles import Role
from referralcrm.tasks import tick_practice
from tests import make
from tests.counts import examples
from touchpoints.digests import SHOWN, make_due_digests
from touchpoints.models import Reminder
from touchpoints.reminders import dismiss, snooze
from touchpoints.reminders import remind as remind_practice
from touchpoints.thank_you_lists import make_due_thank_you_lists
from touchpoints.touchpoint_log import log_call

TUESDAY = date(2026, 11, 24)
MONDAY = date(2026, 11, 23)
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def a_mail_server(settings):
    settings.EMAIL_URL = "smtp://127.0.0.1:1"


def at(day: date, hour: int, minute: int = 0, *, zone: str = "America/New_York") -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone))


def remind(member: Member, *, due_on: date = TUESDAY, reason: str = "", **fields) -> Reminder:
    number = Reminder.objects.count() + 1
    made = {"rule": "told by hand", "cause": f"cause {number}", "made_at": make.NOW}
    return Reminder.objects.create(
        member=member, due_on=due_on, reason=reason or f"Call Dr. Okafor{number}.", **made, **fields
    )


def mails() -> list[tuple[str, str]]:
    return [(mail.recipient, mail.subject) for mail in OutboxEnvelope.objects.order_by("pk")]


def write(day: date, hour: int, minute: int = 0) -> int:
    return make_due_digests(now=at(day, hour, minute))


class TestTheHour:
    def test_is_the_members_own_on_the_practices_clock(self, harbor):
        remind(harbor.physician)
        remind(harbor.colleague)
        Member.objects.filter(pk=harbor.colleague.pk).update(digest_hour=17)
        assert [write(TUESDAY, 6, 59), write(TUESDAY, 7), write(TUESDAY, 16, 59), write(TUESDAY, 17)] == [
            0, 1, 0, 1,
        ]  # fmt: skip
        assert mails() == [
            (harbor.physician.user.email, "Harbor Cardiology: 1 reminder is due"),
            (harbor.colleague.user.email, "Harbor Cardiology: 1 reminder is due"),
        ]

    def test_strikes_once_a_day_however_often_it_is_asked(self, harbor):
        remind(harbor.physician)
        assert [write(TUESDAY, hour) for hour in range(7, 24)] == [1] + [0] * 16
        assert write(TUESDAY + timedelta(days=1), 7) == 1

    def test_that_was_slept_through_is_made_up_the_same_day_and_never_the_next(self, harbor):
        remind(harbor.physician, due_on=MONDAY)
        assert write(TUESDAY, 23, 59) == 1
        thursday = TUESDAY + timedelta(days=2)
        assert write(thursday, 0, 5) == 0  # Wednesday's went by
        assert write(thursday, 7) == 1
        days = Digest.objects.filter(member=harbor.physician).values_list("day", flat=True)
        assert list(days) == [TUESDAY, thursday]

    def test_asked_late_by_a_tick_that_was_overtaken_brings_no_older_day(self, harbor):
        remind(harbor.physician, due_on=MONDAY)
        assert [write(TUESDAY, 7), write(MONDAY, 23, 59)] == [1, 0]

    @pytest.mark.parametrize(
        ("day", "hour", "strikes_at"),
        [
            (date(2027, 3, 14), 2, datetime(2027, 3, 14, 7, tzinfo=UTC)),  # 2:00 to 3:00 do not happen
            (date(2026, 11, 1), 1, datetime(2026, 11, 1, 5, tzinfo=UTC)),  # 1:00 happens twice
            (date(2026, 11, 1), 2, datetime(2026, 11, 1, 7, tzinfo=UTC)),
        ],
    )
    def test_that_the_clock_skips_or_repeats_strikes_once(self, harbor, day, hour, strikes_at):
        remind(harbor.physician, due_on=date(2026, 10, 1))
        Member.objects.filter(pk=harbor.physician.pk).update(digest_hour=hour)
        midnight = at(day, 0).astimezone(UTC)
        ticks = [midnight + timedelta(minutes=30 * n) for n in range(2 * 24)]
        assert [tick for tick in ticks if make_due_digests(now=tick)] == [strikes_at]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("America/New_York", "America/Los_Angeles"),
            ("America/Los_Angeles", "America/New_York"),
            ("Pacific/Auckland", "America/New_York"),
            ("America/New_York", "Pacific/Auckland"),
        ],
    )
    def test_of_a_practice_that_moves_strikes_once_for_each_day_of_its_calendar(self, harbor, before, after):
        remind(harbor.physician, due_on=date(2026, 11, 1))
        written = []
        for hours in range(4 * 24):
            now = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hours)
            zone = before if hours < 40 else after
            Practice.objects.filter(pk=harbor.pk).update(time_zone=zone)
            if make_due_digests(now=now):
                local = now.astimezone(ZoneInfo(zone))
                written.append(local.date())
                assert local.hour >= 7
        assert len(written) == len(set(written)) >= 3

    @given(data=st.data())
    @hypothesis_settings(
        max_examples=examples(10, full=200),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_is_kept_by_any_ticks_in_any_order_of_lateness(self, harbor, data):
        zone = data.draw(st.sampled_from(["America/New_York", "Pacific/Auckland", "Asia/Kolkata"]))
        hour = data.draw(st.integers(0, 23))
        gaps = data.draw(st.lists(st.integers(0, 30 * 60), min_size=1, max_size=40))
        ticks = [
            datetime(2026, 10, 29, tzinfo=UTC) + timedelta(minutes=sum(gaps[: n + 1]))
            for n in range(len(gaps))
        ]
        Practice.objects.filter(pk=harbor.pk).update(time_zone=zone)
        Member.objects.filter(pk=harbor.physician.pk).update(digest_hour=hour)
        Reminder.objects.all().delete()
        Digest.objects.all().delete()
        remind(harbor.physician, due_on=date(2026, 10, 1))
        local = [tick.astimezone(ZoneInfo(zone)) for tick in ticks]
        expected = sorted({one.date() for one in local if one.hour >= hour})
        written = [one.date() for tick, one in zip(ticks, local, strict=True) if make_due_digests(now=tick)]
        assert written == expected


class TestWhoGetsIt:
    def test_only_those_for_whom_something_is_due(self, harbor):
        remind(harbor.physician, due_on=TUESDAY + timedelta(days=1))
        put_off, dismissed = remind(harbor.colleague), remind(harbor.colleague)
        snooze(put_off, until=TUESDAY + timedelta(days=7), now=make.NOW)
        dismiss(dismissed, by=harbor.colleague, now=make.NOW, reason="on leave")
        assert write(TUESDAY, 9) == 0
        assert (mails(), LinkToken.objects.count()) == ([], 0)

    def test_what_falls_due_after_the_hour_waits_for_tomorrow(self, harbor):
        assert write(TUESDAY, 7) == 0
        remind(harbor.physician)
        assert [write(TUESDAY, 15), write(TUESDAY + timedelta(days=1), 7)] == [0, 1]

    @pytest.mark.parametrize("why", ["left", "does not want it", "may not sign in"])
    def test_not_who_left_or_said_no(self, harbor, why):
        remind(harbor.physician)
        if why == "left":
            Member.objects.filter(pk=harbor.physician.pk).update(left_at=make.NOW)
        elif why == "does not want it":
            Member.objects.filter(pk=harbor.physician.pk).update(wants_digest=False)
        else:
            harbor.physician.user.is_active = False
            harbor.physician.user.save()
        assert write(TUESDAY, 9) == 0

    def test_who_leaves_does_not_get_what_still_waits(self, harbor):
        make.member(Role.MANAGER, harbor)
        remind(harbor.physician)
        remind(harbor.colleague)
        assert write(TUESDAY, 7) == 2
        leave(harbor.physician, now=at(TUESDAY, 7, 5))
        theirs = OutboxEnvelope.objects.get(recipient=harbor.physician.user.email)
        assert (theirs.state, theirs.subject, theirs.text, theirs.unsubscribe_link) == (
            "outdated",
            "",
            "",
            "",
        )
        assert OutboxEnvelope.objects.get(recipient=harbor.colleague.user.email).state == "waiting"
        come_back(harbor.physician)
        assert write(TUESDAY, 8) == 0

    def test_nobody_without_a_mail_server_and_no_day_is_lost_by_it(self, harbor, settings):
        remind(harbor.physician)
        settings.EMAIL_URL = ""
        assert (write(TUESDAY, 7), Digest.objects.count()) == (0, 0)
        settings.EMAIL_URL = "smtp://127.0.0.1:1"
        assert write(TUESDAY, 11) == 1


class TestTheLetter:
    def test_counts_names_and_opens_the_reminders(self, harbor, settings):
        settings.SITE_URL = "https://crm.example"
        remind(harbor.physician, due_on=MONDAY, reason="Call Dr. Okafor & Dr. Núñez.")
        remind(harbor.physician, reason="The card to Dr. Roe is not written yet.")
        remind(harbor.colleague, reason="Nobody else's.")
        write(TUESDAY, 7)
        mail = OutboxEnvelope.objects.get(recipient=harbor.physician.user.email)
        assert "2 reminders are due for you, 1 of them overdue:" in mail.text
        assert (
            "- Call Dr. Okafor & Dr. Núñez. (1 day overdue)\n- The card to Dr. Roe is not written yet. (due today)\n"
            in mail.text
        )
        assert "Dr. Okafor &amp; Dr. Núñez. (1 day overdue)" in mail.html
        for letter in (mail.text, mail.html):
            assert letter.count("https://crm.example/reminders/") == 1
            assert letter.count("https://crm.example/") == 2  # and the way to stop it
            assert "Nobody else" not in letter
            assert "Your thank-you list" not in letter

    def test_names_the_first_dozen_and_counts_the_rest(self, harbor):
        for _ in range(SHOWN + 3):
            remind(harbor.physician)
        write(TUESDAY, 7)
        text = OutboxEnvelope.objects.get().text
        assert (text.count("Call Dr. Okafor"), "- and 3 more" in text) == (SHOWN, True)

    def test_names_no_patient_whatever_the_rules_find_due(self, harbor):
        secrets = {"patient_family_name": PATIENT, "patient_given_name": "Zebulon", "reason": "Palpitations"}
        for status in ("received", "seen", "declined"):
            referral = make.referral(harbor.coordinator, physician=harbor.physician, **secrets)
            if status != "received":
                move(referral, to=status, by=harbor.coordinator, now=make.NOW, seen_on=make.NOW.date())
        next_monday = MONDAY + timedelta(days=7)
        make_due_thank_you_lists(now=at(next_monday, 6))
        remind_practice(now=at(next_monday, 6))
        assert write(next_monday, 7) == 2
        for mail in OutboxEnvelope.objects.all():
            assert "Dr. Okafor" in mail.text
            for part in (mail.subject, mail.text, mail.html, str(mail.headers)):
                assert not {
                    word for word in (PATIENT, "Zebulon", "Palpitations", "Q. Z", "Z. Q") if word in part
                }

    def test_of_monday_brings_a_physician_the_list_that_is_ready(self, harbor):
        make.referral(harbor.coordinator, physician=harbor.physician, received_on=date(2026, 11, 17))
        make_due_thank_you_lists(now=at(MONDAY, 6))
        assert write(MONDAY, 7) == 1
        mail = OutboxEnvelope.objects.get()
        assert (mail.recipient, mail.subject) == (
            harbor.physician.user.email, "Harbor Cardiology: your thank-you list is ready",
        )  # fmt: skip
        assert "Your thank-you list of November 16–22: 1 to decide" in mail.text
        assert "/thank-you/" in mail.text
        assert write(TUESDAY, 7) == 0

    def test_brings_a_list_that_became_ready_on_whatever_day_and_once(self, harbor):
        harbor.list_weekday, harbor.list_hour = 2, 9  # Wednesday, after the digest's hour
        harbor.save()
        make.referral(harbor.coordinator, physician=harbor.physician, received_on=date(2026, 11, 17))
        assert write(TUESDAY + timedelta(days=1), 7) == 0
        make_due_thank_you_lists(now=at(TUESDAY + timedelta(days=1), 9))
        assert write(TUESDAY + timedelta(days=2), 7) == 1
        assert "Your thank-you list of November 16–22: 1 to decide" in OutboxEnvelope.objects.get().text
        assert write(TUESDAY + timedelta(days=3), 7) == 0

    def test_of_monday_brings_a_manager_the_practices_week(self, harbor):
        manager = make.member(Role.MANAGER, harbor)
        for day in (9, 16, 17):
            make.referral(harbor.coordinator, physician=harbor.physician, received_on=date(2026, 11, day))
        make_due_thank_you_lists(now=at(MONDAY, 6))
        for late in (harbor.physician, harbor.physician, harbor.colleague):
            remind(late, due_on=MONDAY - timedelta(days=3))
        write(MONDAY, 7)
        mail = OutboxEnvelope.objects.get(recipient=manager.user.email)
        assert mail.subject == "Harbor Cardiology: the week behind us"
        for line in (
            "- 2 referrals came in last week, 1 the week before.\n",
            "- Thank-you list of Dr Chen, November 16–22: 2 to decide.\n",
            "- Dr Chen: 2 reminders are overdue.\n- Dr Roy: 1 reminder is overdue.\n",
        ):
            assert line in mail.text
        assert (
            "came in last week" not in OutboxEnvelope.objects.get(recipient=harbor.physician.user.email).text
        )
        assert write(TUESDAY, 7) == 2  # the two for whom something is overdue; no news for the manager

    def test_of_monday_is_none_where_nothing_happened(self, harbor):
        make.member(Role.MANAGER, harbor)
        assert write(MONDAY, 7) == 0

    def test_asks_the_database_no_more_for_thirty_due_than_for_one(self, harbor):
        remind(harbor.physician)
        with CaptureQueriesContext(connection) as of_one:
            assert write(TUESDAY, 7) == 1
        for _ in range(30):
            remind(harbor.physician)
        with CaptureQueriesContext(connection) as of_thirty:
            assert write(TUESDAY + timedelta(days=1), 7) == 1
        assert len(of_thirty) == len(of_one)
        with CaptureQueriesContext(connection) as of_none:
            assert write(TUESDAY + timedelta(days=1), 8) == 0
        assert len(of_none) == 2


@pytest.mark.django_db
def test_a_tick_writes_of_what_the_same_tick_finds_due():
    practice = make.practice()
    member = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        called_on = at(MONDAY, 9)
        log_call(outcome="voicemail", provider=make.provider("Roe"), by=member, now=called_on)
    tick_practice(practice.pk, at(TUESDAY, 7).isoformat())
    assert "Call Dr. Roe again" in OutboxEnvelope.objects.get(recipient=member.user.email).text


@pytest.mark.django_db
def test_each_seat_of_one_user_has_a_letter_of_its_own():
    harbor, stonegate = make.practice("Harbor Cardiology"), make.practice("Stonegate Orthopedics")
    seat = make.member(Role.COORDINATOR, harbor)
    with practice_scope(stonegate):
        other = Member.objects.create(user=seat.user, role=Role.PHYSICIAN)
        remind(other, reason="Call Dr. Stone.")
    for practice in (harbor, stonegate):
        with practice_scope(practice):
            make_due_digests(now=at(TUESDAY, 7))
    mail = OutboxEnvelope.objects.get()
    assert (mail.practice, mail.subject) == (stonegate, "Stonegate Orthopedics: 1 reminder is due")


@pytest.mark.django_db(transaction=True)
def test_ticks_at_once_leave_one_letter_each(a_mail_server):
    practice = make.practice()
    people = [make.member(Role.COORDINATOR, practice) for _ in range(5)]
    with practice_scope(practice):
        for member in people:
            remind(member)
    written: list[int] = []

    def tick() -> None:
        with practice_scope(practice):
            written.append(make_due_digests(now=at(TUESDAY, 7)))
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(written), sum(written)) == (4, 5)
    assert sorted(to for to, _subject in mails()) == sorted(member.user.email for member in people)
