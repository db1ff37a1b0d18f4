"""Finding a patient who phones, without a name in any address."""

from datetime import date

import pytest

from practices.isolation import practice_scope
from practices.models import PatientAccess
from practices.roles import Role
from tests import make

FIND = "/patients/find/"


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def coordinator(practice, client):
    member = make.member(Role.COORDINATOR, practice)
    client.force_login(member.user)
    return member


@pytest.fixture
def referral(practice, coordinator):
    with practice_scope(practice):
        return make.referral(
            coordinator,
            patient_family_name="Müller-Test",
            patient_given_name="Ida",
            patient_born_on=date(1950, 3, 4),
            patient_chart_number="C-1001",
        )


def found(client, **fields):
    names = ("family_name", "given_name", "born_on", "chart_number")
    answer = client.post(FIND, {f"patient_{name}": fields.get(name, "") for name in names})
    return [row.referral for row in answer.context["rows"] or []]


@pytest.mark.parametrize(
    "typed",
    [
        {"family_name": "MULLER TEST", "born_on": "1950-03-04"},
        {"family_name": "mullertest", "given_name": "i"},
        {"family_name": "Müller-Test", "given_name": "Ivy"},
        {"chart_number": "c1001"},
    ],
)
def test_found_by(client, referral, typed):
    assert found(client, **typed) == [referral]


@pytest.mark.parametrize(
    "typed",
    [
        {"family_name": "Müller-Test", "born_on": "1950-03-05"},
        {"family_name": "Müller-Test", "given_name": "B"},
        {"family_name": "Miller", "given_name": "I"},
        {"chart_number": "C-1002"},
    ],
)
def test_not_found_by(client, referral, typed):
    assert found(client, **typed) == []


def test_who_has_no_birth_date_on_record_is_found_by_the_first_letter(client, practice, coordinator):
    with practice_scope(practice):
        referral = make.referral(coordinator, patient_family_name="Testperson", patient_given_name="Ida")
    assert found(client, family_name="Testperson", given_name="Ida", born_on="1950-03-04") == [referral]


def test_too_little_is_asked_for(client, coordinator):
    answer = client.post(FIND, {"patient_family_name": "Testperson"})
    assert answer.status_code == 422
    assert "Give the family name with" in answer.content.decode()


def test_every_search_is_written_down_even_one_that_finds_nobody(client, practice, coordinator, referral):
    found(client, chart_number="C-1001")
    found(client, chart_number="C-9")
    with practice_scope(practice):
        accesses = PatientAccess.objects.order_by("pk")
        assert [(access.act, access.referral_ids) for access in accesses] == [
            ("searched", [referral.pk]),
            ("searched", []),
        ]


def test_physicians_find_their_own_and_liaisons_nobody(client, practice, coordinator, referral):
    physician = make.member(Role.PHYSICIAN, practice)
    client.force_login(physician.user)
    assert found(client, chart_number="C-1001") == []
    with practice_scope(practice):
        mine = make.referral(coordinator, physician=physician, patient_chart_number="C-1001")
    assert found(client, chart_number="C-1001") == [mine]
    client.force_login(make.member(Role.LIAISON, practice).user)
    assert (
        client.get(FIND).status_code
        == client.post(FIND, {"patient_chart_number": "C-1001"}).status_code
        == 403
    )


def test_another_practices_patient_is_not_found(client, referral):
    client.force_login(make.member(Role.MANAGER, make.practice("Elsewhere")).user)
    assert found(client, chart_number="C-1001") == []
