"""The quick log: who sent the patient, who it is, and what becomes of a form that is not whole."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import Office, Provider, Referral
from practices.drafts import draft_of
from practices.isolation import practice_scope
from practices.models import Location, Practice
from practices.roles import Role
from tests import make

NEW = "/referrals/new/"


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def coordinator(practice, client):
    member = make.member(Role.COORDINATOR, practice)
    client.force_login(member.user)
    return member


@pytest.fixture
def okafor(practice):
    with practice_scope(practice):
        return make.provider("Okafor", given_name="Ngozi", at=make.office("Lakeside Family Medicine"))


def today():
    """The practice's: in New York it is still yesterday while it is morning in Greenwich."""
    return Practice().today(timezone.now())


def typed(**fields):
    """The form as a coordinator fills it in."""
    return {
        "patient_family_name": "Testperson",
        "patient_given_name": "Ida",
        "received_on": today().isoformat(),
        "channel": "fax",
        "urgency": "routine",
        **fields,
    }


def logged(practice):
    with practice_scope(practice):
        return list(
            Referral.objects.select_related("provider", "office", "physician", "logged_by").order_by("pk")
        )


def test_the_form_starts_with_today_and_what_was_chosen_last(client, practice, coordinator, okafor):
    physician = make.member(Role.PHYSICIAN, practice)
    with practice_scope(practice):
        location = Location.objects.create(name="Harbor Street")
    client.post(
        NEW,
        typed(
            provider=okafor.pk,
            provider_text=str(okafor),
            channel="portal",
            physician=physician.pk,
            location=location.pk,
        ),
    )
    form = client.get(NEW).context["form"]
    assert form["received_on"].value() == practice.today(timezone.now())
    assert (form["channel"].value(), form["physician"].value()) == ("portal", physician.pk)
    assert form["location"].value() == location.pk


def test_a_chosen_provider_brings_their_main_office(client, practice, coordinator, okafor):
    answer = client.post(NEW, typed(provider=okafor.pk, provider_text=str(okafor)))
    [referral] = logged(practice)
    assert answer.url == reverse("referral", args=[referral.pk])
    assert (referral.provider, referral.office.name) == (okafor, "Lakeside Family Medicine")
    assert (referral.patient_name, referral.logged_by) == ("Ida Testperson", coordinator)


def test_save_and_next_opens_an_empty_form(client, practice, coordinator, okafor):
    answer = client.post(NEW, typed(provider=okafor.pk, provider_text=str(okafor), next="1"), follow=True)
    assert answer.redirect_chain == [(NEW, 302)]
    assert not answer.context["form"]["patient_family_name"].value()
    assert f"Logged {logged(practice)[0].reference}" in answer.content.decode()


@pytest.mark.parametrize("text", ["Ngozi Okafor, MD", "ngozi okafor", "Okafor", "okafor lakeside"])
def test_without_scripting_one_good_match_is_taken(client, practice, coordinator, okafor, text):
    with practice_scope(practice):
        make.provider("Lindqvist")
    client.post(NEW, typed(provider_text=text))
    assert [row.provider for row in logged(practice)] == [okafor]


