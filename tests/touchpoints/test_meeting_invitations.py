"""Invitations: who is written to, what their calendar reads, and that nobody is told twice or forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
import vobject

from contacts.models import OfficeContact, Provider
from practices.isolation import practice_scope
from practices.models import OutboxEnvelope
from tests import make
from touchpoints.meeting_invitations import invited_to, send_invitations
from touchpoints.meeting_people import People
from touchpoints.meetings import cancel_meeting, change_meeting, hold_meeting, plan_meeting
from touchpoints.models import MeetingInvitation

NOW = make.NOW
NOON = datetime(2026, 11, 19, 17, tzinfo=UTC)
PATIENT = "Quillfeather"


@pytest.fixture
def office(harbor):
    return make.office("Lakeside", street="12 Elm St", zip_code="01970")


@pytest.fixture
def okafor(office):
    return make.provider("Okafor", at=office, email="Okafor@Lakeside.example")


@pytest.fixture
def ida(office):
    return OfficeContact.objects.create(office=office, name="Ida Brandt", email="ida@lakeside.example")


@pytest.fixture
def meeting(harbor, office, okafor, ida):
    people = People(providers=(okafor,), contacts=(ida,), members=(harbor.physician,))
    said = {"kind": "lunch", "owner": harbor.physician, "office": office, "purpose": f"About {PATIENT}"}
    return plan_meeting(
        people=people, by=harbor.physician, now=NOW, starts_at=NOON, ends_at=NOON + timedelta(hours=1), **said
    )


def send(meeting, harbor, *, now=NOW) -> list[OutboxEnvelope]:
    """What this press puts into the outbox."""
    before = set(OutboxEnvelope.objects.values_list("pk", flat=True))
    send_invitations(meeting, by=harbor.physician, now=now)
    return mails(before)


def mails(before=()) -> list[OutboxEnvelope]:
    return list(OutboxEnvelope.objects.exclude(pk__in=before).order_by("recipient"))


def change(meeting, harbor, *, people=None, **said):
    people = people or People.at(meeting)
    return change_meeting(meeting, people=people, by=harbor.physician, now=NOW, **said)


def read(mail: OutboxEnvelope):
    calendar = vobject.readOne(mail.calendar)
    assert calendar.method.value == mail.calendar_method
    (event,) = calendar.vevent_list
    return event


class TestAnInvitation:
    def test_reaches_each_of_theirs_for_their_calendar(self, meeting, harbor):
        to_ida, to_okafor = send(meeting, harbor)
        assert (to_ida.recipient, to_okafor.recipient) == ("ida@lakeside.example", "okafor@lakeside.example")
        assert to_okafor.subject == "Harbor Cardiology: lunch with Dr Chen, Thursday, November 19"
        for text in (to_okafor.text, to_okafor.html):
            assert "Hello Dr. Okafor," in text
            assert "Thursday, November 19, 2026, 12:00 PM to 1:00 PM (EST)" in text
            assert "Lakeside, 12 Elm St, Salem, MA 01970" in text
        event = read(to_okafor)
        assert to_okafor.calendar_method == "REQUEST"
        assert (event.uid.value, event.sequence.value) == (str(meeting.uid), "0")
        assert (event.dtstart.value, event.dtend.value) == (NOON, NOON + timedelta(hours=1))
        assert event.dtstamp.value == NOW
        assert event.summary.value == "Harbor Cardiology: lunch with Dr Chen"
        assert event.location.value == "Lakeside, 12 Elm St, Salem, MA 01970"
        assert event.status.value == "CONFIRMED"

    def test_names_who_goes_and_nobody_else_invited(self, meeting, harbor):
        to_ida, _ = send(meeting, harbor)
        event = read(to_ida)
        host = harbor.physician.user.email
        assert event.organizer.value == f"mailto:{host}"
        assert event.organizer.params["SENT-BY"] == ["mailto:referralcrm@localhost"]
        assert [who.value for who in event.contents["attendee"]] == ["mailto:ida@lakeside.example"]
        assert event.attendee.params == {
            "CN": ["Ida Brandt"],
            "ROLE": ["REQ-PARTICIPANT"],
            "PARTSTAT": ["NEEDS-ACTION"],
            "RSVP": ["TRUE"],
        }
        assert to_ida.headers == {"Reply-To": host}
        assert "okafor" not in (to_ida.calendar + to_ida.text + to_ida.html).lower()

    def test_says_nothing_of_the_purpose(self, meeting, harbor):
        for mail in send(meeting, harbor):
            assert PATIENT not in mail.subject + mail.text + mail.html + mail.calendar

    def test_goes_to_nobody_twice(self, meeting, harbor):
        assert len(send(meeting, harbor)) == 2
        assert send(meeting, harbor) == []
        assert [str(who) for who in invited_to(meeting, now=NOW).told] == ["Dr. Okafor", "Ida Brandt"]

    def test_goes_to_nobody_who_is_not_to_be_written_to(self, meeting, harbor, okafor, ida):
        Provider.objects.update(state=Provider.State.DO_NOT_CONTACT)
        OfficeContact.objects.update(email="")
        assert send(meeting, harbor) == []
        assert invited_to(meeting, now=NOW).without_address == [str(okafor), str(ida)]

    def test_reaches_a_colleague_who_comes_along(self, meeting, harbor):
        people = People(members=(harbor.physician, harbor.coordinator))
        meeting = change(meeting, harbor, people=people)
        (mail,) = send(meeting, harbor)
        assert mail.recipient == harbor.coordinator.user.email

    def test_takes_a_hostile_name_as_text(self, meeting, harbor, ida):
        OfficeContact.objects.update(name='Ida "x";CN=y:z\r\nATTENDEE:mailto:evil@example.test')
        harbor.name = "Harbor\r\nBcc: evil@example.test"
        harbor.save()
        to_ida, _ = send(meeting, harbor)
        event = read(to_ida)
        assert len(event.contents["attendee"]) == 1
        assert event.attendee.params["CN"] == ["Ida 'x';CN=y:z ATTENDEE:mailto:evil@example.test"]
        assert "\n" not in to_ida.subject


class TestAChange:
    def test_of_the_hour_is_told_to_whom_was_invited(self, meeting, harbor):
        send(meeting, harbor)
        later = NOON + timedelta(days=1)
        meeting = change(meeting, harbor, starts_at=later, ends_at=later + timedelta(hours=1))
        assert len(invited_to(meeting, now=NOW).changed) == 2
        mail, _ = send(meeting, harbor, now=NOW + timedelta(hours=1))
        assert mail.subject.startswith("Changed: Harbor Cardiology: lunch")
        event = read(mail)
        assert (event.uid.value, event.sequence.value) == (str(meeting.uid), "1")
        assert (mail.calendar_method, event.dtstart.value) == ("REQUEST", later)
        assert event.dtstamp.value == NOW + timedelta(hours=1)
        assert send(meeting, harbor) == []

    def test_of_our_own_notes_is_nobody_elses_matter(self, meeting, harbor):
        send(meeting, harbor)
        meeting = change(meeting, harbor, purpose="Something else")
        assert meeting.sequence == 1
        assert send(meeting, harbor) == []

    def test_of_who_comes_is_told_to_them_alone(self, meeting, harbor, okafor, office):
        send(meeting, harbor)
        roy = make.provider("Roy", at=office, email="roy@lakeside.example")
        meeting = change(meeting, harbor, people=People(providers=(okafor, roy)))
        to_ida, to_roy = send(meeting, harbor)
        assert to_roy.subject.startswith("Harbor Cardiology: lunch")
        assert to_ida.subject.startswith("You need not come: ")
        event = read(to_ida)
        assert (to_ida.calendar_method, event.sequence.value) == ("CANCEL", "1")
        assert "status" not in event.contents  # the meeting itself takes place: RFC 5546 3.2.5
        assert send(meeting, harbor) == []

    def test_that_brings_them_back_invites_them_again(self, meeting, harbor, okafor):
        everybody = People.at(meeting)
        send(meeting, harbor)
        meeting = change(meeting, harbor, people=People(providers=(okafor,)))
        send(meeting, harbor)
        meeting = change(meeting, harbor, people=everybody)
        (mail,) = send(meeting, harbor)
        assert (mail.recipient, mail.calendar_method) == ("ida@lakeside.example", "REQUEST")
        assert MeetingInvitation.objects.standing().count() == 2


class TestACancellation:
    def test_tells_whom_was_invited_at_once(self, meeting, harbor):
        invited = {mail.pk for mail in send(meeting, harbor)}
        cancel_meeting(meeting, by=harbor.physician, now=NOW, reason=f"{PATIENT} is ill")
        mail, other = mails(invited)
        assert {mail.calendar_method, other.calendar_method} == {"CANCEL"}
        assert mail.subject.startswith("Called off: Harbor Cardiology: lunch")
        event = read(mail)
        assert (event.uid.value, event.sequence.value, event.status.value) == (
            str(meeting.uid),
            "1",
            "CANCELLED",
        )
        assert PATIENT not in mail.subject + mail.text + mail.html + mail.calendar
        cancel_meeting(meeting, by=harbor.physician, now=NOW, reason="Again")
        assert len(mails(invited)) == 2

    def test_tells_nobody_who_was_not_invited(self, meeting, harbor):
        cancel_meeting(meeting, by=harbor.physician, now=NOW, reason="Snow")
        assert mails() == []

    def test_of_what_is_over_tells_nobody(self, meeting, harbor):
        invited = {mail.pk for mail in send(meeting, harbor)}
        afterwards = NOON + timedelta(days=1)
        hold_meeting(meeting, people=People.at(meeting), by=harbor.physician, now=afterwards)
        cancel_meeting(meeting, by=harbor.physician, now=afterwards, reason="It never was")
        assert mails(invited) == []


@pytest.mark.django_db
def test_the_page_offers_it_to_whoever_may_change_the_meeting(client):
    practice = make.practice()
    liaison, other = make.member("liaison", practice), make.member("liaison", practice)
    with practice_scope(practice):
        okafor = make.provider("Okafor", email="okafor@example.test")
        far = datetime(2199, 1, 1, tzinfo=UTC)
        meeting = plan_meeting(
            people=People(providers=(okafor,)),
            by=liaison,
            owner=liaison,
            now=NOW,
            kind="visit",
            purpose="Hello",
            starts_at=far,
            ends_at=far + timedelta(hours=1),
        )
    url = f"/meetings/{meeting.pk}/"
    client.force_login(other.user)
    assert "Send the invitation" not in client.get(url).content.decode()
    client.force_login(liaison.user)
    assert "Send the invitation" in client.get(url).content.decode()
    said = [client.post(f"{url}invite/", follow=True).content.decode() for _ in range(2)]
    assert "1 mail is on its way." in said[0]
    assert "Send the invitation" not in said[0]
    assert "Everybody knows already." in said[1]
    assert OutboxEnvelope.objects.count() == 1
