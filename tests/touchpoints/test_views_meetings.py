"""The pages of meetings, asked from outside any scope."""

import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import OfficeContact
from practices.isolation import practice_scope
from practices.models import Draft
from practices.roles import Role
from tests import make
from touchpoints.meeting_people import People
from touchpoints.meetings import hold_meeting, plan_meeting
from touchpoints.models import Gift, Meeting, Reminder, Touchpoint

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY = date(2026, 11, 18)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)


@pytest.fixture
def desk(time_machine):
    time_machine.move_to(NOW, tick=False)
    practice = make.practice(starts_on=date(2026, 11, 9))
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    with practice_scope(practice):
        office = make.office("Lakeside")
        return SimpleNamespace(
            practice=practice,
            office=office,
            okafor=make.provider("Okafor", at=office),
            lindqvist=make.provider("Lindqvist", at=office),
            contact=OfficeContact.objects.create(office=office, name="Maria Sole"),
            **people,
        )


def plan(desk, *, by=None, at=NOON, contacts=(), people=None, **fields):
    said = {"kind": "lunch", "starts_at": at, "ends_at": at + HOUR, "purpose": "Say hello", **fields}
    with practice_scope(desk.practice):
        people = people or People((desk.okafor,), tuple(contacts))
        by = by or desk.liaison
        return plan_meeting(people=people, by=by, now=NOW, owner=by, office=desk.office, **said)


def held(desk, **fields):
    meeting = plan(desk, at=NOON - 3 * HOUR, **fields)
    with practice_scope(desk.practice):
        return hold_meeting(meeting, people=People.at(meeting), by=desk.liaison, now=NOW)


def form(desk, **changes):
    filled = {
        "uid": str(uuid4()), "kind": "visit", "day": "2026-11-20", "at": "09:30", "minutes": "45",
        "owner": desk.liaison.pk, "purpose": "How to send imaging", "office": desk.office.pk,
        "office_text": "Lakeside", "people": [f"provider-{desk.okafor.pk}", f"member-{desk.liaison.pk}"],
    }  # fmt: skip
    return {**filled, **changes}


def meetings(desk):
    with practice_scope(desk.practice):
        return list(Meeting.objects.order_by("pk"))


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_planned_in_one_form_in_the_practices_time(client, desk):
    client.force_login(desk.liaison.user)
    data = form(desk)
    for _press in range(2):
        answer = client.post(reverse("meeting_new"), data)
    (meeting,) = meetings(desk)
    assert answer.url == reverse("meeting", args=[meeting.pk])
    assert meeting.starts_at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert meeting.ends_at - meeting.starts_at == timedelta(minutes=45)
    assert "Fri, November 20, 2026, 9:30 AM" in text_of(client.get(answer.url))


def test_what_is_wrong_is_said_and_what_was_typed_stays(client, desk):
    client.force_login(desk.liaison.user)
    answer = client.post(
        reverse("meeting_new"), form(desk, purpose="", minutes="2", person_text="Nobody At All")
    )
    assert answer.status_code == 422
    shown = text_of(answer)
    for sentence in (
        "This field is required",
        "greater than or equal to 5",
        "Nobody in your network is called",
    ):
        assert sentence in shown
    assert f'value="provider-{desk.okafor.pk}" checked' in re.sub(r"\s+", " ", answer.content.decode())
    assert meetings(desk) == []


def test_nobody_and_nowhere_is_refused(client, desk):
    client.force_login(desk.liaison.user)
    answer = client.post(reverse("meeting_new"), form(desk, people=[], office="", office_text=""))
    assert (answer.status_code, meetings(desk)) == (422, [])
    assert "Say with whom, or at least which office." in text_of(answer)


def test_an_hour_that_the_clocks_leave_out_is_no_hour(client, desk):
    client.force_login(desk.liaison.user)
    answer = client.post(reverse("meeting_new"), form(desk, day="2027-03-14", at="02:30"))
    assert "The clocks change at that hour" in text_of(answer)
    assert meetings(desk) == []


