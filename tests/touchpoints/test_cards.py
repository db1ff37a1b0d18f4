"""The card queue: who sees and marks which cards, what is printed of them, and what never is."""

from datetime import date, timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from contacts.models import Provider
from practices.isolation import practice_scope
from practices.models import Location
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.card_queue import SHOWN
from touchpoints.models import Stationery, ThankYou, Touchpoint
from touchpoints.thank_you_lists import make_thank_you_lists

pytestmark = pytest.mark.django_db
WEEK = Week.parse("2026-W46")
PATIENT = ("Quillfeather", "Isolde", "1951-03-07", "CH-77123", "palpitations at night")
QUEUE = "/thank-you/cards/"
LABELS = "/thank-you/cards/labels.pdf"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    """Two cards to write on the physician's list, one on a colleague's; the first is handed to the coordinator."""
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        Location.objects.create(name="Main", street="12 Wharf Rd", city="Salem", state="MA", zip_code="01970")
        desk.alder, desk.birch, desk.cedar = [
            card(desk, name, to)
            for name, to in (
                ("Alder", desk.physician),
                ("Birch", desk.physician),
                ("Cedar", desk.colleague),
            )
        ]
        acts.hand_over(desk.alder, to=desk.coordinator)
    return desk


def card(desk, name, physician, *, line="", **office):
    """A card to write, for two patients."""
    where = {"street": "1 Lake St", "suite": "Ste 4", "zip_code": "01970"}
    at = make.office(f"{name} Clinic", **{**where, **office})
    provider = make.provider(name, at=at)
    for _patient in range(2):
        make.referral(
            desk.manager,
            provider=provider,
            physician=physician,
            received_on=date(2026, 11, 10),
            patient_family_name=PATIENT[0],
            patient_given_name=PATIENT[1],
            patient_born_on=date.fromisoformat(PATIENT[2]),
            patient_chart_number=PATIENT[3],
            reason=PATIENT[4],
        )
    desk.practice.lists_made_through = None
    desk.practice.save()
    make_thank_you_lists(week=WEEK, now=make.NOW)
    row = ThankYou.objects.get(provider=provider)
    return acts.write_card(row, by=desk.manager, now=make.NOW, personal_line=line)


def get(client, member, address=QUEUE):
    client.force_login(member.user)
    return client.get(address)


def post(client, member, act, *rows, **data):
    client.force_login(member.user)
    return client.post(QUEUE, {"act": act, "row": [row.pk for row in rows], "next": QUEUE, **data})


def printed(response):
    """The text of the PDF, page by page."""
    assert response.status_code == 200, response.content.decode()[:3000]
    assert response["Content-Type"] == "application/pdf"
    return [page.extract_text() for page in PdfReader(BytesIO(response.content)).pages]


def rows_of(*rows):
    return "?rows=" + "-".join(str(row.pk) for row in rows)


def states(desk):
    with practice_scope(desk.practice):
        return list(ThankYou.objects.order_by("provider__family_name").values_list("state", flat=True))


