"""People's names as exports write them: `LAST, FIRST M`, titles, credentials, all capitals.

A provider's name is taken apart by nameparser, once per spelling. It takes 150 µs a name, 15 s for 100,000
patients, so the two plain forms are read here (docs/decisions/0005-import.md).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from nameparser import HumanName

from contacts.models.people import DOCTORATES

_BESIDES_DOCTORATES = (
    "NP PA PAC FNP FNPC FNPBC ANP ANPC AGNP AGNPC PNP WHNP CNP ARNP APRN CRNP CNM CNS CRNA RN BSN MSN DNPC APN LPN"
    " PT OT SLP LCSW LMFT LPC LMHC RD FACC FACP FACS FAAP FAAFP FACOG FACOI FAAN MPH MBA MHA MS MSC BM BCH MBCHB"
    " FRCP FRCS PHDC OTR OTRL CCC RPH ATC"
)
CREDENTIALS = DOCTORATES | frozenset(_BESIDES_DOCTORATES.split())
GENERATIONS = frozenset(["JR", "SR", "II", "III", "IV"])
TITLES = frozenset(["DR", "MR", "MRS", "MS", "MISS", "PROF", "DOCTOR", "PROFESSOR"])
# These are names too: they count as credentials only after a comma, or where a whole name is left.
ALSO_NAMES = frozenset(["DO", "MS", "ND", "OD", "DC", "PT", "OT", "RN", "RD", "AUD", "BM", "BCH"])
_WORD = re.compile(r"[^\s,]+|,")


@dataclass(frozen=True)
class PersonName:
    family: str
    given: str = ""
    middle: str = ""
    credentials: str = ""


@lru_cache(maxsize=4096)
def provider_name(text: str) -> PersonName:
    """Take a clinician's name apart; a single word is the family name."""
    name, credentials = _without_credentials(text)
    human = HumanName(name)
    if name == name.upper() or name == name.lower():
        human.capitalize(force=True)
    given, family = human.first, human.last
    if not family:
        given, family = "", given
    generation = f" {human.suffix}" if _bare(human.suffix) in GENERATIONS else ""
    return PersonName(family + generation, given, human.middle, credentials)


def patient_name(text: str) -> tuple[str, str]:
    """Family and given names; a middle name stays with the given."""
    family, comma, given = text.partition(",")
    if comma:
        given, _, more = given.partition(",")
        return _generation_moved(family.strip(), f"{given.strip()} {more.strip()}".strip())
    words = text.split()
    if words and _bare(words[0]) in TITLES and len(words) > 2:
        words = words[1:]
    if len(words) == 2:
        return words[1], words[0]
    if len(words) == 3 and len(_bare(words[1])) == 1:
        return words[2], f"{words[0]} {words[1]}"
    return _hard_patient_name(" ".join(words))


def _hard_patient_name(text: str) -> tuple[str, str]:
    human = HumanName(text)
    given = " ".join(filter(None, [human.first, human.middle, human.suffix]))
    return (human.last, given) if human.last else (given, "")


def _generation_moved(family: str, given: str) -> tuple[str, str]:
    """ "Smith Jr" is found as Smith."""
    head, _, last = family.rpartition(" ")
    return (head.strip(), f"{given} {last}") if head and _bare(last) in GENERATIONS else (family, given)


def clean_credentials(text: str) -> str:
    """ "M.D., F.A.C.C." as "MD, FACC"."""
    words = [word.replace(".", "") for word in re.split(r"[\s,;/]+", text)]
    return ", ".join(filter(None, words))


def _without_credentials(text: str) -> tuple[str, str]:
    words = _WORD.findall(text.replace(";", ","))
    if words and _bare(words[0]) in TITLES:
        words = words[1:]
    kept, found = [], []
    names = sum(word != "," for word in words)
    after_comma = False
    for place, word in enumerate(words):
        after_comma = after_comma or word == ","
        is_plain = after_comma or names - len(found) > 2 or _bare(word) not in ALSO_NAMES
        if place > 0 and is_plain and _bare(word) in CREDENTIALS:
            found.append(word.replace(".", ""))
        else:
            kept.append(word)
    name = re.sub(r"\s*,(?:\s*,)*", ",", " ".join(kept)).strip(" ,")
    return name, ", ".join(found)


def _bare(word: str) -> str:
    return re.sub(r"[^A-Z]", "", word.upper())
