"""Likely doubles and merging in the browser."""

import pytest
from django.urls import reverse

from contacts.models import Merge, NotADouble, Provider
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def manager(practice):
    return make.member(Role.MANAGER, practice)


@pytest.fixture
def signed_in(client, manager):
    client.force_login(manager.user)
    return client


@pytest.fixture
def pair(practice, manager):
    with practice_scope(practice):
        office = make.office("Lakeside")
        keep = make.provider("Okafor", at=office, phone="555-0100", personal_notes="Sails")
        drop = make.provider("Okafour", at=office, npi="1234567893", phone="555-0101", personal_notes="Bakes")
        make.referral(manager, provider=drop)
    return keep, drop


def address(name, *rows):
    return reverse(name, args=[row.pk for row in rows])


def test_a_double_is_listed_with_its_reasons(signed_in, pair):
    page = signed_in.get(reverse("duplicates")).content.decode()
    assert "The names differ by a letter or two." in page
    assert "Both work at Lakeside." in page
    assert address("provider_merge", *pair) in page


def test_the_page_compares_and_proposes_what_fills_the_blanks(signed_in, pair):
    form = signed_in.get(address("provider_merge", *pair)).context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "family_name": "keep",
        "npi": "drop",
        "phone": "keep",
        "personal_notes": "both",
    }


def test_merging_keeps_what_was_chosen_and_the_old_address_leads_on(signed_in, practice, pair):
    keep, drop = pair
    choices = {"family_name": "drop", "npi": "drop", "phone": "keep", "personal_notes": "both"}
    answer = signed_in.post(address("provider_merge", *pair), choices)
    assert answer.url == address("provider", keep)
    with practice_scope(practice):
        keep.refresh_from_db()
        assert (keep.family_name, keep.npi, keep.phone) == ("Okafour", "1234567893", "555-0100")
        assert keep.personal_notes == "Sails\nBakes"
        assert keep.referrals.count() == 1
        merge = Merge.objects.get()
    page = signed_in.get(address("provider", keep)).content.decode()
    assert address("merge_undo", merge) in page, "it can be undone at once"
    assert signed_in.get(address("provider", drop)).url == address("provider", keep)
    assert address("merge_undo", merge) in signed_in.get(reverse("duplicates")).content.decode()


def test_a_second_press_leads_to_the_kept_one(signed_in, practice, pair):
    for _press in range(2):
        answer = signed_in.post(address("provider_merge", *pair), {})
        assert answer.url == address("provider", pair[0])
    with practice_scope(practice):
        assert Merge.objects.count() == 1


def test_undoing_leads_to_the_one_that_is_back(signed_in, practice, pair):
    signed_in.post(address("provider_merge", *pair), {})
    with practice_scope(practice):
        merge = Merge.objects.get()
    for _press in range(2):
        assert signed_in.post(address("merge_undo", merge)).url == address("provider", pair[1])
    with practice_scope(practice):
        assert Provider.objects.current().count() == 2


def test_an_undoing_that_is_refused_says_why(signed_in, practice, pair):
    signed_in.post(address("provider_merge", *pair), {"npi": "keep"})
    with practice_scope(practice):
        make.provider("Zimmer", npi="1234567893")
        merge = Merge.objects.get()
    answer = signed_in.post(address("merge_undo", merge), follow=True)
    assert "The NPI 1234567893 belongs to Amara Zimmer, MD now." in answer.content.decode()


def test_two_of_one_name_are_told_apart_before_and_after(signed_in, practice):
    with practice_scope(practice):
        keep = make.provider("Lee", given_name="Ann", at=make.office("Lakeside", city="Salem"))
        drop = make.provider("Lee", given_name="Ann", at=make.office("Elm Street"), npi="1234567893")
    lede = signed_in.get(address("provider_merge", keep, drop)).content.decode()
    assert f"{drop} (Elm Street, Salem, MA, NPI 1234567893) would become part of {keep} (Lakeside" in lede
    answer = signed_in.post(address("provider_merge", keep, drop), {"npi": "keep"}, follow=True)
    assert (
        f"What belonged to {drop} (Elm Street, Salem, MA, NPI 1234567893) stands here now"
        in answer.content.decode()
    )
    assert f"{drop} (NPI 1234567893) into {keep}" in signed_in.get(reverse("duplicates")).content.decode()