def test_without_scripting_several_matches_are_asked_about_and_nothing_is_lost(
    client, practice, coordinator, okafor
):
    with practice_scope(practice):
        other = make.provider("Okafor", given_name="Chidi")
    answer = client.post(NEW, typed(provider_text="Okafor", reason="palpitations"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Which one is meant by" in page
    assert "palpitations" in page and 'value="Testperson"' in page
    assert set(answer.context["form"].provider_candidates) == {okafor, other}
    client.post(NEW, typed(provider_text="Okafor", provider_choice=other.pk))
    assert [row.provider for row in logged(practice)] == [other]


def test_a_misspelt_name_is_asked_about_and_not_guessed(client, practice, coordinator, okafor):
    answer = client.post(NEW, typed(provider_text="Okaffor"))
    assert answer.context["form"].provider_candidates == [okafor]
    assert logged(practice) == []


def test_an_npi_finds_exactly_one(client, practice, coordinator):
    with practice_scope(practice):
        provider = make.provider("Lindqvist", npi=make.npi())
        make.provider("Lindqvist")
    client.post(NEW, typed(provider_text=provider.npi))
    assert [row.provider for row in logged(practice)] == [provider]


def test_a_text_changed_after_the_choice_is_what_counts(client, practice, coordinator, okafor):
    with practice_scope(practice):
        other = make.provider("Lindqvist")
    client.post(NEW, typed(provider=okafor.pk, provider_text="Lindqvist"))
    assert [row.provider for row in logged(practice)] == [other]


def test_somebody_new_is_added_with_their_office(client, practice, coordinator):
    npi = make.npi()
    new = {"new_family_name": "Ferreira", "new_given_name": "Luz", "new_credentials": "NP", "new_npi": npi}
    client.post(
        NEW, typed(provider_text="Ferreira", **new, new_office_name="Oak Clinic", new_office_city="Salem")
    )
    [referral] = logged(practice)
    assert (str(referral.provider), referral.provider.npi) == ("Luz Ferreira, NP", npi)
    with practice_scope(practice):
        assert referral.provider.places.get().office == referral.office
    assert client.get(reverse("provider_options"), {"q": "Fereira"}).content.decode().count("data-value") == 1


def test_a_known_npi_is_not_added_again(client, practice, coordinator):
    with practice_scope(practice):
        known = make.provider("Ferreira", npi=make.npi())
    answer = client.post(NEW, typed(new_family_name="Fereira", new_npi=known.npi))
    assert answer.status_code == 422
    assert "in your network already" in answer.content.decode()
    client.post(NEW, typed(new_family_name="Fereira", new_npi=known.npi, provider_choice=known.pk))
    assert [row.provider for row in logged(practice)] == [known]


def test_a_namesake_is_asked_about_first(client, practice, coordinator, okafor):
    fields = typed(new_family_name="okafor", new_given_name="Ngozi")
    assert client.post(NEW, fields).status_code == 422
    assert logged(practice) == []
    client.post(NEW, {**fields, "provider_choice": "new"})
    [referral] = logged(practice)
    assert referral.provider != okafor
    assert referral.provider.family_name == "okafor"


def test_an_invalid_npi_is_said_beside_its_field(client, coordinator):
    answer = client.post(NEW, typed(new_family_name="Ferreira", new_npi="1234567890"))
    assert answer.status_code == 422
    assert "check digit" in answer.context["form"].errors["new_npi"][0]


def test_the_office_alone_will_do(client, practice, coordinator):
    with practice_scope(practice):
        office = make.office("Lakeside Family Medicine")
    client.post(NEW, typed(office_text="Lakeside"))
    [referral] = logged(practice)
    assert (referral.provider, referral.office) == (None, office)


def test_nobody_named_is_asked_for(client, practice, coordinator):
    answer = client.post(NEW, typed())
    assert answer.status_code == 422
    assert "Say who sent the patient" in answer.context["form"].errors["provider_text"][0]
    answer = client.post(NEW, typed(provider_text="Zzyzx Qqqq"))
    assert "Nobody in your network" in answer.context["form"].errors["provider_text"][0]


def test_errors_stand_beside_their_fields(client, practice, coordinator, okafor):
    tomorrow = practice.today(timezone.now()) + timedelta(days=1)
    answer = client.post(
        NEW,
        typed(
            provider=okafor.pk,
            provider_text=str(okafor),
            received_on=tomorrow,
            patient_born_on="1666-01-01",
            patient_given_name="",
        ),
    )
    assert answer.context["form"].errors.keys() == {"received_on", "patient_born_on", "patient_given_name"}


@pytest.mark.parametrize(("years", "is_refused"), [(9, False), (11, True), (100, True)])
def test_a_slip_of_the_year_is_said_beside_the_day(client, practice, coordinator, okafor, years, is_refused):
    day = practice.today(timezone.now()) - timedelta(days=365 * years + 5)
    answer = client.post(NEW, typed(provider=okafor.pk, provider_text=str(okafor), received_on=day))
    assert (answer.status_code == 422) is is_refused
    if is_refused:
        assert "Look at the year" in answer.context["form"].errors["received_on"][0]


@pytest.mark.parametrize(
    ("typo", "closed"),
    [
        ({"provider_text": "Zzyzx Qqqq"}, "office"),
        ({"provider_text": "Zzyzx", "new_family_name": "Zzyzx", "new_npi": "1"}, "office"),
        ({"provider_text": "Okafor", "office_text": "Qqqq Clinic"}, "provider"),
        ({"provider_text": "Zzyzx", "office_text": "Qqqq Clinic"}, ""),
    ],
)
def test_without_scripting_only_what_is_asked_about_stands_open(
    client, practice, coordinator, okafor, typo, closed
):
    form = client.post(NEW, typed(**typo)).context["form"]
    hidden = {"office": not form.shows_new_office, "provider": not form.shows_new_provider}
    assert {name for name, is_hidden in hidden.items() if is_hidden} == ({closed} if closed else set())
    first = client.get(NEW).context["form"]
    assert first.shows_new_office
    assert first.shows_new_provider


@pytest.mark.parametrize("name", ["---", "?", "123"])
def test_a_name_without_a_letter_is_none(client, practice, coordinator, okafor, name):
    form = typed(provider=okafor.pk, provider_text=str(okafor), patient_family_name=name)
    answer = client.post(NEW, form)
    assert answer.context["form"].errors["patient_family_name"] == [
        "A name needs a letter. Not known? A chart number alone will do."
    ]
    assert logged(practice) == []


def test_a_missing_patient_is_asked_for_once(client, practice, coordinator, okafor):
    nobody = {"patient_family_name": "", "patient_given_name": ""}
    answer = client.post(NEW, typed(provider=okafor.pk, provider_text=str(okafor), **nobody))
    assert answer.content.decode().count("Who is the patient?") == 1


def test_a_chart_number_alone_names_the_patient(client, practice, coordinator, okafor):
    client.post(
        NEW,
        typed(
            provider_text="Okafor", patient_family_name="", patient_given_name="", patient_chart_number="C-77"
        ),
    )
    assert [row.patient_chart_number for row in logged(practice)] == ["C-77"]


def test_a_source_number_is_taken_once(client, practice, coordinator, okafor):
    client.post(NEW, typed(provider_text="Okafor", source_number="X1"))
    answer = client.post(NEW, typed(provider_text="Okafor", source_number="X1", patient_given_name="Bo"))
    assert "carries this number already" in answer.context["form"].errors["source_number"][0]


def test_a_double_submit_logs_once_and_adds_nobody_twice(client, practice, coordinator):
    key = client.get(NEW).context["form"]["submission_key"].value()
    fields = typed(new_family_name="Ferreira", submission_key=str(key))
    answers = [client.post(NEW, fields) for _ in range(2)]
    assert len(logged(practice)) == 1
    assert answers[0].status_code == 302
    with practice_scope(practice):
        assert Provider.objects.count() == 1


def test_a_likely_duplicate_is_shown_and_logged_all_the_same_when_it_is_another(
    client, practice, coordinator, okafor
):
    fields = typed(provider_text="Okafor", patient_born_on="1950-03-04")
    client.post(NEW, fields)
    answer = client.post(NEW, {**fields, "patient_family_name": "TESTPERSON"})
    [first] = logged(practice)
    assert answer.status_code == 422
    assert reverse("referral", args=[first.pk]) in answer.content.decode()
    client.post(NEW, {**fields, "confirmed": str(first.pk)})
    assert len(logged(practice)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"patient_born_on": "1951-03-04"},
        {"patient_given_name": "Bo", "patient_born_on": ""},
        {"received_on": (today() - timedelta(days=15)).isoformat()},
        {"provider_text": "Lindqvist"},
    ],
)
def test_what_differs_is_no_duplicate(client, practice, coordinator, okafor, change):
    with practice_scope(practice):
        make.provider("Lindqvist")
    fields = typed(provider_text="Okafor", patient_born_on="1950-03-04")
    client.post(NEW, fields)
    client.post(NEW, {**fields, **change})
    assert len(logged(practice)) == 2


