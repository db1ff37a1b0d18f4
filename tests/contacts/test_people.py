"""Providers, offices and their people in the browser: lists, forms, and two who edit one row."""

import re

import pytest
from django.urls import reverse

from contacts.models import Office, OfficeContact, Provider, ProviderOffice, Specialty
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db
TEXT = re.compile(r"\s+")


@pytest.fixture
def practice():
    return make.practice()


@pytest.fixture
def manager(practice):
    return make.member(Role.MANAGER, practice, name="Maya Lind")


@pytest.fixture
def signed_in(client, manager):
    client.force_login(manager.user)
    return client


def rows(response):
    return [row.provider.family_name for row in response.context["page"].rows]


def version_of(response):
    return response.context["form"].version


def posted(response, **changes):
    """What the browser would send back: the page's own values, with these changed."""
    form = response.context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: "" if value is None else value for name, value in data.items()}
    data["is_accepting_patients"] = {True: "true", False: "false"}.get(
        data.get("is_accepting_patients"), "unknown"
    )
    places = response.context.get("places")
    if places:
        data |= {
            "place": [o.pk for o in places.so_far],
            "place_shown": [o.pk for o in places.so_far],
            "main": places.main_id or "",
        }
    return {**data, "version": form.version, **changes}


class TestLists:
    @pytest.fixture
    def network(self, practice, manager):
        with practice_scope(practice):
            cardiology = Specialty.objects.create(code="207RC0000X", name="Cardiology")
            lakeside = make.office("Lakeside", city="Salem", liaison=manager)
            abel = make.provider("abel", at=lakeside, tier="A", specialty=cardiology, liaison=manager)
            make.provider("Baker", at=lakeside)
            make.provider("Cole", state="retired")
            make.referral(manager, provider=abel, office=lakeside)
            return abel

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({}, ["abel", "Baker"]),
            ({"tier": "A"}, ["abel"]),
            ({"standing": "prospect"}, ["Baker"]),
            ({"standing": "new"}, ["abel"]),
            ({"standing": "lapsed"}, []),
            ({"state": "retired"}, ["Cole"]),
            ({"q": "abell"}, ["abel"]),
            ({"q": "salem", "tier": "C"}, ["Baker"]),
            ({"tier": "Z", "standing": "great", "specialty": "x", "after": "~"}, ["abel", "Baker"]),
            ({"after": "99999999"}, ["abel", "Baker"]),
        ],
    )
    def test_filters_live_in_the_address_and_wrong_ones_are_passed_over(
        self, signed_in, network, query, names
    ):
        assert rows(signed_in.get(reverse("providers"), query)) == names

    def test_specialty_and_liaison_filter(self, signed_in, network, manager):
        for query in ({"specialty": network.specialty_id}, {"liaison": manager.pk}):
            assert rows(signed_in.get(reverse("providers"), query)) == ["abel"]

    def test_a_row_says_office_standing_and_last_referral(self, signed_in, network):
        page = words(signed_in.get(reverse("providers")))
        assert "Lakeside, Salem" in page
        assert "Cardiology" in page
        assert "First referral" in page
        assert "Nov 17, 2026" in page

    def test_an_office_counts_its_providers_and_recent_referrals(self, signed_in, network):
        (row,) = signed_in.get(reverse("offices")).context["page"].rows
        assert (row.office.name, row.providers, row.referrals) == ("Lakeside", 2, 1)
        assert signed_in.get(reverse("offices"), {"liaison": row.office.liaison_id}).context["page"].rows

    def test_pages_follow_each_other_by_name_without_gap_or_repetition(self, signed_in, practice):
        names = [f"{'aB'[n % 2]}name{n % 40:02}" for n in range(120)]
        with practice_scope(practice):
            Provider.objects.bulk_create([Provider(family_name=name) for name in names])
        found, url = [], reverse("providers")
        while url:
            page = signed_in.get(url).context["page"]
            found += [row.provider for row in page.rows]
            url = page.older_url and reverse("providers") + page.older_url
        assert [p.family_name.lower() for p in found] == sorted(name.lower() for name in names)
        assert len({p.pk for p in found}) == 120

    @pytest.mark.parametrize("name", ["providers", "offices"])
    @pytest.mark.parametrize("query", ["", "?q=name", "?standing=new", "?standing=prospect"])
    def test_the_number_of_queries_does_not_grow_with_the_rows(
        self, signed_in, practice, manager, name, query, django_assert_max_num_queries
    ):
        counts = []
        for _round in range(2):
            with practice_scope(practice):
                for _n in range(8):
                    office = make.office(liaison=manager)
                    provider = make.provider(at=office, liaison=manager)
                    make.referral(manager, provider=provider, office=office)
            with django_assert_max_num_queries(12) as captured:
                assert signed_in.get(reverse(name) + query).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1]

    def test_an_empty_network_offers_the_first_step(self, signed_in):
        assert "No providers yet" in words(signed_in.get(reverse("providers")))
        assert "Nobody fits" in words(signed_in.get(reverse("providers"), {"q": "x"}))
        assert "No offices yet" in words(signed_in.get(reverse("offices")))
        assert "Nothing fits" in words(signed_in.get(reverse("offices"), {"q": "x"}))


