"""A thank-you card as it is printed: to whom, where, for what. It knows how many patients, and never which."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider
from practices.models import Practice
from touchpoints.models import ThankYou
from touchpoints.own_line import line_problem
from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.blocks import Block
from touchpoints.printing.fonts import printable, unprintable
from touchpoints.suggestions import RowFacts, add_referrals, facts_of

Problem = Callable[["Card"], str]


@dataclass(frozen=True)
class Card:
    """One card."""

    row_id: int
    provider: Provider
    physician: str
    address: PostalAddress
    office: str
    office_id: int | None
    week_starts_on: date
    count: int
    carried_count: int
    is_first_ever: bool
    personal_line: str
    line_problem: str

    @classmethod
    def of(cls, facts: RowFacts) -> "Card":
        row, office = facts.row, facts.office
        parts = {part: office.get(part) for part in ("street", "suite", "city", "state", "zip_code")}
        return cls(
            row_id=row.pk,
            provider=row.provider,
            physician=printable(str(row.list.physician)),
            address=PostalAddress.of(str(row.provider), office.get("name", ""), **parts),
            office=printable(", ".join(filter(None, [office.get("name"), office.get("city")]))),
            office_id=int(office["id"]) if office else None,
            week_starts_on=row.list.week_starts_on,
            count=facts.count,
            carried_count=facts.carried_count,
            is_first_ever=facts.is_first_ever,
            personal_line=printable(row.personal_line),
            line_problem=line_problem(row, facts.patients),
        )

    @property
    def greeting(self) -> str:
        """How the card begins."""
        return printable(self.provider.address_form)

    @property
    def thanks_for(self) -> str:
        """ "For the 2 patients you sent us in the week of November 16."""
        week = {"n": self.count, "day": date_format(self.week_starts_on, "F j")}
        text = ngettext(
            "For the patient you sent us in the week of %(day)s.",
            "For the %(n)d patients you sent us in the week of %(day)s.",
            self.count,
        )
        said = [text % week]
        if self.carried_count:
            before = ngettext(
                "And for the one of the weeks before.",
                "And for the %(n)d of the weeks before.",
                self.carried_count,
            )
            said.append(before % {"n": self.carried_count})
        if self.is_first_ever:
            said.append(_("It is the first time you referred to us."))
        return " ".join(said)

    @property
    def missing(self) -> str:
        """What its postal address lacks, in words; empty when it can be mailed."""
        if self.office_id is None:
            return _("no office with an address")
        parts = self.address.missing
        return _("no %(parts)s") % {"parts": _(" and no ").join(parts)} if parts else ""


def cards_of(rows: QuerySet[ThankYou], *, practice: Practice, today: date) -> list[Card]:
    """The cards of these rows: by physician, then by provider's name; the oldest week of each first."""
    found = facts_of(rows, practice=practice, today=today)
    add_referrals([facts for facts in found if facts.row.personal_line])
    return sorted([Card.of(facts) for facts in found], key=_order)


def problem_with_writing(card: Card) -> str:
    """Why the card can't stand on a writing sheet; empty when it can."""
    text = " ".join([card.greeting, str(card.provider), card.office, card.physician, card.personal_line])
    return _not_to_be_thanked(card) or card.line_problem or _not_covered(text)


def problem_with_address(fit: Callable[[PostalAddress], Block | None]) -> Problem:
    """Why the card's address can't be printed where `fit` puts it; empty when it can."""

    def problem(card: Card) -> str:
        if found := _not_to_be_thanked(card):
            return found
        if card.missing:
            return _("The address is not whole: %(missing)s.") % {"missing": card.missing}
        if found := _not_covered(card.address.text):
            return found
        return "" if fit(card.address) else _("The address is too long to fit.")

    return problem


def with_problems(cards: Iterable[Card], problem: Problem) -> list[tuple[Card, str]]:
    """The cards that can't be printed, each with the reason."""
    return [(card, why) for card in cards if (why := problem(card))]


def _order(card: Card) -> tuple[str, str, str, date, int]:
    provider = card.provider
    return (
        card.physician.casefold(),
        provider.family_name.casefold(),
        provider.given_name.casefold(),
        card.week_starts_on,
        card.row_id,
    )


def _not_to_be_thanked(card: Card) -> str:
    """Thanking the dead is worse than silence."""
    if card.provider.is_active:
        return ""
    state = card.provider.get_state_display()
    return _("No card is sent: %(state)s.") % {"state": state}


def _not_covered(text: str) -> str:
    letters = unprintable(text)
    return _("Our typeface has no %(letters)s.") % {"letters": " ".join(letters)} if letters else ""
