"""The letter for the patient's hand: what it says, to whom it is shown, and that nothing is cut off."""

from io import BytesIO

import pytest
import time_machine
from pypdf import PdfReader

from practices.isolation import practice_scope
from tests import make
from tests.touchpoints.returning import accesses, chosen, text, url
from touchpoints import return_referral_way as way

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk(sending):
    return sending


class TestLetter:
    def words(self, response):
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages)

    def test_says_who_why_and_to_whom_and_is_written_down(self, client, desk):
        chosen(desk)
        client.force_login(desk.physician.user)
        response = client.get(url(desk, "_letter"))
        words = self.words(response)
        for said in (
            "Ida Testperson",
            "Dear Dr. Okafor,",
            "12 Lake St",
            "Oak Park IL",
            "normal echo in May",
            "Spanish",
        ):
            assert said in words
        assert accesses(desk) == [("printed", "return_referral_letter", [desk.row.pk])]
        assert response["Cache-Control"] == "no-store"
        assert "Testperson" not in response["Content-Disposition"]

    def test_takes_as_many_pages_as_it_needs_and_cuts_nothing_off(self, client, desk):
        chosen(
            desk,
            clinical_reason="\n".join(f"line {number} of the story" for number in range(150)) + "x" * 900,
        )
        client.force_login(desk.physician.user)
        response = client.get(url(desk, "_letter"))
        pdf = PdfReader(BytesIO(response.content))
        assert len(pdf.pages) > 2
        words = self.words(response)
        assert all(f"line {number} of the story" in words for number in range(149))
        assert words.replace("\n", "").count("x") >= 900
        for page in pdf.pages:
            for left, top, width in lines_of(page):
                assert left >= 72 - 1 and left + width <= 612 - 72 + 1
                assert 72 - 1 <= top <= 792 - 72 + 1

    def test_names_what_it_cannot_print(self, client, desk):
        chosen(desk, clinical_reason="Speaks 日本 only")
        client.force_login(desk.physician.user)
        page = client.get(url(desk, "_letter"), follow=True)
        assert "our typeface lacks: 日 本" in text(page)
        assert ("printed", "return_referral_letter", [desk.row.pk]) not in accesses(desk)

    def test_there_is_none_before_the_choice_and_after_cancelling(self, client, desk):
        client.force_login(desk.physician.user)
        assert client.get(url(desk, "_letter")).url == url(desk)
        with practice_scope(desk.practice):
            way.cancel(chosen(desk), by=desk.physician, now=make.NOW, reason="x")
        assert client.get(url(desk, "_letter")).url == url(desk)


def lines_of(page):
    """Where each line begins and how wide it is, in points."""
    from touchpoints.printing.fonts import width_of

    found = []

    def visit(text, _matrix, matrix, _font, size):
        if text.strip():
            found.append((matrix[4], matrix[5], width_of(text.strip("\n"), size)))

    page.extract_text(visitor_text=visit)
    return found