class TestProviderForm:
    def test_a_family_name_is_enough(self, signed_in, practice):
        page = signed_in.get(reverse("provider_new"))
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor"))
        with practice_scope(practice):
            made = Provider.objects.get()
            assert (made.family_name, made.npi, made.tier, made.search) == ("Okafor", None, "C", "okafor")
        assert answer.url == reverse("provider", args=[made.pk])

    def test_what_was_searched_for_is_filled_in(self, signed_in):
        form = signed_in.get(reverse("provider_new"), {"name": "Ngozi Adaeze Okafor"}).context["form"]
        assert (form["given_name"].value(), form["family_name"].value()) == ("Ngozi Adaeze", "Okafor")

    @pytest.mark.parametrize(
        ("npi", "error"),
        [
            ("123", "An NPI has ten digits."),
            ("3234567893", "An NPI starts with 1 or 2."),
            ("1234567890", "check digit"),
        ],
    )
    def test_a_wrong_npi_is_said_beside_the_field_and_nothing_is_lost(self, signed_in, practice, npi, error):
        page = signed_in.get(reverse("provider_new"))
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", npi=npi))
        assert answer.status_code == 422
        assert error in words(answer)
        assert 'value="Okafor"' in answer.content.decode()
        with practice_scope(practice):
            assert not Provider.objects.exists()

    def test_an_npi_is_read_whatever_stands_between_its_digits(self, signed_in, practice):
        page = signed_in.get(reverse("provider_new"))
        signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", npi=" 1234-567 893 "))
        with practice_scope(practice):
            assert Provider.objects.get().npi == "1234567893"

    def test_an_npi_known_already_leads_to_whose_it_is(self, signed_in, practice):
        with practice_scope(practice):
            known = make.provider("Reyes", npi="1234567893")
        page = signed_in.get(reverse("provider_new"))
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", npi="1234567893"))
        assert answer.status_code == 422
        assert (
            f'<a href="{reverse("provider", args=[known.pk])}">Amara Reyes, MD</a>' in answer.content.decode()
        )

    def test_an_npi_of_another_practice_is_nobodys_here(self, signed_in, practice):
        with practice_scope(make.practice()):
            make.provider(npi="1234567893")
        page = signed_in.get(reverse("provider_new"))
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", npi="1234567893"))
        assert answer.status_code == 302

    def test_an_office_is_added_in_place(self, signed_in, practice):
        page = signed_in.get(reverse("provider_new"))
        new = {"new_office_name": "Lakeside", "new_office_city": "Salem", "new_office_state": "ma"}
        signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", **new))
        with practice_scope(practice):
            place = ProviderOffice.objects.select_related("office", "provider").get()
            assert (place.office.name, place.office.state, place.is_main) == ("Lakeside", "MA", True)
            assert "lakeside salem" in place.provider.search
            assert "lakeside" in place.office.search

    def test_a_wrong_new_office_saves_neither(self, signed_in, practice):
        page = signed_in.get(reverse("provider_new"))
        new = {"new_office_name": "Lakeside", "new_office_zip_code": "12"}
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="Okafor", **new))
        assert answer.status_code == 422
        assert "A ZIP code has five digits, or nine." in words(answer)
        with practice_scope(practice):
            assert not Provider.objects.exists()
            assert not Office.objects.exists()

    def test_without_scripting_an_office_is_found_by_its_name(self, signed_in, practice):
        with practice_scope(practice):
            office = make.office("Lakeside Family Medicine")
            make.office("Lakeside Dental")
        page = signed_in.get(reverse("provider_new"))
        fields = {"family_name": "Okafor", "office_text": "lakeside family medicine"}
        assert signed_in.post(reverse("provider_new"), posted(page, **fields)).status_code == 302
        with practice_scope(practice):
            assert Provider.objects.get().places.get().office == office

    def test_without_scripting_a_doubtful_office_is_asked_about(self, signed_in, practice):
        with practice_scope(practice):
            meant = make.office("Lakeside Family Medicine")
            make.office("Lakeside Dental")
        page = signed_in.get(reverse("provider_new"))
        fields = {"family_name": "Okafor", "office_text": "lakeside"}
        answer = signed_in.post(reverse("provider_new"), posted(page, **fields))
        assert answer.status_code == 422
        assert set(answer.context["places"].candidates) >= {meant}
        signed_in.post(reverse("provider_new"), posted(page, **fields, office=["", meant.pk]))
        with practice_scope(practice):
            assert Provider.objects.get().places.get().office == meant

    def test_an_office_nobody_knows_is_said(self, signed_in):
        page = signed_in.get(reverse("provider_new"))
        fields = {"family_name": "Okafor", "office_text": "zzyzx"}
        answer = signed_in.post(reverse("provider_new"), posted(page, **fields))
        assert "No office is called that." in words(answer)

    def test_places_are_left_added_and_made_the_main_one(self, signed_in, practice):
        with practice_scope(practice):
            first, second, third = make.office(), make.office(), make.office()
            provider = make.provider(at=first)
            ProviderOffice.objects.create(provider=provider, office=second, is_main=False)
        url = reverse("provider_edit", args=[provider.pk])
        page = signed_in.get(url)
        signed_in.post(url, posted(page, place=[second.pk], main=first.pk, office=third.pk, is_main="on"))
        with practice_scope(practice):
            assert dict(provider.places.values_list("office", "is_main")) == {
                second.pk: False,
                third.pk: True,
            }
        signed_in.post(url, posted(signed_in.get(url), main=second.pk))
        with practice_scope(practice):
            assert dict(provider.places.values_list("office", "is_main")) == {
                second.pk: True,
                third.pk: False,
            }

    def test_an_office_a_colleague_added_meanwhile_stays(self, signed_in, practice):
        with practice_scope(practice):
            first, second = make.office(), make.office()
            provider = make.provider(at=first)
        url = reverse("provider_edit", args=[provider.pk])
        page = signed_in.get(url)
        with practice_scope(practice):
            ProviderOffice.objects.create(provider=provider, office=second, is_main=False)
        signed_in.post(url, posted(page))
        with practice_scope(practice):
            assert set(provider.offices.all()) == {first, second}

    def test_the_form_of_address_is_shown_as_one_types(self, signed_in):
        url = reverse("form_of_address")
        typed = {"given_name": "Ngozi", "family_name": "Okafor", "credentials": "MD"}
        assert "Dear Dr. Okafor" in words(signed_in.get(url, typed))
        assert "Dear Ngozi Okafor" in words(signed_in.get(url, typed | {"credentials": "NP"}))
        assert "Dear Aunt Ngozi" in words(signed_in.get(url, typed | {"form_of_address": "Aunt Ngozi"}))
        assert "Dear" not in words(signed_in.get(url))

    def test_a_state_says_what_follows_from_it(self, signed_in):
        page = words(signed_in.get(reverse("provider_new")))
        assert "Nobody is asked to write, call or visit any more." in page

    def test_a_liaison_of_another_practice_is_no_choice(self, signed_in, practice):
        stranger = make.member(Role.LIAISON, make.practice())
        page = signed_in.get(reverse("provider_new"))
        answer = signed_in.post(reverse("provider_new"), posted(page, family_name="A", liaison=stranger.pk))
        assert answer.status_code == 422


