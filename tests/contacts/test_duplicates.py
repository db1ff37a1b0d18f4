"""Likely doubles: found for a reason that is said, and silent about those who merely share a name or a house."""

import pytest

from contacts import duplicates
from contacts.duplicates import digits, office_doubles, provider_doubles, say_not_a_double
from contacts.merging import merge_providers
from contacts.models import NotADouble, Specialty
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    practice = make.practice()
    member = make.member(Role.MANAGER, practice)
    with practice_scope(practice):
        yield member


def pairs(found):
    return [(double.first, double.second) for double in found.found]


def provider(family, given, **fields):
    return make.provider(family, given_name=given, **fields)


def test_the_same_name_is_enough_when_one_has_no_npi(manager):
    first = provider("Okafor", "Ngozi", npi=make.npi())
    second = provider("OKAFOR", "Ngozi")
    (double,) = provider_doubles().found
    assert (double.first, double.second) == (first, second)
    assert double.reasons == ["Same name.", "Only one of them has an NPI."]


def test_two_npis_are_two_people(manager):
    office = make.office()
    provider("Okafor", "Ngozi", npi=make.npi(), at=office)
    provider("Okafor", "Ngozi", npi=make.npi(), at=office)
    assert pairs(provider_doubles()) == []


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (("Okafor", "Ngozi"), ("Okafour", "Ngozi"), "The names differ by a letter or two."),
        (("Okafor", "Ngozi"), ("Okafor", "N."), "The names agree as far as they are given."),
        (("Okafor", "Ngozi"), ("Okafor", ""), "The names agree as far as they are given."),
        (("Okafor", "Ngozi"), ("Ngozi", "Okafor"), "Same names, the other way round."),
        (("Nguyễn", "Mai"), ("Nguyen", "Mai"), "Same name."),
    ],
)
def test_a_name_nearly_the_same_needs_something_else_in_common(manager, one, other, reason):
    office = make.office("Lakeside")
    first, second = provider(*one, at=office), provider(*other, at=office)
    (double,) = provider_doubles().found
    assert {double.first, double.second} == {first, second}
    assert double.reasons[:2] == [reason, "Both work at Lakeside."]


def test_a_name_nearly_the_same_alone_says_nothing(manager):
    provider("Johnson", "Mark", at=make.office(city="Salem"))
    provider("Johnston", "Mark", at=make.office(city="Lowell"))
    assert pairs(provider_doubles()) == []


def test_colleagues_who_share_a_line_and_an_office_are_two(manager):
    office = make.office()
    specialty = Specialty.objects.create(code="207Q00000X", name="Family Medicine")
    for family, given in (("Okafor", "Ngozi"), ("Reyes", "Ana"), ("Okafor", "Chidi")):
        provider(family, given, at=office, phone="(978) 555-0100", specialty=specialty)
    assert pairs(provider_doubles()) == []


def test_the_same_telephone_in_another_spelling_counts(manager):
    provider("Okafor", "Ngozi", phone="(978) 555-0100")
    provider("Okafour", "Ngozi", phone="+1 978.555.0100 x12")
    (double,) = provider_doubles().found
    assert "Same phone." in double.reasons


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        ({"phone": "978 555 0100"}, {"phone": "9785550100"}, ["Same phone."]),
        ({"fax": "978 555 0101"}, {"fax": "(978) 555-0101"}, ["Same fax."]),
        (
            {"street": "12 Elm St.", "suite": "4", "zip_code": "01970"},
            {"street": "12 ELM ST", "suite": "4", "zip_code": "01970-1234"},
            ["Same address."],
        ),
        ({"name": "Lakeside Family Medicine"}, {"name": "Lakeside Family Medcine"}, ["The names are alike."]),
        ({"name": "Lakeside Clinic"}, {"name": "LAKESIDE CLINIC"}, ["Same name."]),
    ],
)
def test_offices_are_alike_by_number_address_or_name(manager, one, other, reasons):
    made = [
        make.office(**{"name": name, **fields})
        for name, fields in (("Harbor", one), ("Quincy Internists", other))
    ]
    (double,) = office_doubles().found
    assert [double.first, double.second] == made
    assert double.reasons == reasons


def test_another_suite_of_the_same_house_is_another_office(manager):
    make.office("Harbor Dental", street="12 Elm St", suite="4", zip_code="01970")
    make.office("Quincy Internists", street="12 Elm St", suite="5", zip_code="01970")
    assert pairs(office_doubles()) == []


def test_the_same_name_in_another_city_is_another_office(manager):
    make.office("Family Medicine Associates", city="Salem")
    make.office("Family Medicine Associates", city="Lowell")
    assert pairs(office_doubles()) == []


def test_a_group_with_one_fax_in_two_cities_is_two_offices(manager):
    make.office("Lakeside Group", fax="978 555 0100", city="Salem")
    make.office("Lakeside Group", fax="978 555 0100", city="Lowell")
    assert pairs(office_doubles()) == []


def test_a_switchboard_that_many_share_tells_nothing(manager):
    for n in range(duplicates.MOST_TO_SHARE + 1):
        make.office(f"{'ABCDEFGHIJ'[n] * 6} clinic", phone="978 555 0100")
    assert pairs(office_doubles()) == []


def test_what_was_said_to_be_two_is_not_listed_again(manager):
    first, second = provider("Okafor", "Ngozi"), provider("Okafor", "Ngozi")
    assert pairs(provider_doubles()) == [(first, second)]
    for pair in ((second, first), (first, second)):
        say_not_a_double(*pair, by=manager, now=make.NOW)
    assert pairs(provider_doubles()) == []
    assert NotADouble.objects.count() == 1


def test_a_merged_one_is_not_listed(manager):
    keep, drop = provider("Okafor", "Ngozi"), provider("Okafor", "Ngozi")
    merge_providers(keep=keep, drop=drop, by=manager, now=make.NOW)
    assert pairs(provider_doubles()) == []


def test_another_practices_are_not_compared():
    for _practice in range(2):
        with practice_scope(make.practice()):
            provider("Okafor", "Ngozi")
            make.office("Lakeside", phone="978 555 0100")
            assert pairs(provider_doubles()) == pairs(office_doubles()) == []


def test_the_newest_are_looked_at_first_and_each_pair_is_found(manager, monkeypatch):
    monkeypatch.setattr(duplicates, "SLICE", 3)
    made = [
        provider(family, "Ana") for family in ("Zorn", "Abebe", "Zorn", "Quist", "Abebe", "Ferro", "Lund")
    ]
    seen, below = set(), None
    while True:
        found = provider_doubles(below=below)
        seen |= set(pairs(found))
        if found.go_on_below is None:
            break
        below = found.go_on_below
    assert seen == {(made[0], made[2]), (made[1], made[4])}


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        ("(978) 555-0100", "9785550100"),
        ("+1 978 555 0100", "9785550100"),
        ("978-555-0100 ext. 12", "9785550100"),
        ("555-0100", "5550100"),
        ("100", ""),
        ("", ""),
    ],
)
def test_a_number_is_compared_by_its_digits(number, plain):
    assert digits(number) == plain
