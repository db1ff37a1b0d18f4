"""One referral's page: what each role finds there, its acts, and two people at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts import referral_way
from contacts.models import Referral
from practices.isolation import practice_scope
from practices.models import Cover, PatientAccess
from practices.roles import Role
from tests import make


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def coordinator(practice):
    return make.member(Role.COORDINATOR, practice, name="Ada Brook")


@pytest.fixture
def referral(practice, coordinator):
    with practice_scope(practice):
        return make.referral(
            coordinator,
            provider=make.provider("Okafor", at=make.office("Lakeside")),
            patient_family_name="Testperson",
            reason="palpitations",
        )


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator.user)
    return client


def url(name, referral):
    return reverse(name, args=[referral.pk])


def now_stands(referral):
    with practice_scope(referral.practice_id):
        return Referral.objects.get(pk=referral.pk)


def take(client, referral, act, **fields):
    return client.post(url("referral_step", referral), {"act": act, **fields})


def test_the_page_tells_the_way_and_is_written_down(desk, practice, coordinator, referral):
    page = desk.get(url("referral", referral)).content.decode()
    assert "Contact the patient" in page
    assert "Ida Testperson" in page
    assert "Ada Brook: logged" in page
    with practice_scope(practice):
        access = PatientAccess.objects.get()
        assert (access.act, access.page, access.referral_ids) == ("viewed", "referral", [referral.pk])
        assert (access.member, access.covering_for) == (coordinator, None)


def test_a_covering_physicians_look_says_for_whom(client, practice, coordinator, referral):
    physician, colleague = (make.member(Role.PHYSICIAN, practice) for _ in range(2))
    today = practice.today(timezone.now())
    with practice_scope(practice):
        referral_way.edit(referral, by=coordinator, now=make.NOW, physician=colleague)
    client.force_login(physician.user)
    assert client.get(url("referral", referral)).status_code == 404
    with practice_scope(practice):
        Cover.objects.create(
            physician=colleague, covered_by=physician, starts_on=today, ends_on=today, created_by=coordinator
        )
    assert client.get(url("referral", referral)).status_code == 200
    with practice_scope(practice):
        assert PatientAccess.objects.get().covering_for == colleague


def test_a_liaison_finds_the_reference_and_the_status_only(client, practice, coordinator, referral):
    with practice_scope(practice):
        referral_way.record_attempt(referral, by=coordinator, now=make.NOW, note="voicemail of her daughter")
    client.force_login(make.member(Role.LIAISON, practice).user)
    page = client.get(url("referral", referral)).content.decode()
    assert referral.reference in page
    assert "received" in page
    for patient in ("Testperson", "Ida", "palpitations", "voicemail"):
        assert patient not in page
    for act in ("referral_step", "referral_take_back", "referral_withdraw", "referral_physician"):
        assert client.post(url(act, referral)).status_code == 403
    assert client.get(url("referral_edit", referral)).status_code == 403
    with practice_scope(practice):
        assert not PatientAccess.objects.exists()


def test_each_act_is_taken_in_the_practices_zone(desk, coordinator, referral):
    take(desk, referral, "attempted", known="0")
    take(desk, referral, "contacted", note="prefers mornings")
    take(desk, referral, "scheduled", appointment_at="2027-01-04T09:20")
    row = now_stands(referral)
    assert row.appointment_at == datetime(2027, 1, 4, 14, 20, tzinfo=UTC)
    assert row.contact_attempts == 2
    page = desk.get(url("referral", referral)).content.decode()
    assert "Monday, January 4, 9:20 AM" in page
    assert "prefers mornings" in page
    take(desk, referral, "no_show")
    take(desk, referral, "report_back")
    assert now_stands(referral).reported_back_by_id == coordinator.pk
    take(desk, referral, "seen", seen_on="2026-11-17")
    take(desk, referral, "report_back", note="letter sent")
    assert now_stands(referral).status == "closed"


def test_a_step_that_lacks_something_says_so_beside_the_act_and_keeps_what_was_typed(desk, referral):
    answer = take(desk, referral, "scheduled", note="wants the afternoon")
    assert answer.status_code == 422
    assert "Say when the appointment is." in answer.content.decode()
    assert "wants the afternoon" in answer.content.decode()
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    assert "in the future" in take(desk, referral, "seen", seen_on=tomorrow).content.decode()
    assert take(desk, referral, "nonsense").status_code == 422
    assert now_stands(referral).status == "received"


def test_the_second_of_two_people_sees_what_the_first_did(client, practice, coordinator, referral):
    colleague = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        referral_way.move(referral, to="declined", by=coordinator, now=timezone.now())
    client.force_login(colleague.user)
    answer = take(client, referral, "contacted")
    assert answer.status_code == 422
    assert "declined can&#x27;t become contacted" in answer.content.decode()
    answer = client.post(url("referral_step", referral), {"act": "declined"}, follow=True)
    assert "Ada Brook was quicker" in answer.content.decode()
    assert "Ada Brook: declined" in answer.content.decode()


def test_one_address_answers_the_page_and_its_fragments(desk, referral):
    htmx = {"HX-Request": "true"}
    way = desk.post(url("referral_step", referral), {"act": "attempted", "known": "0"}, headers=htmx)
    assert way.content.decode().strip().startswith('<div id="referral-way">')
    assert "<html" not in way.content.decode()
    assert 'hx-swap-oob="true"' in way.content.decode()
    fields = {"act": "contacted", "in_list": "1", "known": "1"}
    row = desk.post(url("referral_step", referral), fields, headers=htmx)
    assert f'<li id="referral-{referral.pk}">' in row.content.decode()
    assert "Testperson" not in row.content.decode()
    refused = desk.post(url("referral_step", referral), {**fields, "act": "no_show"}, headers=htmx)
    assert refused.status_code == 422
    assert "become no-show" in refused.content.decode()


def test_from_the_list_one_comes_back_to_the_list(desk, referral):
    answer = take(desk, referral, "contacted", next="/referrals/?status=open", in_list="1")
    assert answer.url == "/referrals/?status=open"
    assert take(
        desk, referral, "scheduled", appointment_at="2027-01-04T09:20", next="https://elsewhere.example/"
    ).url == url("referral", referral)


def test_the_last_step_is_taken_back_with_a_reason(desk, practice, referral):
    take(desk, referral, "contacted")
    step = referral_way_last(referral)
    assert desk.post(url("referral_take_back", referral), {"step_id": step.pk}).status_code == 422
    fields = {"step_id": step.pk, "reason": "wrong patient"}
    desk.post(url("referral_take_back", referral), fields)
    desk.post(url("referral_take_back", referral), fields)
    assert now_stands(referral).status == "received"
    assert "wrong patient" in desk.get(url("referral", referral)).content.decode()
    stale = desk.post(url("referral_take_back", referral), {"step_id": step.pk + 1000, "reason": "x"})
    assert "Only the last step" in stale.content.decode()


def referral_way_last(referral):
    with practice_scope(referral.practice_id):
        return referral_way.last_step(referral)


def test_withdrawn_it_offers_no_act_but_its_undoing(desk, referral):
    assert desk.post(url("referral_withdraw", referral), {}).status_code == 422
    desk.post(url("referral_withdraw", referral), {"reason": "logged twice"})
    page = desk.get(url("referral", referral)).content.decode()
    assert "logged twice" in page
    assert url("referral_step", referral) not in page
    desk.post(
        url("referral_take_back", referral),
        {"step_id": referral_way_last(referral).pk, "reason": "it was right"},
    )
    assert now_stands(referral).withdrawn_at is None


def test_a_physician_is_assigned(desk, practice, referral):
    physician = make.member(Role.PHYSICIAN, practice)
    desk.post(url("referral_physician", referral), {"physician": physician.pk})
    assert now_stands(referral).physician_id == physician.pk
    liaison = make.member(Role.LIAISON, practice)
    assert desk.post(url("referral_physician", referral), {"physician": liaison.pk}).status_code == 422


def edit_fields(client, referral):
    form = client.get(url("referral_edit", referral)).context["form"]
    values = {name: form[name].value() for name in form.fields} | {"version": form.version}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value
    }


def test_a_correction_keeps_what_it_does_not_touch(desk, referral):
    fields = edit_fields(desk, referral)
    desk.post(url("referral_edit", referral), {**fields, "payer": "Invented Health"})
    row = now_stands(referral)
    assert (row.payer, row.reason, row.patient_family_name) == (
        "Invented Health",
        "palpitations",
        "Testperson",
    )
    assert row.provider_id == referral.provider_id
    assert "corrected: office, payer" in desk.get(url("referral", referral)).content.decode()


def test_a_retired_sender_stays_on_what_they_sent(desk, practice, referral):
    with practice_scope(practice):
        referral.provider.state = "retired"
        referral.provider.save()
    answer = desk.post(
        url("referral_edit", referral), {**edit_fields(desk, referral), "payer": "Invented Health"}
    )
    assert answer.status_code == 302
    assert now_stands(referral).provider_id == referral.provider_id


def test_two_corrections_at_once_lose_nothing(client, desk, practice, coordinator, referral):
    fields = edit_fields(desk, referral)
    colleague = make.member(Role.MANAGER, practice, name="Mo Field")
    client.force_login(colleague.user)
    client.post(url("referral_edit", referral), {**fields, "reason": "chest pain"})
    client.force_login(coordinator.user)
    mine = {**fields, "reason": "fainting"}
    answer = client.post(url("referral_edit", referral), mine)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Mo Field changed this to “chest pain”" in page
    assert "chest pain" in page and "fainting" in page
    assert now_stands(referral).reason == "chest pain"
    client.post(url("referral_edit", referral), {**mine, "version": answer.context["form"].version})
    assert now_stands(referral).reason == "fainting"


def test_another_practices_referral_does_not_exist(client, referral):
    stranger = make.member(Role.MANAGER, make.practice("Elsewhere"))
    client.force_login(stranger.user)
    assert client.get(url("referral", referral)).status_code == 404
    assert take(client, referral, "contacted").status_code == 404
    assert now_stands(referral).status == "received"


def test_twice_the_steps_cost_as_many_queries(desk, coordinator, practice, referral):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        with practice_scope(practice):
            for _ in range(5):
                referral_way.record_attempt(referral, by=coordinator, now=make.NOW)
        with CaptureQueriesContext(connection) as queries:
            desk.get(url("referral", referral))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


def test_a_patient_can_not_be_seen_before_the_referral_came(desk, referral):
    answer = take(desk, referral, "seen", seen_on="1926-11-18")
    assert answer.status_code == 422
    assert "The referral was received on Nov 17, 2026" in answer.content.decode()
    assert now_stands(referral).status == "received"


def test_what_was_seen_can_not_be_received_later(desk, coordinator, referral):
    with practice_scope(referral.practice_id):
        referral_way.move(referral, to="seen", seen_on=date(2026, 11, 17), by=coordinator, now=make.NOW)
    form = {
        "patient_chart_number": "12",
        "received_on": "2026-11-18",
        "channel": "fax",
        "urgency": "routine",
        "provider_text": str(referral.provider),
    }
    answer = desk.post(url("referral_edit", referral), form)
    assert answer.status_code == 422
    assert "The patient was seen on Nov 17, 2026" in answer.context["form"].errors["received_on"][0]
    assert now_stands(referral).received_on == date(2026, 11, 17)


def test_old_history_may_be_corrected_without_touching_its_day(desk, practice, coordinator):
    with practice_scope(practice):
        old = make.referral(coordinator, received_on=date(2001, 5, 4))
    form = {
        "patient_chart_number": "12",
        "received_on": "2001-05-04",
        "channel": "letter",
        "urgency": "routine",
        "provider_text": str(old.provider),
    }
    assert desk.post(url("referral_edit", old), form).status_code == 302
    assert now_stands(old).channel == "letter"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-03-08T02:30", "The clock jumps over 2:30 AM that day; choose another time."),
        ("2026-11-01T01:15", "The clock shows 1:15 AM twice that day; choose another time."),
    ],
)
def test_an_hour_that_the_clock_leaves_out_or_shows_twice_is_said_in_plain_words(desk, referral, at, said):
    answer = take(desk, referral, "scheduled", appointment_at=at)
    assert answer.status_code == 422
    assert said in answer.content.decode()