def test_adding_somebody_ticks_them_and_saves_nothing(client, desk):
    client.force_login(desk.liaison.user)
    typed = form(desk, add="1", person_text="Maria", purpose="Half a sent")
    whole = client.post(reverse("meeting_new"), typed)
    part = client.post(reverse("meeting_new"), typed, headers={"HX-Request": "true"})
    for answer in (whole, part):
        content = re.sub(r"\s+", " ", answer.content.decode())
        assert answer.status_code == 200
        assert f'value="contact-{desk.contact.pk}" checked' in content
        assert f'value="provider-{desk.lindqvist.pk}" >' in content
    assert 'value="Half a sent"' in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert meetings(desk) == []


def test_somebody_new_at_the_office_joins_its_address_book_once(client, desk):
    client.force_login(desk.liaison.user)
    typed = form(desk, new_contact="Ruth Oma", new_contact_job="Front desk")
    for _press in range(2):
        added = client.post(reverse("meeting_new"), {**typed, "add": "1"})
    with practice_scope(desk.practice):
        newcomer = OfficeContact.objects.get(name="Ruth Oma")
    assert f'value="contact-{newcomer.pk}" checked' in re.sub(r"\s+", " ", added.content.decode())
    assert 'value="Ruth Oma"' not in added.content.decode()

    nowhere = client.post(reverse("meeting_new"), {**typed, "office": "", "office_text": ""})
    assert "Name their office above." in text_of(nowhere)
    client.post(reverse("meeting_new"), typed)
    with practice_scope(desk.practice):
        assert People.at(Meeting.objects.get()).contacts == (newcomer,)


def test_a_name_that_two_have_asks_which(client, desk):
    with practice_scope(desk.practice):
        OfficeContact.objects.create(office=desk.office, name="Maria Lund")
    client.force_login(desk.liaison.user)
    answer = client.post(reverse("meeting_new"), form(desk, person_text="maria"))
    assert (answer.status_code, meetings(desk)) == (422, [])
    assert "Which one is meant by “maria”?" in text_of(answer)
    client.post(
        reverse("meeting_new"), form(desk, person_text="maria", person_choice=f"contact-{desk.contact.pk}")
    )
    with practice_scope(desk.practice):
        assert People.at(Meeting.objects.get()).contacts == (desk.contact,)


def test_nobody_of_another_practice_can_be_ticked(client, desk):
    other = make.practice("Theirs")
    with practice_scope(other):
        stranger, office = make.provider("Byrne"), make.office("Elsewhere")
    client.force_login(desk.liaison.user)
    people = [f"provider-{stranger.pk}", f"provider-{desk.okafor.pk}"]
    client.post(reverse("meeting_new"), form(desk, people=people))
    with practice_scope(desk.practice):
        assert People.at(Meeting.objects.get()).providers == (desk.okafor,)
    answer = client.post(reverse("meeting_new"), form(desk, office=office.pk, office_text="Elsewhere"))
    assert answer.status_code == 422


def test_the_page_of_an_office_leads_to_a_form_with_its_people(client, desk):
    client.force_login(desk.liaison.user)
    answer = client.get(reverse("meeting_new"), {"office": desk.office.pk})
    for name in ("Amara Okafor, MD", "Amara Lindqvist, MD", "Maria Sole"):
        assert name in text_of(answer)
    ticked = client.get(reverse("meeting_new"), {"provider": desk.okafor.pk, "held": "1"}).content.decode()
    assert f'value="provider-{desk.okafor.pk}" checked' in re.sub(r"\s+", " ", ticked)


