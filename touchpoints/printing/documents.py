"""What can be printed of cards, and with which stationery."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from practices.models import Location, Practice
from touchpoints.models import Stationery
from touchpoints.printing.addresses import return_address
from touchpoints.printing.cards import Card, Problem, problem_with_address, problem_with_writing
from touchpoints.printing.envelopes import SIZES, envelopes
from touchpoints.printing.labels import SHEETS, labels
from touchpoints.printing.writing_sheet import writing_sheet


class Kind(StrEnum):
    """The documents, by the name of their file."""

    WRITING_SHEET = "writing-sheet"
    LABELS = "labels"
    ENVELOPES = "envelopes"


def stationery_of(practice: Practice) -> Stationery:
    """The practice's stationery; until it is saved, with the practice's name and its first location's address."""
    found = Stationery.objects.first()
    if found:
        return found
    made, location = Stationery(return_name=practice.name[:100]), Location.objects.first()
    if location:
        made.return_street, made.return_city = location.street[:100], location.city
        made.return_state, made.return_zip_code = location.state, location.zip_code
    return made


@dataclass(frozen=True)
class Document:
    """One printing: what, and on which sheet or envelope."""

    kind: Kind
    stationery: Stationery
    sheet: str
    start: int
    envelope: str

    @property
    def problem(self) -> Problem:
        """Says of a card why it can't be printed here."""
        if self.kind == Kind.WRITING_SHEET:
            return problem_with_writing
        fit = SHEETS[self.sheet].fit if self.kind == Kind.LABELS else SIZES[self.envelope].fit
        return problem_with_address(fit)

    def pdf(self, cards: Sequence[Card]) -> bytes:
        """The document; the cards have no problem with it."""
        if self.kind == Kind.WRITING_SHEET:
            return writing_sheet(cards, title=_("Thank-you cards to write"))
        addresses = [card.address for card in cards]
        sender = return_address(self.stationery)
        right, down = float(self.stationery.offset_right_mm), float(self.stationery.offset_down_mm)
        if self.kind == Kind.ENVELOPES:
            size = SIZES[self.envelope]
            return envelopes(addresses, size=size, sender=sender, right_mm=right, down_mm=down)
        return labels(
            addresses,
            sheet=SHEETS[self.sheet],
            sender=sender,
            start=self.start,
            right_mm=right,
            down_mm=down,
        )
