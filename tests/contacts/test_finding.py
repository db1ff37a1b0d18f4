"""The search field of every page: the network and referrals by number, never a patient."""

import pytest
from django.urls import reverse

from contacts.models import OfficeContact
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def scene(practice):
    manager, physician = make.member(Role.MANAGER, practice), make.member(Role.PHYSICIAN, practice)
    with practice_scope(practice):
        office = make.office("Lakeside Family Medicine")
        provider = make.provider("Okafor", at=office)
        contact = OfficeContact.objects.create(office=office, name="Rosa Lind", job="Front desk")
        referral = make.referral(
            manager,
            provider=provider,
            office=office,
            source_number="EHR-77/a",
            patient_family_name="Vandermolen",
            patient_chart_number="C-555",
        )
    return {
        "manager": manager, "physician": physician, "office": office,
        "provider": provider, "contact": contact, "referral": referral,
    }  # fmt: skip


def find(client, member, query):
    client.force_login(member.user)
    return client.get(reverse("search"), {"q": query})


def test_a_word_finds_providers_offices_and_people(client, scene):
    found = find(client, scene["manager"], "lakeside").context["found"]
    assert (found.providers, found.offices) == ([scene["provider"]], [scene["office"]])
    assert found.provider_rows == [(scene["provider"], scene["office"])]
    assert find(client, scene["manager"], "front rosa").context["found"].contacts == [scene["contact"]]


@pytest.mark.parametrize("query", ["R-{pk}", "r{pk}", " R- {pk} ", "ehr-77/A"])
def test_a_number_finds_the_referral(client, scene, query):
    query = query.format(pk=scene["referral"].pk)
    answer = find(client, scene["manager"], query)
    assert answer.context["found"].referrals == [scene["referral"]]
    assert reverse("referral", args=[scene["referral"].pk]) in answer.content.decode()


def test_a_physician_finds_their_own_referrals_only(client, scene, practice):
    number = f"R-{scene['referral'].pk}"
    assert not find(client, scene["physician"], number).context["found"]
    with practice_scope(practice):
        type(scene["referral"]).objects.update(physician=scene["physician"])
    assert find(client, scene["physician"], number).context["found"].referrals == [scene["referral"]]


@pytest.mark.parametrize("query", ["Vandermolen", "Ida", "C-555"])
def test_no_patient_is_found_and_none_is_shown(client, scene, query):
    answer = find(client, scene["manager"], query)
    assert not answer.context["found"].referrals
    assert reverse("patient_find") in answer.content.decode()
    shown = find(client, scene["manager"], "EHR-77/a").content.decode()
    assert "Vandermolen" not in shown
    assert "Ida" not in shown


def test_a_liaison_is_not_sent_to_look_for_patients(client, scene, practice):
    liaison = make.member(Role.LIAISON, practice)
    answer = find(client, liaison, f"R-{scene['referral'].pk}")
    assert answer.context["found"].referrals == [scene["referral"]]
    assert reverse("patient_find") not in answer.content.decode()


@pytest.mark.parametrize("query", ["", "   ", "zzyzx", "R-999999999999999999", "%", "_", "\\"])
def test_any_text_is_answered(client, scene, query):
    assert find(client, scene["manager"], query).status_code == 200


def test_a_stranger_finds_nothing(client, scene):
    stranger = make.member(Role.MANAGER, make.practice())
    for query in ("Okafor", "lakeside", "rosa", "EHR-77/a", f"R-{scene['referral'].pk}"):
        assert not find(client, stranger, query).context["found"]


def test_few_queries_however_much_is_found(client, scene, practice, django_assert_max_num_queries):
    with practice_scope(practice):
        for _n in range(10):
            make.provider("Okafor", at=make.office("Lakeside"))
            OfficeContact.objects.create(office=scene["office"], name="Okafor Lakeside")
    client.force_login(scene["manager"].user)
    with django_assert_max_num_queries(12):
        found = client.get(reverse("search"), {"q": "okafor lakeside"}).context["found"]
    assert len(found.providers) == 8
