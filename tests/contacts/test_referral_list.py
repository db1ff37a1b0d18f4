"""The list of referrals: filters in the address, names on request, and what each role finds."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts import referral_way
from contacts.models import Provider
from practices.isolation import practice_scope
from practices.models import Cover, PatientAccess
from practices.pages import PAGE_ROWS
from practices.roles import Role
from tests import make

LIST = "/referrals/"
NOW = make.NOW


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def coordinator(practice):
    return make.member(Role.COORDINATOR, practice)


def shown(client, member, query=""):
    client.force_login(member.user)
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return [row.referral for row in answer.context["rows"]]


def test_each_filter_finds_its_rows(client, practice, coordinator):
    physician = make.member(Role.PHYSICIAN, practice)
    with practice_scope(practice):
        okafor, office = make.provider("Okafor"), make.office("Lakeside")
        plain = make.referral(coordinator, received_on=date(2026, 11, 2))
        urgent = make.referral(coordinator, urgency="urgent", channel="portal", physician=physician)
        nameless = make.referral(coordinator, provider=None, office=office)
        seen = make.referral(coordinator, provider=okafor)
        referral_way.move(seen, to="seen", by=coordinator, now=timezone.now(), seen_on=date(2026, 11, 17))
        withdrawn = make.referral(coordinator)
        referral_way.withdraw(withdrawn, by=coordinator, now=NOW, reason="twice")
        unnamed = make.referral(coordinator, patient_family_name="", patient_given_name="")
        future = make.referral(coordinator, now=timezone.now() + timedelta(days=1))
    standing = [future, unnamed, seen, nameless, urgent, plain]
    assert shown(client, coordinator) == standing
    assert shown(client, coordinator, "?status=open") == standing
    assert shown(client, coordinator, "?status=seen") == [seen]
    assert shown(client, coordinator, "?status=withdrawn") == [withdrawn]
    assert shown(client, coordinator, "?awaiting=report_back") == [seen]
    assert shown(client, coordinator, "?awaiting=provider") == [nameless]
    assert shown(client, coordinator, "?awaiting=patient") == [unnamed]
    assert shown(client, coordinator, f"?physician={physician.pk}") == [urgent]
    assert shown(client, coordinator, "?channel=portal&urgency=urgent") == [urgent]
    assert shown(client, coordinator, "?q=okaffor") == [seen]
    assert shown(client, coordinator, f"?provider={okafor.pk}") == [seen]
    assert shown(client, coordinator, "?q=lakeside") == [nameless]
    assert shown(client, coordinator, "?received_until=2026-11-16") == [plain]
    assert plain not in shown(client, coordinator, "?received_from=2026-11-03")
    assert shown(client, coordinator, "?status=nonsense&received_from=yesterday&after=x") == standing


def test_the_overdue_stand_in_the_order_of_their_due_time(client, practice, coordinator):
    with practice_scope(practice):
        long_ago = {"now": NOW - timedelta(days=60), "received_on": date(2026, 9, 18)}
        routine = make.referral(coordinator, **long_ago)
        stat = make.referral(coordinator, urgency="stat", **long_ago)
        make.referral(coordinator, now=timezone.now() + timedelta(days=1))
    assert shown(client, coordinator, "?status=overdue") == [stat, routine]


def test_pages_follow_each_other_without_a_gap(client, practice, coordinator):
    with practice_scope(practice):
        sender = make.provider()
        made = [make.referral(coordinator, provider=sender) for _ in range(PAGE_ROWS + 10)]
    client.force_login(coordinator.user)
    first = client.get(LIST)
    older = client.get(LIST + first.context["page"].older_url)
    rows = [row.referral for answer in (first, older) for row in answer.context["rows"]]
    assert rows == made[::-1]
    assert older.context["page"].older_url is None


def test_names_are_initials_until_somebody_asks_and_that_is_written_down(client, practice, coordinator):
    with practice_scope(practice):
        referral = make.referral(coordinator, patient_family_name="Testperson", patient_given_name="Ida")
    client.force_login(coordinator.user)
    page = client.get(LIST).content.decode()
    assert "I.T." in page
    assert "Testperson" not in page
    assert "Ida Testperson" in client.get(LIST + "?names=shown").content.decode()
    with practice_scope(practice):
        access = PatientAccess.objects.get()
        assert (access.act, access.member, access.referral_ids) == ("revealed", coordinator, [referral.pk])


def test_a_liaison_finds_references_and_never_a_patient(client, practice, coordinator):
    with practice_scope(practice):
        referral = make.referral(
            coordinator, patient_family_name="Testperson", reason="palpitations", notes="calls at night"
        )
    liaison = make.member(Role.LIAISON, practice)
    client.force_login(liaison.user)
    page = client.get(LIST + "?names=shown").content.decode()
    assert referral.reference in page
    for patient in ("Testperson", "I.T.", "Ida", "palpitations", "calls at night"):
        assert patient not in page
    with practice_scope(practice):
        assert not PatientAccess.objects.exists()


def test_a_physician_finds_their_own_and_a_covered_colleagues(client, practice, coordinator):
    physician, colleague = (make.member(Role.PHYSICIAN, practice) for _ in range(2))
    today = practice.today(timezone.now())
    with practice_scope(practice):
        own, covered, _open = (
            make.referral(coordinator, physician=who) for who in (physician, colleague, None)
        )
    assert shown(client, physician) == [own]
    with practice_scope(practice):
        Cover.objects.create(
            physician=colleague, covered_by=physician, starts_on=today, ends_on=today, created_by=coordinator
        )
    assert shown(client, physician) == [covered, own]


def test_twice_the_rows_cost_as_many_queries(client, practice, coordinator):
    client.force_login(coordinator.user)
    physician = make.member(Role.PHYSICIAN, practice)
    counts = []
    for _ in range(2):
        with practice_scope(practice):
            for _ in range(10):
                sender = make.provider(at=make.office())
                made = make.referral(coordinator, provider=sender, physician=physician)
                referral_way.move(made, to="seen", by=coordinator, now=NOW, seen_on=date(2026, 11, 17))
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST + "?names=shown&q=okafor")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)
    assert len(queries) <= 13


def test_who_sent_this_is_answered_from_the_list(client, practice, coordinator):
    with practice_scope(practice):
        office = make.office("Lakeside")
        referral = make.referral(coordinator, provider=None, office=office)
        okafor = make.provider("Okafor")
    client.force_login(coordinator.user)
    queue = LIST + "?awaiting=provider"
    assert f"office={office.pk}" in client.get(queue).content.decode()
    answer = client.post(
        reverse("referral_provider", args=[referral.pk]),
        {"provider": okafor.pk, "provider_text": str(okafor), "next": queue},
    )
    assert answer.url == queue
    assert shown(client, coordinator, "?awaiting=provider") == []
    with practice_scope(practice):
        referral.refresh_from_db()
        assert (referral.provider, referral.office) == (okafor, office)


def test_who_sent_this_may_be_somebody_new_at_that_office(client, practice, coordinator):
    with practice_scope(practice):
        office = make.office("Lakeside")
        referral = make.referral(coordinator, provider=None, office=office)
    client.force_login(coordinator.user)
    url = reverse("referral_provider", args=[referral.pk])
    answer = client.post(url, {"provider_text": "Ferreira"})
    assert answer.status_code == 422
    assert "Nobody in your network" in answer.content.decode()
    client.post(url, {"provider_text": "Ferreira", "new_family_name": "Ferreira"})
    with practice_scope(practice):
        referral.refresh_from_db()
        assert referral.provider.offices.get() == office


def test_a_withdrawn_referral_gets_no_sender_and_adds_nobody(client, practice, coordinator):
    with practice_scope(practice):
        referral = make.referral(coordinator, provider=None, office=make.office())
        referral_way.withdraw(referral, by=coordinator, now=NOW, reason="twice")
    client.force_login(coordinator.user)
    answer = client.post(reverse("referral_provider", args=[referral.pk]), {"new_family_name": "Ferreira"})
    assert answer.status_code == 422
    assert "This referral was withdrawn." in answer.content.decode()
    with practice_scope(practice):
        assert not Provider.objects.exists()


def test_a_liaisons_referral_is_completed_by_a_coordinator(client, practice, coordinator):
    with practice_scope(practice):
        referral = make.referral(
            make.member(Role.LIAISON, practice), patient_family_name="", patient_given_name=""
        )
    client.force_login(coordinator.user)
    edit = reverse("referral_edit", args=[referral.pk])
    assert edit in client.get(LIST + "?awaiting=patient").content.decode()
    form = client.get(edit).context["form"]
    fields = {name: form[name].value() or "" for name in form.fields}
    client.post(edit, {**fields, "patient_family_name": "Testperson", "patient_given_name": "Ida"})
    assert shown(client, coordinator, "?awaiting=patient") == []
