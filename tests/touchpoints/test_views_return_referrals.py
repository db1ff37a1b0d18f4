"""The forms of return referrals: the need, the choice, who takes new patients, and the steps."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from contacts.models import Provider
from practices.drafts import draft_of, keep_draft
from practices.isolation import practice_scope
from practices.models import PatientAccess, Session
from practices.roles import Role
from tests import make
from tests.touchpoints.returning import REASON, chosen, text, url
from touchpoints import return_referral_way as way
from touchpoints.models import ReturnReferral, Touchpoint

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
NEW = "/return-referrals/new/"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk(sending):
    return sending


def need(desk, **changes):
    return {
        "patient_family_name": "Newperson",
        "patient_given_name": "Nia",
        "physician": desk.physician.pk,
        "specialty": desk.cardiology.pk,
        "urgency": "routine",
        **changes,
    }


def stored(desk):
    with practice_scope(desk.practice):
        return ReturnReferral.objects.select_related("provider", "office").get(pk=desk.row.pk)


class TestNeed:
    def test_leads_to_who_fits_with_the_reason(self, client, desk):
        client.force_login(desk.coordinator.user)
        said = need(desk, zip_code="60302-1111", language=" spanish ", payer="Aetna")
        page = client.post(NEW, said, follow=True)
        assert "Okafor, MD" in text(page)
        assert (
            "Cardiology; not known whether new patients are accepted; takes Aetna; speaks spanish; less than a mile"
            in text(page)
        )

    def test_twice_sent_is_one(self, client, desk):
        client.force_login(desk.coordinator.user)
        first, second = client.post(NEW, need(desk)), client.post(NEW, need(desk))
        assert first.url == second.url
        with practice_scope(desk.practice):
            assert ReturnReferral.objects.count() == 2

    def test_a_physician_s_patient_is_their_own(self, client, desk):
        client.force_login(desk.colleague.user)
        page = client.post(NEW, need(desk, physician=desk.physician.pk), follow=True)
        with practice_scope(desk.practice):
            assert page.context["row"].physician == desk.colleague

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"patient_family_name": ""}, "required"),
            ({"specialty": ""}, "required"),
            ({"zip_code": "6030"}, "five digits"),
            ({"zip_code": "٦٠٣٠٢"}, "five digits"),
            ({"patient_born_on": "2030-01-01"}, "nobody alive"),
        ],
    )
    def test_says_what_is_missing(self, client, desk, changes, says):
        client.force_login(desk.coordinator.user)
        page = client.post(NEW, need(desk, **changes))
        assert page.status_code == 422
        assert says in text(page)

    def test_choices_are_of_this_practice_alone(self, client, desk):
        stranger = make.practice("Theirs")
        physician = make.member(Role.PHYSICIAN, stranger)
        with practice_scope(stranger):
            specialty = make.specialty("Neurology")
        client.force_login(desk.coordinator.user)
        page = client.post(NEW, need(desk, physician=physician.pk, specialty=specialty.pk))
        assert {"physician", "specialty"} == page.context["form"].errors.keys()

    def test_starts_with_the_patient_of_a_referral_which_is_written_down(self, client, desk):
        with practice_scope(desk.practice):
            referral = make.referral(
                desk.coordinator, physician=desk.physician, patient_family_name="Referred", payer="Aetna"
            )
        client.force_login(desk.physician.user)
        assert "Referred" in text(client.get(NEW, {"referral": referral.pk}))
        with practice_scope(desk.practice):
            assert PatientAccess.objects.get().referral_ids == [referral.pk]
        client.force_login(desk.colleague.user)
        assert client.get(NEW, {"referral": referral.pk}).status_code == 404

    def test_what_was_typed_before_the_session_ended_is_kept(self, client, desk):
        client.force_login(desk.coordinator.user)
        Session.objects.update(expire_date=make.NOW - timedelta(hours=1))
        assert "/sign-in/" in client.post(NEW, need(desk, patient_family_name="Keptperson")).url
        client.force_login(desk.coordinator.user)
        page = text(client.get(NEW))
        assert "We kept what you typed" in page and "Keptperson" in page
        client.post(NEW, need(desk))
        assert "We kept what you typed" not in text(client.get(NEW))

    def test_is_corrected_with_a_colleague_s_change_kept(self, client, desk):
        client.force_login(desk.coordinator.user)
        page = client.get(url(desk, "_need"))
        version = page.context["form"].version
        with practice_scope(desk.practice):
            way.change_need(desk.row, now=make.NOW, payer="Cigna")
        said = need(desk, patient_family_name="Testperson", zip_code="60304", language="Spanish")
        said["version"] = version
        assert client.post(url(desk, "_need"), said).status_code == 302
        assert (stored(desk).payer, stored(desk).zip_code) == ("Cigna", "60304")


class TestChoice:
    def said(self, **changes):
        return {"clinical_reason": REASON, "is_patients_choice": "on", "known": "", **changes}

    def test_is_recorded_with_reason_office_and_who_was_offered(self, client, desk):
        client.force_login(desk.physician.user)
        answer = client.post(url(desk, "_choice", provider=desk.provider.pk), self.said())
        assert answer.url == url(desk)
        row = stored(desk)
        assert (row.provider, row.office, row.is_patients_choice) == (desk.provider, desk.office, True)
        assert (row.clinical_reason.splitlines(), row.offered) == (REASON.splitlines(), [desk.provider.pk])

    @pytest.mark.parametrize(
        ("name", "says"),
        [("is_patients_choice", "once the patient has chosen"), ("clinical_reason", "required")],
    )
    def test_needs_the_patient_s_choice_and_the_reason(self, client, desk, name, says):
        client.force_login(desk.physician.user)
        page = client.post(url(desk, "_choice", provider=desk.provider.pk), self.said(**{name: ""}))
        assert page.status_code == 422
        assert says in text(page)
        assert stored(desk).provider is None

    def test_may_fall_on_anybody_active_in_the_network(self, client, desk):
        with practice_scope(desk.practice):
            other = make.provider("Brandt", specialty=make.specialty("Neurology"))
        client.force_login(desk.physician.user)
        client.post(url(desk, "_choice"), self.said(provider_text="brandt"))
        assert stored(desk).provider == other

    def test_never_falls_on_a_stranger_s_provider_or_one_who_is_gone(self, client, desk):
        stranger = make.practice("Theirs")
        with practice_scope(stranger):
            theirs = make.provider()
        with practice_scope(desk.practice):
            gone = make.provider(state=Provider.State.RETIRED)
        client.force_login(desk.physician.user)
        for provider in (theirs, gone):
            address = url(desk, "_choice", provider=provider.pk)
            assert client.post(address, self.said()).status_code == 404
            hidden = self.said(provider=provider.pk, provider_choice=provider.pk)
            assert client.post(url(desk, "_choice"), hidden).status_code == 422
        assert stored(desk).provider is None

    def test_draft_comes_back_for_this_patient_alone(self, client, desk):
        with practice_scope(desk.practice):
            other = make.return_referral(desk.physician)
            said = client.request().wsgi_request.POST.copy()
            said.update({"clinical_reason": "Half a sentence", "about": str(desk.row.pk)})
            keep_draft(desk.physician, form="return_referral_choice", data=said)
        client.force_login(desk.physician.user)
        assert "Half a sentence" in text(client.get(url(desk, "_choice", provider=desk.provider.pk)))
        page = client.get(reverse("return_referral_choice", args=[other.pk]))
        assert "Half a sentence" not in text(page)
        client.post(url(desk, "_choice", provider=desk.provider.pk), self.said())
        with practice_scope(desk.practice):
            assert draft_of(desk.physician, form="return_referral_choice") is None

    def test_is_shown_no_more_once_the_patient_is_sent(self, client, desk):
        with practice_scope(desk.practice):
            way.send(chosen(desk), by=desk.physician, now=make.NOW)
        client.force_login(desk.physician.user)
        assert client.get(url(desk, "_choice")).url == url(desk)
        assert client.get(url(desk, "_need")).url == url(desk)
        page = client.post(url(desk, "_choice", provider=desk.provider.pk), self.said())
        assert "sent meanwhile" in text(page)

    def test_is_asked_for_again_when_the_need_changes_and_no_letter_until_then(self, client, desk):
        chosen(desk)
        client.force_login(desk.coordinator.user)
        said = need(desk, zip_code="60304", language="Spanish")
        page = client.post(url(desk, "_need"), said, follow=True)
        assert "ask the patient again whom they choose" in text(page)
        assert "Who fits" in text(page) and "Letter for the patient" not in text(page)
        assert client.get(url(desk, "_letter")).url == url(desk)
        assert REASON.split(".")[0] in text(client.get(url(desk, "_choice", provider=desk.provider.pk)))


class TestAccepting:
    @pytest.mark.parametrize(
        ("answer", "says"),
        [("yes", "accepts new patients (confirmed"), ("no", "does not accept new patients (as of")],
    )
    def test_is_confirmed_in_place_with_today_s_date(self, client, desk, answer, says):
        client.force_login(desk.coordinator.user)
        page = client.post(url(desk, "_accepting"), {answer: desk.provider.pk}, follow=True)
        assert f"{says} November 18, 2026)" in text(page)
        with practice_scope(desk.practice):
            provider = Provider.objects.get(pk=desk.provider.pk)
        assert (provider.is_accepting_patients, provider.accepting_confirmed_on) == (answer == "yes", TODAY)

    def test_changes_no_stranger_s_provider(self, client, desk):
        with practice_scope(make.practice("Theirs")):
            theirs = make.provider()
        client.force_login(desk.coordinator.user)
        assert client.post(url(desk, "_accepting"), {"yes": theirs.pk}).status_code == 404


class TestSteps:
    def step(self, client, desk, act, **said):
        return client.post(url(desk, "_step"), {"act": act, **said}, follow=True)

    def test_from_sent_to_the_report(self, client, desk):
        chosen(desk)
        client.force_login(desk.coordinator.user)
        self.step(client, desk, "send")
        self.step(client, desk, "send")
        self.step(client, desk, "seen", on="2026-11-18")
        assert "report received" in text(self.step(client, desk, "report", on="2026-11-18"))
        assert stored(desk).state == "report_received"
        with practice_scope(desk.practice):
            assert Touchpoint.objects.standing().count() == 1

    @pytest.mark.parametrize(
        ("act", "said", "says"),
        [
            ("seen", {}, "Say on which day"),
            ("seen", {"on": "2026-11-30"}, "in the future"),
            ("report", {"on": "2026-11-01"}, "before the patient was sent"),
            ("cancel", {}, "Say why"),
        ],
    )
    def test_a_refusal_stands_beside_its_act(self, client, desk, act, said, says):
        with practice_scope(desk.practice):
            way.send(chosen(desk), by=desk.physician, now=make.NOW)
        client.force_login(desk.physician.user)
        page = self.step(client, desk, act, **said)
        assert page.status_code == 422
        assert says in text(page)
        assert stored(desk).state == "sent"

    @pytest.mark.parametrize(
        ("act", "said", "says"),
        [
            ("send", {}, "It was cancelled meanwhile"),
            ("seen", {"on": "2026-11-18"}, "It was cancelled meanwhile"),
            ("seen", {"on": ""}, "That is not possible any more"),
        ],
    )
    def test_a_page_of_before_says_why_not_though_the_act_is_gone(self, client, desk, act, said, says):
        with practice_scope(desk.practice):
            way.cancel(chosen(desk), by=desk.physician, now=make.NOW, reason="Moved away")
        client.force_login(desk.coordinator.user)
        page = self.step(client, desk, act, **said)
        assert page.status_code == 422
        assert f'<div class="notice is-error"> <span>{says}' in text(page)

    def test_cancelled_says_why_and_can_be_taken_up_again(self, client, desk):
        client.force_login(desk.physician.user)
        page = self.step(client, desk, "cancel", reason="Has found somebody")
        assert "Cancelled by Physician One on November 18, 2026: Has found somebody" in text(page)
        self.step(client, desk, "take_back", known="cancelled")
        assert stored(desk).state == "suggested"