class TestTwoPeopleOnOneRow:
    @pytest.fixture
    def provider(self, practice):
        with practice_scope(practice):
            return make.provider("Okafor", phone="1", fax="1", tier="B")

    def url(self, provider):
        return reverse("provider_edit", args=[provider.pk])

    def change(self, practice, provider, **fields):
        with practice_scope(practice):
            Provider.objects.filter(pk=provider.pk).update(**fields)

    def test_what_only_the_other_changed_is_kept_and_said(self, signed_in, practice, provider):
        page = signed_in.get(self.url(provider))
        self.change(practice, provider, phone="2", tier="A", is_accepting_patients=True)
        answer = signed_in.post(self.url(provider), posted(page, fax="3"), follow=True)
        assert "it was kept: phone, accepting new patients, tier" in words(answer).lower()
        with practice_scope(practice):
            provider.refresh_from_db()
        assert (provider.phone, provider.fax, provider.tier) == ("2", "3", "A")
        assert provider.is_accepting_patients is True

    def test_what_both_changed_is_asked_about_once(self, signed_in, practice, provider):
        page = signed_in.get(self.url(provider))
        self.change(practice, provider, phone="2")
        answer = signed_in.post(self.url(provider), posted(page, phone="3"))
        assert answer.status_code == 422
        assert "changed this to “2” while you had the page open. Save again to keep yours." in words(answer)
        assert 'value="3"' in answer.content.decode()
        signed_in.post(self.url(provider), posted(page, phone="3") | {"version": version_of(answer)})
        with practice_scope(practice):
            provider.refresh_from_db()
        assert provider.phone == "3"

    def test_both_meaning_the_same_is_no_conflict(self, signed_in, practice, provider):
        page = signed_in.get(self.url(provider))
        self.change(practice, provider, phone="2")
        assert signed_in.post(self.url(provider), posted(page, phone="2")).status_code == 302

    def test_a_page_that_says_nothing_of_what_it_showed_saves(self, signed_in, provider):
        page = signed_in.get(self.url(provider))
        assert signed_in.post(self.url(provider), posted(page, fax="3", version="")).status_code == 302

    @pytest.mark.parametrize("version", ["{", "[]", "contacts.provider/1/x fax:1"])
    def test_what_a_page_showed_that_can_t_be_read_is_asked_about(self, signed_in, provider, version):
        page = signed_in.get(self.url(provider))
        asked = signed_in.post(self.url(provider), posted(page, fax="3", version=version))
        assert asked.status_code == 422
        assert "may have changed while you were typing" in asked.content.decode()
        again = posted(page, fax="3", version=version_of(asked))
        assert signed_in.post(self.url(provider), again).status_code == 302


