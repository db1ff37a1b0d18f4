"""Whether the line of one's own on a card names a patient: what is sure is refused, what may be is asked about.

A family name is often an ordinary word too, and a given name may be a colleague's. So a full name and a name after
"Mr." or "Ms." are sure. A name alone is a doubt; one that is also an ordinary word ("Best", "Young") counts only
with a capital within a sentence, and never in a closing ("Best wishes").
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from contacts.models import Referral
from touchpoints.models import ThankYou

WORD = re.compile(r"[^\W\d_]+")
CLOSING = re.compile(
    r"\b(?:all (?:the|my|our) best"
    r"|(?:best|good|kind|kindest|warm|warmest|many|sincere|cordial|holiday|season['’]s)"
    r" (?:wishes|regards|thanks|greetings|luck))\b",
    re.IGNORECASE,
)
TITLES = frozenset(["mr", "mrs", "ms", "mx"])
SHORT = 3  # "An", "Do", "Le": names of three letters or less are as likely words
WORDS = """
all also amity angel april august autumn back baker bank beach bell best bird bishop black blessing bliss
bloom blue bond book brain bridge bright bring brook brown call calm card care case charity chase cherish
church clay clear close cole cook cool coming cross cruise dawn dean dear deal does drew early east eden
ever faith fall fair family farmer field fine fish flower flowers foot forest fortune frank free friend
friends from gale game gift give glad glory good goodman grace grand grant grateful gray great green grey
guard guy hall hand hands happy harmony have head health heart held help here hero high hill holiday
holly home honor hope hour house hunt iris joy judge july june just justice keen keep kind king knight
lake lane last law lead light lily little loss long look lord love loving lovely luck major many march
mark marsh mason mayor mercy merit merry miles mill mills miller money moody moon moore more morning much
near never nice noble noel north novel over page park patience peace penny pleasant pleasure porter post
power price pride prince promise proud quick rain reason rest rich rivers road rose royal rush sage sharp
share short silver sincere singer small smart snow song soon south spring star start steel stone story
street strong summer summers sunny sure swift tell thank thanks that this there they time true trust
truly unity valley victory violet walk walker wall warm warmly water waters weaver week weeks well wells
west what when white will wills wing winter wise wish wishes with wonder wood woods word work worth year
young your yours
"""
ORDINARY = frozenset(WORDS.split())


@dataclass(frozen=True)
class Named:
    """The names found on a line: `sure` is a patient's, `maybe` may be."""

    sure: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Word:
    text: str
    begins_sentence: bool

    @property
    def key(self) -> str:
        return self.text.casefold()

    @property
    def is_small(self) -> bool:
        return self.text[0].islower()

    @property
    def is_ordinary(self) -> bool:
        return self.key in ORDINARY or len(self.key) <= SHORT

    def stands_for(self, names: set[str]) -> bool:
        is_name = not self.is_ordinary or not (self.is_small or self.begins_sentence)
        return is_name and self.key in names


def names_on(text: str, *, row: ThankYou, patients: Iterable[Referral]) -> Named:
    """Which names of these patients stand on the line; the provider's and the physician's own do not count."""
    words = list(_words(CLOSING.sub(" ", _bare(text))))
    provider = row.provider
    ours = f"{provider.given_name} {provider.family_name} {row.list.physician.name}"
    known = {word.key for word in _words(_bare(ours))}
    sure: set[str] = set()
    maybe: set[str] = set()
    for patient in patients:
        given, family = _keys(patient.patient_given_name), _keys(patient.patient_family_name)
        sure |= _full_names(words, given, family, known) | _titled(words, (given | family) - known)
        names = {name for name in (given | family) - known if len(name) > 1}
        maybe |= {word.key for word in words if word.stands_for(names)}
    return Named(frozenset(sure), frozenset(maybe - sure))


def line_problem(row: ThankYou, patients: Iterable[Referral]) -> str:
    """Why the line as it was saved is not for everybody's eyes; empty when it is."""
    found = names_on(row.personal_line, row=row, patients=patients)
    if found.sure:
        return _("The line of its own names a patient: take the name out.")
    if found.maybe - _keys(row.line_means_others or ""):
        return _(
            "The line of its own may name a patient: take the name out, or say there that it means somebody else."
        )
    return ""


def _full_names(words: list[_Word], given: set[str], family: set[str], known: set[str]) -> set[str]:
    found: set[str] = set()
    for one, other in pairwise(words):
        pair = {one.key, other.key}
        is_full = (one.key in given and other.key in family) or (one.key in family and other.key in given)
        is_prose = one.is_ordinary and other.is_ordinary and (one.is_small or other.is_small)
        if is_full and not is_prose and not pair <= known:
            found |= pair
    return found


def _titled(words: list[_Word], names: set[str]) -> set[str]:
    pairs = pairwise(words)
    return {name.key for title, name in pairs if title.key in TITLES and name.key in names}


def _words(text: str) -> Iterator[_Word]:
    end, before = 0, ""
    for match in WORD.finditer(text):
        gap = text[end : match.start()]
        # A title's and an initial's full stop ends no sentence.
        is_short = before.casefold() in TITLES or len(before) == 1
        begins = not before or "\n" in gap or (bool(re.search(r"[.!?:;…]", gap)) and not is_short)
        yield _Word(match.group(), begins)
        end, before = match.end(), match.group()


def _keys(text: str) -> set[str]:
    return {word.key for word in _words(_bare(text))}


def _bare(text: str) -> str:
    """Without marks, the capitals kept."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