def test_a_liaison_logs_without_the_patient_and_sees_no_duplicate_warning(client, practice, okafor):
    coordinator = make.member(Role.COORDINATOR, practice)
    with practice_scope(practice):
        make.referral(coordinator, provider=okafor, patient_family_name="Testperson", now=timezone.now())
    liaison = make.member(Role.LIAISON, practice)
    client.force_login(liaison.user)
    page = client.get(NEW)
    assert not page.context["form"].fields.keys() & set(Referral.PATIENT_FIELDS)
    client.post(NEW, typed(provider_text="Okafor", reason="told in the corridor"))
    referral = logged(practice)[-1]
    assert (referral.logged_by, referral.patient_name, referral.reason) == (liaison, "", "")
    with practice_scope(practice):
        assert list(Referral.objects.awaiting_patient()) == [referral]


def test_a_physician_logs_for_themselves_only(client, practice, okafor):
    physician, colleague = (make.member(Role.PHYSICIAN, practice) for _ in range(2))
    client.force_login(physician.user)
    assert client.get(NEW).context["form"]["physician"].value() == physician.pk
    answer = client.post(NEW, typed(provider_text="Okafor", physician=colleague.pk))
    assert "physician" in answer.context["form"].errors
    client.post(NEW, typed(provider_text="Okafor", physician=physician.pk))
    assert [row.physician for row in logged(practice)] == [physician]