class TestOffices:
    def test_an_office_is_added_changed_and_found_anew(self, signed_in, practice):
        url = reverse("office_new")
        signed_in.post(url, posted(signed_in.get(url), name="Lakeside", zip_code="01970-1234"))
        with practice_scope(practice):
            office = Office.objects.get()
            provider = make.provider(at=office)
        url = reverse("office_edit", args=[office.pk])
        assert signed_in.post(url, posted(signed_in.get(url), name="Harbor")).status_code == 302
        with practice_scope(practice):
            provider.refresh_from_db()
            assert "harbor" in provider.search

    def test_people_are_added_changed_and_removed(self, signed_in, practice):
        with practice_scope(practice):
            office = make.office()
        new = reverse("office_contact_new", args=[office.pk])
        assert signed_in.post(new, {"name": ""}).status_code == 422
        signed_in.post(new, {"name": "Rosa Lind", "job": "Front desk"})
        with practice_scope(practice):
            contact = OfficeContact.objects.get()
        edit = reverse("office_contact_edit", args=[office.pk, contact.pk])
        signed_in.post(edit, posted(signed_in.get(edit), phone="555-0100"))
        with practice_scope(practice):
            contact.refresh_from_db()
            assert (contact.office, contact.phone) == (office, "555-0100")
        remove = reverse("office_contact_remove", args=[office.pk, contact.pk])
        for _press in range(2):
            assert signed_in.post(remove).status_code == 302
        with practice_scope(practice):
            assert not OfficeContact.objects.exists()

    def test_a_person_is_edited_under_their_own_office_only(self, signed_in, practice):
        with practice_scope(practice):
            office, other = make.office(), make.office()
            contact = OfficeContact.objects.create(office=office, name="Rosa")
        assert signed_in.get(reverse("office_contact_edit", args=[other.pk, contact.pk])).status_code == 404
        signed_in.post(reverse("office_contact_remove", args=[other.pk, contact.pk]))
        with practice_scope(practice):
            assert OfficeContact.objects.exists()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PHYSICIAN, Role.LIAISON])
def test_everybody_adds_and_edits(client, practice, role):
    client.force_login(make.member(role, practice).user)
    with practice_scope(practice):
        provider, office = make.provider(), make.office()
    for name, args in (
        ("providers", []), ("provider_new", []), ("provider_edit", [provider.pk]),
        ("offices", []), ("office_new", []), ("office_edit", [office.pk]), ("office_contact_new", [office.pk]),
    ):  # fmt: skip
        assert client.get(reverse(name, args=args)).status_code == 200


def test_a_stranger_finds_none_of_it(client, practice):
    client.force_login(make.member(Role.MANAGER, make.practice()).user)
    with practice_scope(practice):
        provider, office = make.provider("Okafor"), make.office("Lakeside")
    assert client.get(reverse("provider_edit", args=[provider.pk])).status_code == 404
    assert client.get(reverse("office_edit", args=[office.pk])).status_code == 404
    assert client.post(reverse("office_contact_new", args=[office.pk]), {"name": "x"}).status_code == 404
    assert "Okafor" not in words(client.get(reverse("providers"), {"q": "Okafor"}))


def test_a_merged_provider_is_no_longer_edited(signed_in, practice):
    with practice_scope(practice):
        gone = make.provider(merged_into=make.provider())
    assert signed_in.get(reverse("provider_edit", args=[gone.pk])).status_code == 404


def words(response):
    """The page's text, without its markup."""
    return TEXT.sub(" ", re.sub(r"<[^>]+>", "", response.content.decode())).replace("&#x27;", "'")