def test_a_held_one_is_logged_with_its_note_and_answers_its_reminder(client, desk):
    with practice_scope(desk.practice):
        reminder = Reminder.objects.create(
            rule="in_touch", cause="x", member=desk.liaison, provider=desk.okafor, reason="x", due_on=TODAY,
            made_at=NOW,
        )  # fmt: skip
    client.force_login(desk.liaison.user)
    told = {
        "day": "2026-11-17", "intel": "A partner in May", "feedback_heard": "The fax is slow",
        "materials": "Pads", "next_step": "Bring the guide", "next_step_on": "2026-11-25",
    }  # fmt: skip
    client.post(f"{reverse('meeting_new')}?held=1&reminder={reminder.pk}", form(desk, **told))
    with practice_scope(desk.practice):
        reminder.refresh_from_db()
        row = Touchpoint.objects.select_related("provider").get()
    assert (reminder.state, row.happened_on, row.provider) == ("gone", date(2026, 11, 17), desk.okafor)
    assert "Feedback heard: The fax is slow" in row.note
    shown = text_of(client.get(reverse("provider", args=[desk.okafor.pk])))
    assert "Meeting (visit), by Liaison One" in shown
    assert "The next step promised to Dr. Okafor" in shown


def test_a_promised_step_without_a_day_is_asked_for_one(client, desk):
    client.force_login(desk.liaison.user)
    answer = client.post(f"{reverse('meeting_new')}?held=1", form(desk, day="2026-11-17", next_step="Call"))
    assert "Say by when" in text_of(answer)


def test_a_planned_one_is_told_corrected_and_withdrawn(client, desk):
    meeting = plan(desk, at=NOON - 3 * HOUR)
    client.force_login(desk.liaison.user)
    told = form(desk, day="2026-11-18", at="09:00", intel="They move")
    assert client.post(reverse("meeting_held", args=[meeting.pk]), told).status_code == 302

    edit = reverse("meeting_edit", args=[meeting.pk])
    corrected = {**told, "intel": "They stay"}
    version = client.get(edit).context["form"].version
    assert "Why is it corrected?" in text_of(client.post(edit, corrected))
    assert client.post(edit, {**corrected, "reason": "Misheard"}).status_code == 302
    late = client.post(edit, {**corrected, "intel": "They build", "reason": "x", "version": version})
    assert "changed this to “They stay”" in text_of(late)

    client.post(reverse("meeting_cancel", args=[meeting.pk]), {"reason": "It was next door"})
    shown = text_of(client.get(reverse("meeting", args=[meeting.pk])))
    assert "Cancelled: It was next door" in shown
    with practice_scope(desk.practice):
        assert not Touchpoint.objects.standing().exists()


def test_withdrawn_on_a_page_of_before_its_costs_says_why_not(client, desk):
    meeting = held(desk)
    with practice_scope(desk.practice):
        Gift.objects.create(
            meeting=meeting, given_on=date(2026, 11, 18), amount=20, description="Lunch", nature="meal",
            logged_at=NOW, logged_by=desk.liaison,
        )  # fmt: skip
    client.force_login(desk.liaison.user)
    answer = client.post(reverse("meeting_cancel", args=[meeting.pk]), {"reason": "It was next door"})
    assert answer.status_code == 422
    assert "Costs of it stand in the gift ledger" in text_of(answer)


def test_its_touchpoint_is_corrected_on_the_meetings_page(client, desk):
    meeting = held(desk)
    client.force_login(desk.liaison.user)
    with practice_scope(desk.practice):
        row = Touchpoint.objects.get()
    answer = client.get(reverse("touchpoint_edit", args=[row.pk]))
    assert answer.url == reverse("meeting_edit", args=[meeting.pk])
    assert "Withdraw it" not in text_of(client.get(reverse("touchpoint", args=[row.pk])))


def test_its_reminder_leads_to_it(client, desk):
    meeting = plan(desk)
    client.force_login(desk.liaison.user)
    assert reverse("meeting", args=[meeting.pk]) in client.get(reverse("reminders")).content.decode()