class TestQueue:
    @pytest.mark.parametrize(
        ("who", "seen"),
        [
            ("manager", ["Alder", "Birch", "Cedar"]),
            ("physician", ["Alder", "Birch"]),
            ("colleague", ["Cedar"]),
            ("coordinator", ["Alder", "Birch", "Cedar"]),
            ("liaison", ["Alder", "Birch", "Cedar"]),
        ],
    )
    def test_shows_each_role_its_cards(self, client, desk, who, seen):
        page = get(client, getattr(desk, who)).content.decode()
        assert [name for name in ("Alder", "Birch", "Cedar") if f"Amara {name}" in page] == seen

    @pytest.mark.parametrize("who", [*[role.value for role in Role], "colleague"])
    def test_names_no_patient_to_anybody(self, client, desk, who):
        page = get(client, getattr(desk, who)).content.decode()
        assert not any(word in page for word in PATIENT)
        assert "For 2 patients, week of November 9" in page

    def test_goes_on_from_to_write_over_written_to_mailed(self, client, desk):
        post(client, desk.manager, "written", desk.alder, desk.birch)
        assert "Amara Alder" in get(client, desk.manager, QUEUE + "?stage=written").content.decode()
        post(client, desk.manager, "mailed", desk.alder, desk.birch)
        page = get(client, desk.manager, QUEUE + "?stage=mailed").content.decode()
        assert "mailed on November 18" in page
        assert states(desk) == ["mailed", "mailed", "to_write"]

    def test_old_mail_leaves_the_queue(self, client, desk):
        post(client, desk.manager, "mailed", desk.alder)
        with time_machine.travel(make.NOW + timedelta(days=40), tick=False):
            assert "Amara Alder" not in get(client, desk.manager, QUEUE + "?stage=mailed").content.decode()

    def test_shows_one_physicians_alone(self, client, desk):
        page = get(client, desk.manager, f"{QUEUE}?physician={desk.colleague.pk}").content.decode()
        assert "Amara Cedar" in page
        assert "Amara Alder" not in page

    def test_is_linked_from_the_weeks_page_and_from_home(self, client, desk):
        for who in (desk.manager, desk.physician):
            assert f'href="{QUEUE}"' in get(client, who, "/thank-you/").content.decode()
            assert f'href="{QUEUE}"' in get(client, who, "/").content.decode()

    def test_asks_as_many_queries_for_twice_the_cards(self, client, desk):
        get(client, desk.manager)
        with CaptureQueriesContext(
            connection,
        ) as few:
            get(client, desk.manager)
        with practice_scope(desk.practice):
            for name in ("Dogwood", "Elm", "Fir", "Gingko"):
                card(desk, name, desk.physician)
        with CaptureQueriesContext(connection) as many:
            get(client, desk.manager)
        assert len(many) == len(few)

    def test_stays_within_thirteen_queries(self, client, desk, django_assert_max_num_queries):
        client.force_login(desk.manager.user)
        with django_assert_max_num_queries(13):
            client.get(QUEUE)


class TestMarkingMany:
    def test_mailing_a_batch_is_one_touchpoint_each_and_undone_in_one_act(self, client, desk):
        post(client, desk.manager, "written", desk.birch)
        response = post(client, desk.manager, "mailed", desk.alder, desk.birch, desk.cedar)
        assert response.url == QUEUE
        with practice_scope(desk.practice):
            assert Touchpoint.objects.standing().filter(kind="card").count() == 3
        notice = list(get(client, desk.manager).context["messages"])[-1]
        undone = client.post(next(tag for tag in notice.tags.split() if tag.startswith("/")), {"next": QUEUE})
        assert undone.url == QUEUE
        assert states(desk) == ["to_write", "written", "to_write"]
        with practice_scope(desk.practice):
            assert not Touchpoint.objects.standing().exists()
            assert Touchpoint.objects.count() == 3

    def test_a_weeks_list_marks_more_than_the_queue_shows(self, client, desk):
        with practice_scope(desk.practice):
            rows = [card(desk, f"Tree{number}", desk.physician) for number in range(SHOWN + 1)]
        post(client, desk.manager, "written", *rows)
        assert states(desk).count("written") == len(rows)

    @pytest.mark.parametrize("act", ["written", "mailed"])
    def test_pages_of_a_stage_follow_each_other_without_a_gap(self, client, desk, act):
        with practice_scope(desk.practice):
            rows = [card(desk, f"Tree{number}", desk.physician) for number in range(SHOWN + 3)]
            acts.hand_over(rows[-1], to=desk.manager)
        post(client, desk.manager, act, *rows)
        first = get(client, desk.manager, f"{QUEUE}?stage={act}").context["shown"]
        more = get(client, desk.manager, QUEUE + first.page.older_url).context["shown"]
        seen = [line.row.pk for line in [*first.lines, *more.lines]]
        assert sorted(seen) == sorted(row.pk for row in rows)
        assert (len(first.lines), more.page.older_url) == (SHOWN, None)
        assert rows[-1].pk in [line.row.pk for line in first.lines]  # one's own errand

    @pytest.mark.parametrize(
        "key", ["x", "~~~", "~1~2026-11-09~x", f"~7~2026-11-09~{'9' * 30}", "~1~2026-11-09~" + "9" * 30]
    )
    def test_a_malformed_place_starts_over_or_ends(self, client, desk, key):
        assert get(client, desk.manager, f"{QUEUE}?stage=to_write&after={key}").status_code == 200

    def test_nobody_marks_what_is_not_theirs(self, client, desk):
        assert post(client, desk.coordinator, "written", desk.alder, desk.birch).status_code == 403
        assert post(client, desk.physician, "mailed", desk.cedar).status_code == 404
        assert states(desk) == ["to_write"] * 3

    def test_coordinator_marks_what_was_handed_over(self, client, desk):
        post(client, desk.coordinator, "mailed", desk.alder)
        assert states(desk) == ["mailed", "to_write", "to_write"]

    def test_choosing_none_is_said(self, client, desk):
        response = post(client, desk.manager, "mailed")
        assert "Choose the cards first." in client.get(response.url).content.decode()

    def test_leads_nowhere_else(self, client, desk):
        client.force_login(desk.manager.user)
        data = {"act": "mailed", "row": desk.alder.pk, "next": "https://elsewhere.example/"}
        assert client.post(QUEUE, data).url.startswith("/thank-you/")


