"""The medical specialties a practice chooses from: an own short list, or the licensed NUCC code set from its file.

The codes are those of the National Uniform Claim Committee's Health Care Provider Taxonomy; the names of the
short list are our own plain words. The full set is licensed by the AMA and therefore not shipped.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from contacts.models import Provider, Specialty
from contacts.search import refresh_search
from practices.isolation import practice_scope
from practices.models import Practice

SHORT_LIST = Path(__file__).parent / "data" / "specialties.csv"
CODE = re.compile(r"[0-9A-Z]{9}X")


@dataclass
class ImportedSpecialties:
    """What an import did: codes added, names changed, and a sentence for each line left out."""

    added: int = 0
    renamed: int = 0
    errors: list[str] = field(default_factory=list)


def short_list() -> list[tuple[str, str]]:
    """Code and name of each common specialty, by name."""
    with SHORT_LIST.open(encoding="utf-8", newline="") as lines:
        return [(row["code"], row["name"]) for row in csv.DictReader(lines)]


def add_specialties(practice: Practice) -> None:
    """Give a practice the short list; what it has already stays as it is. Opens the practice's scope."""
    with practice_scope(practice):
        Specialty.objects.bulk_create(
            [Specialty(practice=practice, code=code, name=name) for code, name in short_list()],
            ignore_conflicts=True,
        )


def import_specialties(lines: Iterable[str]) -> ImportedSpecialties:
    """Add the codes of a NUCC CSV file to the open practice, and take over their names.

    Raises ValueError when the file has no column of codes or of names.
    """
    result = ImportedSpecialties()
    names = dict(_read(lines, result))
    known = {specialty.code: specialty for specialty in Specialty.objects.filter(code__in=names)}
    renamed = [row for code, row in known.items() if row.name != names[code]]
    for row in renamed:
        row.name = names[row.code]
    Specialty.objects.bulk_update(renamed, ["name"], batch_size=500)
    added = [Specialty(code=code, name=name) for code, name in names.items() if code not in known]
    Specialty.objects.bulk_create(added, batch_size=500)
    result.added, result.renamed = len(added), len(renamed)
    refresh_search(providers=Provider.objects.filter(specialty__in=renamed).values_list("pk", flat=True))
    return result


def _read(lines: Iterable[str], result: ImportedSpecialties) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(lines)
    columns = {_plain(name): name for name in rows.fieldnames or [] if name}
    if "code" not in columns or not columns.keys() & {"classification", "displayname", "name"}:
        raise ValueError(_("This is not a NUCC file: it has no columns “Code” and “Classification”."))
    for row in rows:
        values = {plain: " ".join((row[name] or "").split()) for plain, name in columns.items()}
        if not any(values.values()):
            continue
        code, name = values["code"].upper(), _name(values)
        if not CODE.fullmatch(code):
            result.errors.append(
                _("Line %(line)d: “%(code)s” is no taxonomy code (nine characters and an X).")
                % {"line": rows.line_num, "code": values["code"][:20]}
            )
        elif not name:
            result.errors.append(
                _("Line %(line)d: %(code)s has no name.") % {"line": rows.line_num, "code": code}
            )
        else:
            yield code, name


def _name(values: dict[str, str]) -> str:
    """Specialization is the narrower word; a bare classification names the specialty itself."""
    parts = [values.get("classification", ""), values.get("specialization", "")]
    long = ", ".join(part for part in parts if part)
    return (long or values.get("displayname") or values.get("name") or "")[:160]


def _plain(column: str) -> str:
    return re.sub(r"[^a-z]", "", column.lower())
