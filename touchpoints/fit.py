"""Which providers of the network fit a patient's need, in which order, and why: for the patient's sake alone.

Nothing here knows how many patients a provider sent, their tier or their standing, and nothing may. A level of the
order decides only among those who are equal on every level before it:

1. New patients: they accept them; it is not known; they do not. For a patient in a hurry a word older than
   FRESH counts behind a fresh one.
2. The payer: listed; nothing listed; others listed.
3. The language: listed; nothing listed; others listed.
4. The distance to their nearest office in whole miles, as it is shown; an unknown one last.
5. Name and number, so that the same question always has the same answer.

What the need does not say decides nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.distances import miles_between

FRESH = timedelta(days=90)


@dataclass(frozen=True)
class Need:
    """What the patient needs beside the specialty; an empty part was not said."""

    zip_code: str = ""
    language: str = ""
    payer: str = ""
    is_urgent: bool = False


@dataclass(frozen=True)
class Place:
    """An office where the candidate works."""

    office_id: int
    name: str
    zip_code: str


@dataclass(frozen=True)
class Candidate:
    """A provider of the specialty, with what the ranking may know of them. `places`: the main one first."""

    provider_id: int
    name: str
    sorted_by: str
    specialty: str
    places: tuple[Place, ...] = ()
    languages: tuple[str, ...] = ()
    payers: tuple[str, ...] = ()
    accepts: bool | None = None
    confirmed_on: date | None = None


@dataclass(frozen=True)
class Fit:
    """A candidate in their rank, the office that is nearest, and the reason in words."""

    rank: int
    candidate: Candidate
    place: Place | None
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons)


class Match(IntEnum):
    """Best first."""

    YES = 0
    UNKNOWN = 1
    NO = 2


def ranked(need: Need, candidates: Iterable[Candidate], *, today: date) -> list[Fit]:
    """Everybody, the best fit first."""
    placed = [(candidate, *_nearest(need, candidate)) for candidate in candidates]
    placed.sort(key=lambda one: _key(need, one[0], one[2], today))
    return [
        Fit(rank, candidate, place, _reasons(need, candidate, miles, today))
        for rank, (candidate, place, miles) in enumerate(placed, start=1)
    ]


def _key(need: Need, candidate: Candidate, miles: int | None, today: date) -> tuple[Any, ...]:
    return (
        _accepts(need, candidate, today),
        _match(need.payer, candidate.payers),
        _match(need.language, candidate.languages),
        (miles is None, miles or 0),
        candidate.sorted_by,
        candidate.provider_id,
    )


def _accepts(need: Need, candidate: Candidate, today: date) -> int:
    if candidate.accepts:
        return 1 if need.is_urgent and not _is_fresh(candidate, today) else 0
    return 2 if candidate.accepts is None else 3


def _is_fresh(candidate: Candidate, today: date) -> bool:
    return candidate.confirmed_on is not None and today - candidate.confirmed_on <= FRESH


def _match(wanted: str, listed: tuple[str, ...]) -> Match:
    if not _plain(wanted):
        return Match.YES
    if not listed:
        return Match.UNKNOWN
    return Match.YES if _plain(wanted) in map(_plain, listed) else Match.NO


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _nearest(need: Need, candidate: Candidate) -> tuple[Place | None, int | None]:
    """The office with the shortest way, in whole miles; the main one where no distance is known."""
    miles = [(_whole_miles(need, place), place) for place in candidate.places]
    known = [(distance, place) for distance, place in miles if distance is not None]
    if known:
        distance, place = min(known, key=lambda one: one[0])  # of equals the first: the main one
        return place, distance
    return (candidate.places[0] if candidate.places else None), None


def _whole_miles(need: Need, place: Place) -> int | None:
    miles = miles_between(need.zip_code, place.zip_code)
    return None if miles is None else round(miles)


def _reasons(need: Need, candidate: Candidate, miles: int | None, today: date) -> tuple[str, ...]:
    said = [
        candidate.specialty,
        _accepts_in_words(need, candidate, today),
        _payer_in_words(need, candidate),
        _language_in_words(need, candidate),
        _miles_in_words(need, miles),
    ]
    return tuple(filter(None, said))


def _accepts_in_words(need: Need, candidate: Candidate, today: date) -> str:
    on = date_format(candidate.confirmed_on, "F j, Y") if candidate.confirmed_on else ""
    if candidate.accepts is None:
        return _("not known whether new patients are accepted")
    if not candidate.accepts:
        text = _("does not accept new patients (as of %(day)s)") if on else _("does not accept new patients")
        return text % {"day": on}
    if need.is_urgent and not _is_fresh(candidate, today):
        text = _("accepts new patients (confirmed %(day)s: ask again, it is urgent)")
        return text % {"day": on} if on else _("accepts new patients (never confirmed: ask, it is urgent)")
    text = (
        _("accepts new patients (confirmed %(day)s)") if on else _("accepts new patients (never confirmed)")
    )
    return text % {"day": on}


def _payer_in_words(need: Need, candidate: Candidate) -> str:
    texts = {
        Match.YES: _("takes %(wanted)s"),
        Match.UNKNOWN: _("payers not known"),
        Match.NO: _("%(wanted)s is not among the payers listed"),
    }
    wanted = need.payer.strip()
    return texts[_match(wanted, candidate.payers)] % {"wanted": wanted} if wanted else ""


def _language_in_words(need: Need, candidate: Candidate) -> str:
    texts = {
        Match.YES: _("speaks %(wanted)s"),
        Match.UNKNOWN: _("languages not known"),
        Match.NO: _("%(wanted)s is not among the languages listed"),
    }
    wanted = need.language.strip()
    return texts[_match(wanted, candidate.languages)] % {"wanted": wanted} if wanted else ""


def _miles_in_words(need: Need, miles: int | None) -> str:
    if not need.zip_code:
        return ""
    if miles is None:
        return _("distance not known")
    if miles == 0:
        return _("less than a mile")
    return ngettext("%(n)d mile", "%(n)d miles", miles) % {"n": miles}