class TestHandingOver:
    def test_physician_hands_a_batch_to_whoever_mails(self, client, desk):
        post(client, desk.physician, "hand_over", desk.alder, desk.birch, to=desk.liaison.pk)
        assert self.assignees(desk) == [desk.liaison.pk, desk.liaison.pk, None]

    def test_whoever_mails_gives_it_back_to_the_physician_alone(self, client, desk):
        refused = post(client, desk.coordinator, "hand_over", desk.alder, to=desk.liaison.pk)
        assert refused.status_code == 403
        post(client, desk.coordinator, "hand_over", desk.alder, to="")
        assert self.assignees(desk) == [None, None, None]

    def test_naming_the_cards_own_physician_gives_it_back(self, client, desk):
        post(client, desk.manager, "hand_over", desk.alder, to=desk.physician.pk)
        assert self.assignees(desk)[0] is None

    def test_a_card_that_was_not_handed_over_stays(self, client, desk):
        assert post(client, desk.liaison, "hand_over", desk.birch, to="").status_code == 403

    def assignees(self, desk):
        with practice_scope(desk.practice):
            rows = ThankYou.objects.order_by("provider__family_name")
            return list(rows.values_list("assignee", flat=True))


class TestDocuments:
    def test_chosen_cards_have_an_address_of_their_own(self, client, desk):
        response = post(client, desk.manager, "labels", desk.alder, desk.birch, sheet="5163", start="2")
        assert response.url == f"{LABELS}{rows_of(desk.alder, desk.birch)}&sheet=5163&start=2"
        (page,) = printed(client.get(response.url))
        assert "Amara Alder, MD\nAlder Clinic\n1 Lake St Ste 4\nSalem MA  01970" in page.replace("\xa0", " ")

    def test_labels_come_in_the_order_of_the_writing_sheet(self, client, desk):
        for kind in ("labels", "envelopes", "writing-sheet"):
            text = "".join(printed(get(client, desk.manager, f"/thank-you/cards/{kind}.pdf")))
            assert text.index("Cedar") < text.index("Alder") < text.index("Birch"), kind

    def test_writing_sheet_says_all_but_the_patient(self, client, desk):
        with practice_scope(desk.practice):
            Provider.objects.filter(family_name="Alder").update(form_of_address="Dear Amara")
            acts.add_line(desk.alder, text="See you at the harbor run!")
        (page,) = printed(
            get(client, desk.physician, f"/thank-you/cards/writing-sheet.pdf{rows_of(desk.alder)}")
        )
        for words in (
            "Dear Amara",
            "Amara Alder, MD, Alder Clinic, Salem",
            "From Physician One",
            "For the 2 patients you sent us in the week of November 9.",
            "It is the first time you referred to us.",
            "“See you at the harbor run!”",
        ):
            assert words in page

    @pytest.mark.parametrize("kind", ["labels", "envelopes", "writing-sheet"])
    @pytest.mark.parametrize("who", ["manager", "physician", "coordinator", "liaison"])
    def test_no_document_holds_anything_of_a_patient(self, client, desk, kind, who):
        pages = printed(get(client, getattr(desk, who), f"/thank-you/cards/{kind}.pdf"))
        assert "Alder" in "".join(pages)
        assert not any(word.casefold() in "".join(pages).casefold() for word in PATIENT)

    def test_a_weeks_documents_are_that_weeks_and_that_physicians(self, client, desk):
        pages = printed(get(client, desk.manager, "/thank-you/2026-W46/envelopes.pdf"))
        assert len(pages) == 3
        address = f"/thank-you/2026-W46/envelopes.pdf?physician={desk.colleague.pk}"
        (page,) = printed(get(client, desk.manager, address))
        assert "Cedar" in page
        assert get(client, desk.manager, "/thank-you/2026-W45/envelopes.pdf").url == QUEUE

    def test_the_weeks_page_leads_to_its_documents(self, client, desk):
        page = get(client, desk.physician, "/thank-you/2026-W46/").content.decode()
        for kind in ("writing-sheet", "labels", "envelopes"):
            address = f"/thank-you/2026-W46/{kind}.pdf?physician={desk.physician.pk}"
            assert f'href="{address}"' in page
            assert "Birch" in "".join(printed(client.get(address)))

    def test_envelopes_follow_the_stationery(self, client, desk):
        with practice_scope(desk.practice):
            Stationery.objects.create(
                return_name="Harbor Hearts", return_city="Salem", envelope="A2", offset_right_mm=2
            )
        response = get(client, desk.manager, f"/thank-you/cards/envelopes.pdf{rows_of(desk.alder)}")
        (page,) = PdfReader(BytesIO(response.content)).pages
        assert page.mediabox.width == 5.75 * 72
        assert "Harbor Hearts" in page.extract_text()

    def test_until_then_the_first_location_is_the_return_address(self, client, desk):
        (page,) = printed(get(client, desk.manager, f"/thank-you/cards/envelopes.pdf{rows_of(desk.alder)}"))
        assert page.startswith("Harbor Cardiology\n12 Wharf Rd\nSalem MA")

    def test_a_card_that_is_not_ones_own_to_see_is_not_found(self, client, desk):
        assert get(client, desk.physician, LABELS + rows_of(desk.cedar)).status_code == 404
        stranger = make.member(Role.MANAGER, make.practice("Theirs"))
        assert get(client, stranger, LABELS + rows_of(desk.alder)).status_code == 404
        assert get(client, desk.manager, "/thank-you/cards/payroll.pdf").status_code == 404

    @pytest.mark.parametrize("number", ["9" * 30, "-1", "1-x", "٣", "%00"])
    def test_numbers_that_are_none_do_no_harm(self, client, desk, number):
        for address in (f"{LABELS}?rows={number}", f"{QUEUE}?physician={number}&stage={number}"):
            assert get(client, desk.manager, address).status_code in (200, 302, 400, 404), address
        assert client.post(QUEUE, {"act": "mailed", "row": number}).status_code in (302, 404)

    def test_a_start_beyond_the_sheet_is_refused_in_words(self, client, desk):
        response = get(client, desk.manager, f"{LABELS}?start=31")
        assert response.status_code == 422
        assert "This sheet has 30 labels." in response.content.decode()