def test_what_was_typed_when_the_session_ended_is_there_again(client, desk):
    client.force_login(desk.liaison.user)
    typed = form(desk, purpose="How to send imaging", person_text="")
    client.post(reverse("draft", args=["meeting"]), typed)
    shown = re.sub(r"\s+", " ", client.get(reverse("meeting_new")).content.decode())
    assert "We kept what you typed." in shown
    assert 'value="How to send imaging"' in shown
    assert f'value="provider-{desk.okafor.pk}" checked' in shown

    client.post(reverse("meeting_new"), typed)
    client.post(reverse("draft", args=["meeting"]), typed)  # came late
    assert "We kept what you typed." not in client.get(reverse("meeting_new")).content.decode()
    with practice_scope(desk.practice):
        assert not Draft.objects.exists()


def test_ones_own_come_first_and_everybodys_on_asking(client, desk):
    plan(desk, purpose="Mine")
    with practice_scope(desk.practice):
        plan_meeting(
            people=People((desk.lindqvist,)), by=desk.physician, now=NOW, owner=desk.physician, kind="event",
            starts_at=NOON, ends_at=NOON + HOUR, purpose="Theirs",
        )  # fmt: skip
    client.force_login(desk.liaison.user)
    assert "Dr. Lindqvist" not in text_of(client.get(reverse("meetings")))
    assert "Dr. Lindqvist" in text_of(client.get(reverse("meetings"), {"whose": "all"}))


def test_what_began_and_was_not_told_asks_how_it_went(client, desk):
    plan(desk, at=NOON - 3 * HOUR)
    client.force_login(desk.liaison.user)
    assert "How did these go?" in text_of(client.get(reverse("meetings")))


def test_the_list_and_the_page_cost_the_same_with_twice_the_rows(client, desk):
    client.force_login(desk.liaison.user)

    def queries(url):
        with CaptureQueriesContext(connection) as found:
            assert client.get(url).status_code == 200
        return len(found)

    def all_pages(one, other):
        pages = [reverse("meetings"), reverse("meeting", args=[one.pk])]
        return [
            queries(url)
            for url in (*pages, *(reverse("meeting_edit", args=[row.pk]) for row in (one, other)))
        ]

    few = all_pages(held(desk, contacts=[desk.contact]), plan(desk, contacts=[desk.contact]))
    with practice_scope(desk.practice):
        many = People(tuple(make.provider(at=make.office()) for _n in range(4)), (desk.contact,))
    for _more in range(4):
        held(desk)
    more = all_pages(held(desk, people=many), plan(desk, people=many))
    assert more == few
    assert max(few[:2]) <= 12, few


def test_whom_of_theirs_the_letters_may_mean(client, desk):
    client.force_login(desk.liaison.user)
    found = client.get(reverse("meeting_people_options"), {"q": "Lakeside"}).content.decode()
    assert f'data-value="provider-{desk.okafor.pk}"' in found
    assert f'data-value="contact-{desk.contact.pk}"' in found
    assert "option" not in client.get(reverse("meeting_people_options"), {"q": " "}).content.decode()


def test_who_was_at_a_meeting_stays_in_the_address_book(client, desk):
    plan(desk, contacts=[desk.contact])
    client.force_login(desk.liaison.user)
    answer = client.post(
        reverse("office_contact_remove", args=[desk.office.pk, desk.contact.pk]), follow=True
    )
    assert "They were at a meeting" in text_of(answer)
    with practice_scope(desk.practice):
        assert OfficeContact.objects.filter(pk=desk.contact.pk).exists()


def test_the_day_begins_with_where_one_goes_and_what_was_not_told(client, desk):
    plan(desk, at=NOON - 48 * HOUR, kind="visit")
    plan(desk, at=NOON + 24 * HOUR)
    plan(desk, at=NOON + 72 * HOUR, kind="event")
    client.force_login(desk.liaison.user)
    home = text_of(client.get(reverse("home")))
    assert "Visit with Dr. Okafor on November 16 at 12:00 PM." in home
    assert "Lunch with Dr. Okafor on November 19 at 12:00 PM." in home
    assert "Event with" not in home
