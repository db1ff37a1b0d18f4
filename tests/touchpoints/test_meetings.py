"""Meetings: planned, changed, held, cancelled; and what each leaves on the timeline and among the reminders."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from contacts.merging import merge_providers, undo_merge
from contacts.models import OfficeContact
from practices.roles import Role
from tests import make
from touchpoints.meeting_people import People
from touchpoints.meetings import cancel_meeting, change_meeting, hold_meeting, log_meeting, plan_meeting
from touchpoints.models import Attendee, Gift, Meeting, Reminder, Touchpoint
from touchpoints.reminders import close, remind
from touchpoints.touchpoint_log import NotPossible, finish_next_step, withdraw

NOW = make.NOW
NOON_TODAY = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)  # noon in New York
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(harbor):
    office = make.office("Lakeside")
    return SimpleNamespace(
        practice=harbor,
        liaison=make.member(Role.LIAISON, harbor, name="Lia Roy"),
        manager=make.member(Role.MANAGER, harbor),
        office=office,
        okafor=make.provider("Okafor", at=office),
        lindqvist=make.provider("Lindqvist", at=office),
        contact=OfficeContact.objects.create(office=office, name="Maria Sole"),
    )


def planned(desk, *providers, contacts=(), members=(), **fields):
    people = People(tuple(providers), tuple(contacts), tuple(members))
    return plan_meeting(people=people, by=desk.liaison, now=NOW, **said(desk, **fields))


def said(desk, **fields):
    plan = {"kind": "lunch", "starts_at": NOON_TODAY, "ends_at": NOON_TODAY + HOUR}
    return {**plan, "owner": desk.liaison, "purpose": "How to send imaging", "office": desk.office, **fields}


def held(desk, meeting, people=None, **fields):
    return hold_meeting(meeting, people=people or People.at(meeting), by=desk.liaison, now=NOW, **fields)


def story():
    rows = Touchpoint.objects.standing().select_related("provider").order_by("pk")
    return [str(row.provider or row.office) for row in rows]


def due():
    return list(Reminder.objects.open().order_by("due_on", "pk").values_list("rule", "due_on"))


def test_planned_meeting_reaches_nobody_yet_and_reminds_the_day_before(desk):
    meeting = planned(desk, desk.okafor, desk.lindqvist, members=[desk.liaison])

    assert story() == []
    assert (meeting.state, meeting.sequence, Attendee.objects.count()) == ("planned", 0, 3)
    reminder = Reminder.objects.get()
    assert reminder.reason == "Lunch with Dr. Lindqvist on November 18 at 12:00 PM."
    assert (reminder.member, reminder.due_on) == (desk.liaison, date(2026, 11, 17))


def test_held_meeting_is_one_touchpoint_for_each_provider_present(desk):
    meeting = held(desk, planned(desk, desk.okafor, desk.lindqvist), intel="A new partner in May")

    assert story() == ["Amara Lindqvist, MD", "Amara Okafor, MD"]
    row = Touchpoint.objects.first()
    assert (row.kind, row.meeting, row.office, row.member) == ("meeting", meeting, desk.office, desk.liaison)
    assert row.note == "Purpose: How to send imaging\nLearned: A new partner in May"
    assert due() == []


def test_second_press_of_held_changes_nothing(desk):
    meeting = planned(desk, desk.okafor)
    held(desk, meeting, intel="Fine")
    held(desk, meeting, intel="Fine")
    assert story() == ["Amara Okafor, MD"]


def test_two_who_say_how_it_went_do_not_write_over_each_other(desk):
    meeting = planned(desk, desk.okafor)
    held(desk, meeting, intel="Fine")
    with pytest.raises(NotPossible, match="meanwhile"):
        held(desk, meeting, intel="Not so fine")


def test_without_a_provider_the_office_was_met_once(desk):
    held(desk, planned(desk, contacts=[desk.contact]))
    assert story() == ["Lakeside"]


def test_contact_alone_tells_which_office_was_met(desk):
    held(desk, planned(desk, contacts=[desk.contact], office=None))
    assert story() == ["Lakeside"]


def test_a_meeting_with_nobody_and_nowhere_is_refused(desk):
    with pytest.raises(NotPossible, match="with whom"):
        planned(desk, members=[desk.liaison], office=None)


def test_a_provider_of_elsewhere_has_it_in_the_story_of_their_own_office(desk):
    elsewhere = make.office("Hillside")
    held(desk, planned(desk, make.provider("Byrne", at=elsewhere), desk.okafor))
    assert [row.office for row in Touchpoint.objects.order_by("pk")] == [elsewhere, desk.office]


def test_one_form_pressed_twice_plans_once(desk):
    uid = uuid4()
    planned(desk, desk.okafor, uid=uid)
    planned(desk, desk.okafor, uid=uid)
    assert Meeting.objects.count() == 1
    with pytest.raises(NotPossible, match="already"):
        planned(desk, desk.okafor, uid=uid, purpose="Something else")


def test_logging_a_held_one_answers_its_reminder(desk):
    reminder = Reminder.objects.create(
        rule="in_touch",
        cause="x",
        member=desk.liaison,
        provider=desk.okafor,
        reason="x",
        due_on=NOW.date(),
        made_at=NOW,
    )
    uid = uuid4()
    for _press in range(2):
        log_meeting(
            people=People((desk.okafor,)), by=desk.liaison, now=NOON_TODAY + 2 * HOUR, uid=uid,
            answers=reminder, **said(desk, intel="Fine"),
        )  # fmt: skip
    reminder.refresh_from_db()
    assert (story(), reminder.state) == (["Amara Okafor, MD"], "gone")


def test_it_can_not_have_been_held_tomorrow(desk):
    meeting = planned(desk, desk.okafor, starts_at=NOON_TODAY + 24 * HOUR, ends_at=NOON_TODAY + 25 * HOUR)
    with pytest.raises(NotPossible, match="future"):
        held(desk, meeting)
    meeting.refresh_from_db()
    assert meeting.state == "planned"


def test_a_late_dinner_is_of_the_day_it_is_where_the_practice_is(desk):
    at = datetime(2026, 11, 18, 3, 30, tzinfo=UTC)  # half past ten in the evening of the 17th
    meeting = held(desk, planned(desk, desk.okafor, starts_at=at, ends_at=at + HOUR))
    assert meeting.held_on == Touchpoint.objects.get().happened_on == date(2026, 11, 17)


def test_each_change_raises_the_sequence_and_says_when(desk):
    meeting = planned(desk, desk.okafor)
    later = NOW + HOUR
    moved = change_meeting(
        meeting, people=People.at(meeting), by=desk.liaison, now=later, starts_at=NOON_TODAY - HOUR
    )
    assert (moved.sequence, moved.changed_at) == (1, later)
    assert change_meeting(moved, people=People.at(moved), by=desk.liaison, now=later + HOUR).sequence == 1
    assert change_meeting(moved, people=People((desk.lindqvist,)), by=desk.liaison, now=later).sequence == 2
    assert People.at(moved).providers == (desk.lindqvist,)
    assert held(desk, moved).sequence == 3


def test_moved_to_another_day_it_reminds_anew(desk):
    meeting = planned(desk, desk.okafor)
    close(Reminder.objects.get(), by=desk.liaison, now=NOW)
    move = {"starts_at": NOON_TODAY + 48 * HOUR, "ends_at": NOON_TODAY + 49 * HOUR}
    change_meeting(meeting, people=People.at(meeting), by=desk.liaison, now=NOW, **move)
    assert due() == [("meetings_tomorrow", date(2026, 11, 19))]


def test_a_correction_says_it_right_everywhere_and_keeps_what_was_said(desk):
    meeting = held(desk, planned(desk, desk.okafor, desk.lindqvist), intel="They move")
    change_meeting(
        meeting, people=People((desk.okafor,)), by=desk.manager, now=NOW, reason="It was another office",
        intel="They stay",
    )  # fmt: skip
    assert story() == ["Amara Okafor, MD"]
    row = Touchpoint.objects.standing().get()
    assert "They stay" in row.note
    earlier = row.earlier.get()
    assert "They move" in earlier.note
    assert (earlier.withdrawn_reason, earlier.withdrawn_by) == ("It was another office", desk.manager)
    gone = Touchpoint.objects.get(provider=desk.lindqvist)
    assert gone.withdrawn_reason == "It was another office"


def test_cancelled_reminds_nobody_and_a_held_one_leaves_the_story(desk):
    first = planned(desk, desk.okafor)
    second = held(desk, planned(desk, desk.lindqvist))
    for meeting in (first, second):
        cancel_meeting(meeting, by=desk.liaison, now=NOW, reason="They were closed")
        again = cancel_meeting(meeting, by=desk.manager, now=NOW, reason="Another")
        assert (again.state, again.cancelled_reason) == ("cancelled", "They were closed")
    assert (story(), due()) == ([], [])
    assert Touchpoint.objects.get().withdrawn_reason == "They were closed"
    with pytest.raises(NotPossible, match="cancelled"):
        held(desk, first)
    with pytest.raises(NotPossible, match="cancelled"):
        change_meeting(first, people=People.at(first), by=desk.liaison, now=NOW, purpose="x")


def test_promised_next_step_is_one_reminder_however_many_were_there(desk):
    on = date(2026, 11, 25)
    meeting = held(
        desk, planned(desk, desk.okafor, desk.lindqvist), next_step="Bring the guide", next_step_on=on,
        next_step_owner=desk.manager,
    )  # fmt: skip
    assert due() == [("promised_next_steps", on)]
    assert Reminder.objects.open().get().member == desk.manager
    finish_next_step(Touchpoint.objects.filter(meeting=meeting).first(), by=desk.manager, now=NOW)
    assert due() == []
    assert not Touchpoint.objects.owing_next_step().exists()


def test_what_belongs_to_a_meeting_is_not_withdrawn_beside_it(desk):
    held(desk, planned(desk, desk.okafor))
    with pytest.raises(NotPossible, match="part of a meeting"):
        withdraw(Touchpoint.objects.get(), by=desk.liaison, now=NOW, reason="x")


def test_once_costs_stand_in_the_ledger_who_was_there_and_when_stays(desk):
    meeting = held(desk, planned(desk, desk.okafor))
    gift = Gift.objects.create(
        meeting=meeting, given_on=meeting.held_on, nature="meal", description="Sandwiches", amount=40,
        logged_at=NOW, logged_by=desk.liaison,
    )  # fmt: skip
    both = People((desk.okafor, desk.lindqvist))
    with pytest.raises(NotPossible, match="ledger"):
        change_meeting(meeting, people=both, by=desk.liaison, now=NOW, reason="x")
    with pytest.raises(NotPossible, match="ledger"):
        cancel_meeting(meeting, by=desk.liaison, now=NOW, reason="x")
    change_meeting(meeting, people=People.at(meeting), by=desk.liaison, now=NOW, reason="x", intel="More")
    Gift.objects.filter(pk=gift.pk).update(withdrawn_at=NOW, withdrawn_by=desk.liaison)
    assert change_meeting(meeting, people=both, by=desk.liaison, now=NOW, reason="x").sequence == 3


def test_who_retired_since_is_no_longer_named_by_the_reminder(desk):
    planned(desk, desk.okafor)
    desk.okafor.state = "retired"
    desk.okafor.save()
    remind(now=NOW)
    assert "Lunch with Lakeside" in Reminder.objects.open().get().reason


def test_only_who_may_be_met_is_chosen_from_a_form(desk):
    retired = make.provider("Byrne", state="retired")
    keys = [
        f"provider-{desk.okafor.pk}",
        f"provider-{retired.pk}",
        f"contact-{desk.contact.pk}",
        "contact-9²",
    ]
    keys += [f"member-{desk.liaison.pk}", "office-1", "provider", ""]
    chosen = People.chosen(keys)
    assert list(chosen) == [desk.okafor, desk.contact, desk.liaison]
    assert People.chosen(keys, also=People((retired,))).providers == (retired, desk.okafor)


def test_two_of_one_name_who_were_there_both_merge_and_come_apart_again(desk):
    meeting = held(desk, planned(desk, desk.okafor, desk.lindqvist))
    merge = merge_providers(keep=desk.okafor, drop=desk.lindqvist, by=desk.manager, now=NOW)
    assert (story(), People.at(meeting).providers) == (["Amara Okafor, MD"], (desk.okafor,))
    undo_merge(merge, by=desk.manager, now=NOW)
    assert story() == ["Amara Lindqvist, MD", "Amara Okafor, MD"]
