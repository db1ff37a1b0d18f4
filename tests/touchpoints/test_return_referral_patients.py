"""Finding a patient whom we sent on: at once, after a correction, and from before there was an index."""

import importlib
from datetime import date

import pytest
from django.apps import apps

from practices.isolation import practice_scope
from practices.models import PatientAccess
from tests import make
from touchpoints import return_referral_way as way
from touchpoints.models import ReturnReferral

FIND = "/patients/find/"
BORN = date(1950, 3, 4)


@pytest.fixture
def desk(sending):
    with practice_scope(sending.practice):
        way.change_need(
            sending.row,
            now=make.NOW,
            patient_family_name="Müller-Test",
            patient_given_name="Ida",
            patient_born_on=BORN,
        )
    return sending


def found(client, member, **fields):
    client.force_login(member.user)
    names = ("family_name", "given_name", "born_on", "chart_number")
    answer = client.post(FIND, {f"patient_{name}": fields.get(name, "") for name in names})
    return [row.row for row in answer.context["sent_rows"]], answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ({"family_name": "MULLER TEST", "born_on": "1950-03-04"}, True),
        ({"family_name": "mullertest", "given_name": "i"}, True),
        ({"family_name": "Müller-Test", "born_on": "1950-03-05"}, False),
        ({"family_name": "Testperson", "given_name": "Ida"}, False),
        ({"chart_number": "C-1"}, False),
    ],
)
def test_found_as_a_patient_who_was_sent_to_us(client, desk, typed, is_found):
    rows, page = found(client, desk.coordinator, **typed)
    assert rows == ([desk.row] if is_found else [])
    assert ("Return referral, Cardiology." in page) == is_found
    assert ("Nobody found" in page) != is_found


def test_by_their_own_physician_alone_and_written_down(client, desk):
    typed = {"family_name": "Müller-Test", "given_name": "I"}
    assert found(client, desk.physician, **typed)[0] == [desk.row]
    assert found(client, desk.colleague, **typed)[0] == []
    stranger = make.member("manager", make.practice("Elsewhere"))
    assert found(client, stranger, **typed)[0] == []
    with practice_scope(desk.practice):
        accesses = PatientAccess.objects.order_by("pk").values_list("act", "return_referral_ids")
        assert list(accesses) == [("searched", [desk.row.pk]), ("searched", [])]


def test_those_from_before_are_indexed_in_sets_and_twice_is_once(desk, monkeypatch):
    with practice_scope(desk.practice):
        for _ in range(4):
            make.return_referral(desk.coordinator, patient_born_on=BORN)
        fields = ("pk", "patient_name_birth_index", "patient_name_initial_index")
        before = sorted(ReturnReferral.objects.values_list(*fields))
        ReturnReferral.objects.update(patient_name_birth_index=None, patient_name_initial_index=None)
    migration = importlib.import_module("touchpoints.migrations.0012_index_patients_of_return_referrals")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    for _run in range(2):
        migration.index_patients(apps, None)
        with practice_scope(desk.practice):
            assert sorted(ReturnReferral.objects.values_list(*fields)) == before