def test_not_a_double_is_remembered(signed_in, practice, pair):
    for _press in range(2):
        assert signed_in.post(address("provider_not_a_double", *pair)).url == reverse("duplicates")
    with practice_scope(practice):
        assert NotADouble.objects.count() == 1
    assert address("provider_merge", *pair) not in signed_in.get(reverse("duplicates")).content.decode()


def test_two_npis_are_warned_of(signed_in, practice, pair):
    with practice_scope(practice):
        Provider.objects.filter(pk=pair[0].pk).update(npi=make.npi())
    assert "two different NPIs" in signed_in.get(address("provider_merge", *pair)).content.decode()


def test_offices_are_compared_merged_and_undone(signed_in, practice):
    with practice_scope(practice):
        keep, drop = make.office("Lakeside", phone="555-0100"), make.office("Lakeside Med", phone="555-0100")
        make.provider(at=drop)
    page = signed_in.get(reverse("duplicates"), {"kind": "offices"}).content.decode()
    assert address("office_merge", keep, drop) in page
    assert "1 place of work" in signed_in.get(address("office_merge", keep, drop)).content.decode()
    assert signed_in.post(address("office_merge", keep, drop), {"name": "keep"}).url == address(
        "office", keep
    )
    with practice_scope(practice):
        merge = Merge.objects.get()
    assert signed_in.post(address("merge_undo", merge)).url == address("office", drop)
    assert signed_in.post(address("office_not_a_double", keep, drop)).url.endswith("?kind=offices")


def test_a_row_is_not_merged_with_itself_or_what_is_gone(signed_in, practice, pair):
    keep, drop = pair
    with practice_scope(practice):
        third = make.provider(merged_into=keep)
    for rows in ((keep, keep), (drop, third), (third, drop)):
        assert signed_in.get(address("provider_merge", *rows)).status_code == 404
    assert signed_in.get(address("provider_merge", keep, third)).url == address("provider", keep)


def test_any_page_number_is_answered(signed_in, pair):
    for below in ("", "x", "0", "99999999999999999999", "5"):
        assert signed_in.get(reverse("duplicates"), {"below": below}).status_code == 200


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PHYSICIAN, Role.LIAISON])
def test_only_a_manager_merges(client, practice, pair, role):
    client.force_login(make.member(role, practice).user)
    assert client.get(reverse("duplicates")).status_code == 403
    assert client.post(address("provider_merge", *pair)).status_code == 403
    assert client.post(address("provider_not_a_double", *pair)).status_code == 403
    assert client.post(reverse("merge_undo", args=[1])).status_code == 403
    with practice_scope(practice):
        assert Provider.objects.current().count() == 2


def test_a_stranger_merges_nothing_here(client, practice, pair, signed_in):
    signed_in.post(address("provider_merge", *pair), {})
    with practice_scope(practice):
        merge = Merge.objects.get()
    client.force_login(make.member(Role.MANAGER, make.practice()).user)
    assert client.get(address("provider_merge", *pair)).status_code == 404
    assert client.post(address("merge_undo", merge)).status_code == 404
    assert client.post(address("provider_not_a_double", *pair)).status_code == 404


def test_the_number_of_queries_does_not_grow(signed_in, practice, django_assert_max_num_queries):
    counts = []
    for _round in range(2):
        with practice_scope(practice):
            for n in range(6):
                for _double in range(2):
                    make.provider(
                        f"{['Abel', 'Baker', 'Cole', 'Dunn', 'Eder', 'Funk'][n]}{_round}", at=make.office()
                    )
        with django_assert_max_num_queries(20) as captured:
            assert signed_in.get(reverse("duplicates")).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