def test_what_was_typed_comes_back_until_it_is_saved_or_discarded(client, practice, coordinator, okafor):
    draft = typed(provider=okafor.pk, provider_text=str(okafor), reason="palpitations", confirmed="9")
    assert client.post(reverse("draft", args=["referral"]), draft).status_code == 204
    page = client.get(NEW)
    assert "We kept what you typed" in page.content.decode()
    assert page.context["form"]["reason"].value() == "palpitations"
    assert "confirmed" not in page.context["form"].initial
    client.post(NEW, draft)
    with practice_scope(practice):
        assert draft_of(coordinator, form="referral") is None


def test_a_draft_that_arrives_after_its_form_was_saved_is_let_go(client, practice, coordinator, okafor):
    key = str(client.get(NEW).context["form"]["submission_key"].value())
    fields = typed(provider_text="Okafor", submission_key=key)
    client.post(NEW, fields)
    client.post(reverse("draft", args=["referral"]), fields)
    assert "We kept what you typed" not in client.get(NEW).content.decode()


def test_a_form_sent_after_the_session_expired_is_there_after_signing_in(
    client, practice, coordinator, okafor
):
    from practices.models import Session

    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    answer = client.post(NEW, typed(provider_text="Okafor", reason="palpitations"))
    assert answer.url.startswith("/sign-in/")
    client.force_login(coordinator.user)
    assert client.get(NEW).context["form"]["reason"].value() == "palpitations"


def test_a_providers_page_may_ask_for_the_form_with_them_filled_in(client, coordinator, okafor):
    form = client.get(NEW, {"provider": okafor.pk}).context["form"]
    assert form["provider_text"].value() == str(okafor)


def test_options_show_office_and_city_and_offer_to_add(client, coordinator, okafor):
    page = client.get(reverse("provider_options"), {"q": "Dr. Okafr"}).content.decode()
    assert "Ngozi Okafor, MD" in page
    assert "Lakeside Family Medicine, Salem, MA" in " ".join(page.split())
    assert "Add “Dr. Okafr” as new" in page


def test_options_hold_active_providers_only(client, practice, coordinator, okafor):
    with practice_scope(practice):
        Provider.objects.update(state=Provider.State.RETIRED)
    assert "data-value" not in client.get(reverse("provider_options"), {"q": "Okafor"}).content.decode()


def test_an_offices_people_are_offered_before_anything_is_typed(client, practice, coordinator, okafor):
    with practice_scope(practice):
        office = Office.objects.get()
        make.provider("Lindqvist")
    page = client.get(reverse("provider_options"), {"q": "", "office": office.pk}).content.decode()
    assert "Okafor" in page
    assert "Lindqvist" not in page


def test_options_cost_as_many_queries_with_twice_the_rows(client, practice, coordinator):
    counts = []
    for _ in range(2):
        with practice_scope(practice):
            for _ in range(4):
                make.provider("Okafor", at=make.office())
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("provider_options"), {"q": "Okafor"}).content.decode()
        counts.append((page.count("data-value"), len(queries)))
    assert counts == [(4, 10), (8, 10)]