class TestWhatCannotBePrinted:
    def test_is_named_before_anything_is_printed_and_the_others_are_offered(self, client, desk):
        with practice_scope(desk.practice):
            Provider.objects.filter(family_name="Alder").update(given_name="李")
            card(desk, "Dogwood", desk.physician, street="", zip_code="")
        response = get(client, desk.manager, LABELS)
        page = " ".join(response.content.decode().split())
        assert response.status_code == 422
        assert "2 cards can't be printed" in page
        assert "Our typeface has no 李." in page
        assert "The address is not whole: no street and no ZIP code." in page
        (others,) = printed(client.get(response.context["others_url"]))
        assert [name for name in ("Alder", "Birch", "Cedar", "Dogwood") if name in others] == [
            "Birch",
            "Cedar",
        ]

    @pytest.mark.parametrize("state", [state for state in Provider.State if state != "active"])
    @pytest.mark.parametrize("kind", ["labels", "envelopes", "writing-sheet"])
    def test_nobody_inactive_is_ever_printed(self, client, desk, kind, state):
        with practice_scope(desk.practice):
            Provider.objects.filter(family_name="Birch").update(state=state)
        response = get(client, desk.manager, f"/thank-you/cards/{kind}.pdf")
        assert response.status_code == 422
        assert f"No card is sent: {state.label}." in response.content.decode()
        assert "Birch" not in "".join(printed(client.get(response.context["others_url"])))

    def test_an_emoji_in_the_own_line_is_named(self, client, desk):
        with practice_scope(desk.practice):
            acts.add_line(desk.alder, text="Thank you 😊")
        response = get(client, desk.manager, "/thank-you/cards/writing-sheet.pdf")
        assert "Our typeface has no 😊." in response.content.decode()
        assert get(client, desk.manager, LABELS).status_code == 200

    @pytest.mark.parametrize("line", ["Quillfeather is well", "Mrs. QUILLFEATHER’s heart", "(Quillfeather)"])
    def test_a_line_that_names_a_patient_stops_the_writing_sheet(self, client, desk, line):
        with practice_scope(desk.practice):
            acts.add_line(desk.alder, text=line)
        response = get(client, desk.manager, "/thank-you/cards/writing-sheet.pdf")
        assert response.status_code == 422
        assert " a patient: take the name out" in response.content.decode()
        assert "uillfeather" not in response.content.decode()

    def test_a_provider_who_shares_a_patients_name_may_be_named(self, client, desk):
        with practice_scope(desk.practice):
            row = card(desk, PATIENT[0], desk.physician, line="Dear Dr. Quillfeather, see you soon")
        response = get(client, desk.manager, f"/thank-you/cards/writing-sheet.pdf{rows_of(row)}")
        assert "see you soon" in printed(response)[0]

    def test_an_address_too_long_for_its_label_is_named(self, client, desk):
        with practice_scope(desk.practice):
            card(desk, "Dogwood", desk.physician, street="1 " + "Very Long Avenue " * 9)
        response = get(client, desk.manager, LABELS)
        assert "The address is too long to fit." in response.content.decode()


