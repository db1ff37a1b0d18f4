"""The pages of touchpoints: logged from anywhere, seen by each reader as far as they may, changed by whom they belong to."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.models import Cover, PatientAccess
from practices.roles import Role
from tests import make
from touchpoints.models import Feedback, Meeting, Reminder, Touchpoint
from touchpoints.timeline import Story, timeline
from touchpoints.touchpoint_log import correct, log_call, withdraw
from touchpoints.views.people import ENTRIES

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
NEW = "/touchpoints/new/"
SECRET = "Asked about the warfarin"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.office = make.office("Lakeside", phone="555-0100")
        desk.provider = make.provider("Okafor", at=desk.office, phone="555-0142")
        desk.referral = make.referral(desk.coordinator, provider=desk.provider, physician=desk.physician)
        move(desk.referral, to="seen", seen_on=TODAY, by=desk.physician, now=make.NOW)
    return desk


def called(desk, **fields):
    said = {"outcome": "reached", "by": desk.physician, "now": make.NOW, "provider": desk.provider}
    with practice_scope(desk.practice):
        return log_call(**{**said, **fields})


def posted(**fields):
    return {"call_outcome": "reached", "happened_on": "2026-11-18", **fields}


def text(response):
    return " ".join(response.content.decode().split())


def only(desk):
    with practice_scope(desk.practice):
        return Touchpoint.objects.standing().select_related("provider", "office", "referral").get()


def seen(client, member, call):
    client.force_login(member.user)
    return text(client.get(reverse("touchpoint", args=[call.pk])))


# Logged.


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_every_role_logs_a_call_to_a_provider(client, desk, role):
    client.force_login(getattr(desk, role).user)

    answer = client.post(f"{NEW}?kind=call&provider={desk.provider.pk}", posted(note="Hello"))

    assert answer.url == reverse("provider", args=[desk.provider.pk])
    call = only(desk)
    assert (call.provider, call.office, call.call_outcome, call.note) == (
        desk.provider, desk.office, "reached", "Hello",
    )  # fmt: skip


def test_call_to_an_office_alone(client, desk):
    client.force_login(desk.liaison.user)

    client.post(f"{NEW}?kind=call&office={desk.office.pk}", posted(call_outcome="voicemail"))

    assert (only(desk).provider, only(desk).office) == (None, desk.office)
    with practice_scope(desk.practice):
        assert Reminder.objects.get().office == desk.office


def test_call_about_a_referral_reports_back_and_opens_it_again(client, desk):
    client.force_login(desk.physician.user)

    answer = client.post(f"{NEW}?kind=call&referral={desk.referral.pk}", posted(reports_back="on"))

    assert answer.url == reverse("referral", args=[desk.referral.pk])
    with practice_scope(desk.practice):
        desk.referral.refresh_from_db()
    assert (desk.referral.status, only(desk).referral) == ("closed", desk.referral)


def test_liaison_writes_nothing_about_a_patient_and_reports_nothing_back(client, desk):
    client.force_login(desk.liaison.user)
    url = f"{NEW}?kind=call&referral={desk.referral.pk}"

    form = text(client.get(url))
    client.post(url, posted(note=SECRET, next_step=SECRET, reports_back="on"))

    assert 'name="note"' not in form
    assert 'name="reports_back"' not in form
    with practice_scope(desk.practice):
        desk.referral.refresh_from_db()
    assert (only(desk).note, only(desk).next_step, desk.referral.status) == ("", "", "seen")


def test_nothing_is_asked_to_report_where_nothing_is_owed(client, desk):
    client.force_login(desk.physician.user)
    with practice_scope(desk.practice):
        other = make.referral(desk.coordinator, provider=desk.provider, physician=desk.physician)

    assert 'name="reports_back"' not in text(client.get(f"{NEW}?kind=call&referral={other.pk}"))
    assert 'name="reports_back"' in text(client.get(f"{NEW}?kind=call&referral={desk.referral.pk}"))


@pytest.mark.parametrize(
    "query", ["referral={referral}", "reminder={reminder}", "provider=0", "office=x", "provider=9" + "9" * 30]
)
def test_what_is_not_theirs_to_see_does_not_exist(client, desk, query):
    called(desk, outcome="voicemail")
    with practice_scope(desk.practice):
        reminder = Reminder.objects.get()
    client.force_login(desk.colleague.user)

    url = f"{NEW}?kind=call&{query.format(referral=desk.referral.pk, reminder=reminder.pk)}"

    assert client.get(url).status_code == 404
    assert client.post(url, posted()).status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"call_outcome": ""}, "Say how the call went."),
        ({"call_outcome": "shouted"}, "Select a valid choice"),
        ({"happened_on": "2026-11-19"}, "It can&#x27;t have been in the future."),
        ({"next_step": "Send it"}, "Say by when, so that it comes back to you."),
        ({"call_outcome": "voicemail", "reports_back": "on"}, "Nobody was told: they were not reached."),
    ],
)
def test_errors_stand_beside_what_was_typed(client, desk, fields, says):
    client.force_login(desk.physician.user)

    answer = client.post(f"{NEW}?kind=call&referral={desk.referral.pk}", posted(note="Kept", **fields))

    assert answer.status_code == 422
    assert says in text(answer)
    assert "Kept" in text(answer)
    with practice_scope(desk.practice):
        assert not Touchpoint.objects.exists()


def test_from_nowhere_the_form_asks_whom_and_resolves_what_was_typed(client, desk):
    client.force_login(desk.liaison.user)

    nobody = client.post(f"{NEW}?kind=call", posted())
    unknown = client.post(f"{NEW}?kind=call", posted(provider_text="Zzyzx"))
    client.post(f"{NEW}?kind=call", posted(provider_text="Amara Okafor, MD"))

    assert "Say whom." in text(nobody)
    assert "Nobody in your network is called" in text(unknown)
    assert only(desk).provider == desk.provider


def test_card_by_hand_is_logged_with_its_day(client, desk):
    client.force_login(desk.physician.user)

    client.post(f"{NEW}?kind=card&provider={desk.provider.pk}", {"happened_on": "2026-11-16"})

    assert (only(desk).kind, only(desk).happened_on, only(desk).is_thanks) == (
        "card",
        date(2026, 11, 16),
        True,
    )
    shown = text(client.get(reverse("provider", args=[desk.provider.pk])))
    assert "Last thanked 2 days ago" in shown


def test_choice_of_kinds_keeps_whom_it_is_about(client, desk):
    client.force_login(desk.physician.user)

    shown = text(client.get(reverse("provider", args=[desk.provider.pk])))
    kinds = text(client.get(f"{NEW}?provider={desk.provider.pk}"))

    assert f'href="{NEW}?provider={desk.provider.pk}" data-global-key="t"' in shown
    assert f'href="{NEW}?kind=call&amp;provider={desk.provider.pk}"' in kinds


# Seen.


def test_liaison_sees_kind_date_and_provider_of_a_call_about_a_patient(client, desk):
    call = called(desk, referral=desk.referral, note=SECRET, next_step=SECRET, next_step_on=TODAY)
    with practice_scope(desk.practice):
        correct(call, by=desk.physician, now=make.NOW, reason=SECRET, note=f"{SECRET} again")

    shown = seen(client, desk.liaison, call)

    assert "Phone call: Amara Okafor, MD" in shown
    assert "November 18, 2026" in shown
    for word in (SECRET, "Reached", "Physician One", desk.referral.reference):
        assert word not in shown.split("<main")[1]
    assert client.get(reverse("touchpoint_edit", args=[call.pk])).status_code == 403


@pytest.mark.parametrize(
    ("who", "is_shown"), [("manager", 1), ("coordinator", 1), ("physician", 1), ("colleague", 0)]
)
def test_note_about_a_patient_is_for_who_sees_the_patient_and_on_the_record(client, desk, who, is_shown):
    call = called(desk, referral=desk.referral, note=SECRET)

    assert (SECRET in seen(client, getattr(desk, who), call)) == bool(is_shown)
    with practice_scope(desk.practice):
        views = list(PatientAccess.objects.values_list("page", "referral_ids"))
    assert views == [("touchpoint", [desk.referral.pk])] * is_shown


def test_note_read_for_a_colleague_is_on_the_record_as_such(client, desk):
    call = called(desk, referral=desk.referral, note=SECRET)
    with practice_scope(desk.practice):
        Cover.objects.create(
            physician=desk.physician,
            covered_by=desk.colleague,
            starts_on=TODAY,
            ends_on=TODAY,
            created_by=desk.manager,
        )

    assert SECRET in seen(client, desk.colleague, call)
    with practice_scope(desk.practice):
        assert PatientAccess.objects.get().covering_for == desk.physician


def test_reason_of_a_withdrawal_is_no_way_around_the_note(client, desk):
    call = called(desk, referral=desk.referral)
    with practice_scope(desk.practice):
        withdraw(call, by=desk.physician, now=make.NOW, reason=SECRET)

    assert SECRET not in seen(client, desk.colleague, call)
    assert SECRET not in seen(client, desk.liaison, call)
    assert SECRET in seen(client, desk.coordinator, call)


def test_note_about_no_patient_is_for_everybody(client, desk):
    call = called(desk, note="New front desk")

    for who in ("liaison", "colleague"):
        assert "New front desk" in seen(client, getattr(desk, who), call)


def test_earlier_version_leads_to_what_replaced_it(client, desk):
    call = called(desk, note="Wrogn")
    with practice_scope(desk.practice):
        correct(call, by=desk.physician, now=make.NOW, reason="Misspelt", note="Right")
        earlier = Touchpoint.objects.get(corrected_by=call)

    shown = seen(client, desk.manager, call)

    assert all(words in shown for words in ("Right", "Wrogn", "Misspelt"))
    assert client.get(reverse("touchpoint", args=[earlier.pk])).url == reverse("touchpoint", args=[call.pk])


# Changed.


def test_correcting_asks_why(client, desk):
    call = called(desk, note="Wrogn")
    client.force_login(desk.physician.user)
    url = reverse("touchpoint_edit", args=[call.pk])

    refused = client.post(url, posted(note="Right"))
    version = refused.context["form"].version
    client.post(url, posted(note="Right", reason="Misspelt", version=version))
    stale = client.post(url, posted(note="Stale", reason="Misspelt", version=version))

    assert refused.status_code == stale.status_code == 422
    assert "changed this to “Right”" in text(stale)
    assert only(desk).note == "Right"


def test_withdrawn_it_leaves_the_story_and_keeps_its_page(client, desk):
    call = called(desk, note="Hello")
    client.force_login(desk.physician.user)

    client.post(reverse("touchpoint_withdraw", args=[call.pk]), {"reason": "Somebody else"})

    assert "Withdrawn by Physician One on November 18: Somebody else" in seen(client, desk.manager, call)
    with practice_scope(desk.practice):
        assert timeline(Story(desk.provider, desk.manager, TODAY), kind="calls", limit=9) == []


def test_whoever_it_falls_to_says_that_the_next_step_is_done(client, desk):
    call = called(desk, next_step="Send it", next_step_on=TODAY, next_step_owner=desk.liaison)
    client.force_login(desk.liaison.user)

    client.post(reverse("touchpoint_done", args=[call.pk]))

    with practice_scope(desk.practice):
        assert Reminder.objects.get().state == "done"


# The story.


def told(desk, member=None, *, of=None, kind=""):
    with practice_scope(desk.practice):
        return timeline(Story(of or desk.provider, member or desk.manager, TODAY), kind=kind, limit=50)


def met(desk, *providers):
    with practice_scope(desk.practice):
        meeting = Meeting.objects.create(
            kind="lunch", owner=desk.liaison, office=desk.office, purpose="Say hello", created_by=desk.liaison,
            starts_at=make.NOW, ends_at=make.NOW + timedelta(hours=1), changed_at=make.NOW,
        )  # fmt: skip
        for provider in providers:
            touched(desk, kind="meeting", provider=provider, office=desk.office, meeting=meeting)


def touched(desk, **fields):
    defaults = {"happened_on": TODAY, "provider": desk.provider, "member": desk.liaison}
    logged = {"logged_at": make.NOW, "logged_by": desk.liaison}
    return Touchpoint.objects.create(**{**defaults, **logged, **fields})


def test_meeting_stands_once_in_an_offices_story_and_in_each_providers(desk):
    with practice_scope(desk.practice):
        other = make.provider("Lindqvist", at=desk.office)
    met(desk, desk.provider, other)

    (at_office,) = told(desk, of=desk.office, kind="meetings")

    assert at_office.text == "Meeting (lunch), by Liaison One"
    assert len(told(desk, kind="meetings")) == len(told(desk, of=other, kind="meetings")) == 1


def test_story_says_how_a_call_went_and_what_the_feedback_was(desk):
    called(desk, outcome="voicemail")
    with practice_scope(desk.practice):
        asked = touched(desk, kind="feedback")
        Feedback.objects.create(
            provider=desk.provider,
            source="call",
            given_on=TODAY,
            overall=9,
            recorded_at=make.NOW,
            touchpoint=asked,
        )

    assert [(entry.text, entry.label) for entry in told(desk, kind="touchpoints")] == [
        ("Feedback: 9 of 10, by Liaison One", ""),
        ("Phone call, by Physician One", "voicemail"),
    ]


def test_liaison_is_told_of_a_return_referral_that_it_was_made(desk):
    with practice_scope(desk.practice):
        touched(desk, kind="return_referral", member=desk.physician)

    assert [entry.text for entry in told(desk, desk.liaison, kind="return-referrals")] == ["Return referral"]


@pytest.mark.parametrize("thing", ["provider", "office"])
def test_story_of_two_thousand_touchpoints_costs_what_a_short_one_does(client, desk, thing):
    def queries(query=""):
        client.force_login(desk.manager.user)
        with CaptureQueriesContext(connection) as captured:
            shown = client.get(reverse(thing, args=[getattr(desk, thing).pk]) + query)
        assert shown.status_code == 200
        return len(captured), shown

    called(desk)
    few, _page = queries()
    with practice_scope(desk.practice):
        defaults = {"provider": desk.provider, "office": desk.office, "member": desk.liaison}
        logged = {"logged_at": make.NOW, "logged_by": desk.liaison}
        Touchpoint.objects.bulk_create(
            Touchpoint(kind="call", happened_on=TODAY - timedelta(days=n % 700), **defaults, **logged)
            for n in range(2000)
        )
    many, shown = queries()
    filtered, _page = queries("?kind=calls")

    assert filtered <= many == few <= 12
    older = shown.context["page"]["older_url"]
    assert queries(older)[0] == few
    assert len(shown.context["entries"]) == ENTRIES
