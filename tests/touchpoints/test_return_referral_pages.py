"""What is shown of return referrals, to whom, and at what cost: the list, one of them, and the pages of others."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.merging import undo_merge
from contacts.models import Merge, Provider
from practices.isolation import practice_scope
from practices.pages import PAGE_ROWS
from tests import make
from tests.touchpoints.returning import accesses, chosen, text, url
from touchpoints import return_referral_way as way

pytestmark = pytest.mark.django_db
NEW = "/return-referrals/new/"
LIST = "/return-referrals/"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk(sending):
    return sending


class TestList:
    def test_shows_initials_and_names_only_when_asked_which_is_written_down(self, client, desk):
        client.force_login(desk.manager.user)
        page = text(client.get(LIST))
        assert "I.T." in page and "Testperson" not in page
        assert accesses(desk) == []
        assert "Ida Testperson" in text(client.get(LIST, {"names": "shown"}))
        assert accesses(desk) == [("revealed", "return_referrals", [desk.row.pk])]

    def test_a_physician_sees_their_own(self, client, desk):
        client.force_login(desk.colleague.user)
        assert "None here" in text(client.get(LIST))
        client.force_login(desk.physician.user)
        assert "I.T." in text(client.get(LIST))

    def test_filters_by_state_and_provider(self, client, desk):
        with practice_scope(desk.practice):
            way.cancel(chosen(desk), by=desk.physician, now=make.NOW, reason="x")
            make.return_referral(desk.physician, patient_given_name="Una", patient_family_name="Other")
        client.force_login(desk.manager.user)
        assert [row.who for row in client.get(LIST).context["rows"]] == ["U.O."]
        assert [row.who for row in client.get(LIST, {"state": "cancelled"}).context["rows"]] == ["I.T."]
        assert client.get(LIST, {"provider": desk.provider.pk}).context["rows"] == []

    def test_pages_by_key(self, client, desk):
        with practice_scope(desk.practice):
            for number in range(PAGE_ROWS + 10):
                make.return_referral(desk.physician, now=make.NOW - timedelta(minutes=number))
        client.force_login(desk.manager.user)
        first = client.get(LIST)
        second = client.get(LIST + first.context["page"].older_url)
        ids = [row.row.pk for page in (first, second) for row in page.context["rows"]]
        assert len(ids) == len(set(ids)) == PAGE_ROWS + 11

    def test_costs_as_many_queries_with_twice_the_rows(self, client, desk):
        client.force_login(desk.manager.user)
        assert queries(client, LIST) <= 12
        few = queries(client, LIST)
        with practice_scope(desk.practice):
            for _ in range(4):
                make.return_referral(desk.physician, provider=make.provider())
        assert queries(client, LIST) == few


def queries(client, address):
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


class TestOnePage:
    def test_costs_as_many_queries_with_twice_the_network(self, client, desk):
        client.force_login(desk.manager.user)
        few = queries(client, url(desk))
        assert few <= 12
        with practice_scope(desk.practice):
            for _ in range(10):
                make.provider(at=make.office(zip_code="60304"), specialty=desk.cardiology)
        assert queries(client, url(desk)) == few

    def test_each_look_is_written_down(self, client, desk):
        client.force_login(desk.physician.user)
        client.get(url(desk))
        client.get(url(desk, "_choice"))
        client.get(url(desk, "_need"))
        pages = ["return_referral", "return_referral_choice", "return_referral_need"]
        assert accesses(desk) == [("viewed", page, [desk.row.pk]) for page in pages]
        client.force_login(desk.manager.user)
        assert f">RR-{desk.row.pk}</a>" in text(client.get(reverse("patient_accesses")))

    def test_says_when_the_map_does_not_know_the_zip_code(self, client, desk):
        with practice_scope(desk.practice):
            way.change_need(desk.row, now=make.NOW, zip_code="00000")
        client.force_login(desk.physician.user)
        page = text(client.get(url(desk)))
        assert "There is no ZIP code 00000 on our map" in page and "distance not known" in page

    def test_says_so_when_nobody_fits(self, client, desk):
        with practice_scope(desk.practice):
            way.change_need(desk.row, now=make.NOW, specialty=make.specialty("Urology"))
        client.force_login(desk.physician.user)
        assert "No active provider of your network is listed under Urology" in text(client.get(url(desk)))

    def test_its_wording_never_counts_or_settles(self, client, desk):
        chosen(desk)
        client.force_login(desk.manager.user)
        pages = [url(desk), url(desk, "_choice"), LIST, NEW, reverse("provider", args=[desk.provider.pk])]
        for address in pages:
            page = text(client.get(address)).casefold()
            for word in ("owe", "owed", "favour", "favor ", "in return for", "quota", "balance"):
                assert f" {word}" not in page, (address, word)


class TestOnThePagesOfOthers:
    @pytest.fixture
    def sent(self, desk):
        with practice_scope(desk.practice):
            make.referral(desk.coordinator, provider=desk.provider, physician=desk.physician)
            return way.send(chosen(desk), by=desk.physician, now=make.NOW)

    def test_the_provider_s_page_tells_the_flow_both_ways(self, client, desk, sent):
        page = reverse("provider", args=[desk.provider.pk])
        client.force_login(desk.manager.user)
        shown = client.get(page)
        flow = shown.context["shown"].flow
        assert (flow.from_them, flow.to_them) == (1, 1)
        assert "/return-referrals/?provider=" in text(shown)

    def test_a_liaison_learns_counts_alone(self, client, desk, sent):
        client.force_login(desk.liaison.user)
        page = client.get(reverse("provider", args=[desk.provider.pk]))
        assert page.context["shown"].flow.to_them == 1
        assert "/return-referrals/" not in text(page)
        touchpoint = text(client.get(reverse("touchpoint", args=[sent.touchpoint_id])))
        assert "Physician One" not in touchpoint and sent.reference not in touchpoint

    def test_its_touchpoint_leads_to_it_and_offers_no_change(self, client, desk, sent):
        address = reverse("touchpoint", args=[sent.touchpoint_id])
        client.force_login(desk.physician.user)
        page = text(client.get(address))
        assert url(desk) in page and "Withdraw" not in page and "Correct" not in page
        refused = client.post(address + "edit/", {"happened_on": "2026-11-18", "reason": "x", "note": "Ida"})
        assert refused.status_code == 422
        client.force_login(desk.colleague.user)
        assert url(desk) not in text(client.get(address))

    def test_nothing_of_the_patient_stands_on_the_story(self, client, desk, sent):
        client.force_login(desk.manager.user)
        for query in ({}, {"names": "shown", "kind": "return-referrals"}):
            page = text(client.get(reverse("provider", args=[desk.provider.pk]), query))
            assert "Testperson" not in page and "Palpitations" not in page


class TestProviderForm:
    def test_languages_and_payers_are_words_between_commas(self, client, desk):
        client.force_login(desk.coordinator.user)
        address = reverse("provider_edit", args=[desk.provider.pk])
        said = {
            "family_name": "Okafor",
            "tier": "C",
            "state": "active",
            "is_accepting_patients": "unknown",
            "languages": " Spanish, Polish,,  spanish , Haitian  Creole",
            "payers": "",
        }
        assert client.post(address, said).status_code == 302
        with practice_scope(desk.practice):
            provider = Provider.objects.get(pk=desk.provider.pk)
        assert provider.languages == ["Spanish", "Polish", "Haitian Creole"]
        assert provider.payers == []
        page = text(client.get(address))
        assert 'value="Spanish, Polish, Haitian Creole"' in page

    def test_suggests_what_the_network_says_already(self, client, desk):
        client.force_login(desk.coordinator.user)
        assert "In your network: Aetna" in text(client.get(reverse("provider_new")))
        assert '<option value="Spanish"></option>' in text(client.get(NEW))

    def test_merging_fills_what_is_not_known_and_gives_it_back(self, client, desk):
        with practice_scope(desk.practice):
            twin = make.provider("Okafor", payers=["Cigna"])
        client.force_login(desk.manager.user)
        address = reverse("provider_merge", args=[twin.pk, desk.provider.pk])
        page = text(client.get(address))
        assert "Spanish" in page and "Cigna" in page and "[&#x27;" not in page
        client.post(address, {"payers": "keep"})
        with practice_scope(desk.practice):
            kept = Provider.objects.get(pk=twin.pk)
            assert (kept.languages, kept.payers) == (["Spanish"], ["Cigna"])
            undo_merge(Merge.objects.get(), by=desk.manager, now=make.NOW)
            kept.refresh_from_db()
            assert (kept.languages, kept.payers) == ([], ["Cigna"])

    def test_a_colleague_s_languages_are_not_lost(self, client, desk):
        client.force_login(desk.coordinator.user)
        address = reverse("provider_edit", args=[desk.provider.pk])
        version = client.get(address).context["form"].version
        with practice_scope(desk.practice):
            Provider.objects.filter(pk=desk.provider.pk).update(languages=["Polish"])
        said = {
            "family_name": "Okafor",
            "tier": "C",
            "state": "active",
            "payers": "Aetna",
            "version": version,
        }
        page = client.post(address, {**said, "languages": "Spanish"})
        with practice_scope(desk.practice):
            assert Provider.objects.get(pk=desk.provider.pk).languages == ["Polish"]
        page = client.post(address, {**said, "languages": "Greek"})
        assert page.status_code == 422 and "this to “Polish”" in text(page)