class TestStationery:
    FIELDS = {
        "return_name": "Harbor",
        "return_state": "ma",
        "labels": "5163",
        "envelope": "10",
        "offset_right_mm": "1.5",
        "offset_down_mm": "-2",
    }

    def post(self, client, member, **fields):
        client.force_login(member.user)
        return client.post("/settings/stationery/", {**self.FIELDS, **fields})

    def test_is_one_per_practice_however_often_it_is_saved(self, client, desk):
        self.post(client, desk.manager)
        self.post(client, desk.manager, offset_down_mm="3.5")
        with practice_scope(desk.practice):
            kept = Stationery.objects.get()
        assert (kept.return_state, kept.labels, float(kept.offset_down_mm)) == ("MA", "5163", 3.5)

    def test_refuses_what_it_could_not_print(self, client, desk):
        response = self.post(client, desk.manager, return_name="港 Harbor")
        assert response.status_code == 422
        assert "Our typeface has no 港." in response.content.decode()

    def test_refuses_what_is_no_zip_code_beside_its_field(self, client, desk):
        response = self.post(client, desk.manager, return_zip_code="abc")
        assert response.status_code == 422
        assert list(response.context["form"].errors) == ["return_zip_code"]
        assert self.post(client, desk.manager, return_zip_code="60302").status_code == 302

    def test_offers_a_test_sheet_of_either_kind(self, client, desk):
        for sheet in ("5160", "5163"):
            (page,) = printed(get(client, desk.manager, f"/settings/stationery/test-sheet.pdf?sheet={sheet}"))
            assert "Print this at 100 %" in page
