"""Which column is what: header names as practice systems export them, found by their words in any order."""

import re
import unicodedata
from datetime import date
from functools import cache

from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz

from exchange.dates import MDY, is_ambiguous, order_of, parse_date
from exchange.models import Layout, RememberedColumn
from exchange.reading import Row
from practices.encryption import blind_index
from practices.isolation import current_practice_id

FIELDS = {
    "received_on": _("Received on"),
    "source_number": _("Number in the source system"),
    "provider_name": _("Referring provider"),
    "provider_family_name": _("Referring provider: family name"),
    "provider_given_name": _("Referring provider: given name"),
    "provider_credentials": _("Referring provider: credentials"),
    "provider_npi": _("Referring provider: NPI"),
    "office_name": _("Referring office"),
    "office_city": _("Referring office: city"),
    "office_phone": _("Referring office: phone"),
    "office_fax": _("Referring office: fax"),
    "patient_name": _("Patient"),
    "patient_family_name": _("Patient: family name"),
    "patient_given_name": _("Patient: given name"),
    "patient_born_on": _("Patient: birth date"),
    "patient_chart_number": _("Patient: chart number"),
    "physician": _("Our physician"),
    "location": _("Our location"),
    "channel": _("Came by"),
    "urgency": _("Urgency"),
    "payer": _("Payer"),
    "reason": _("Reason"),
    "notes": _("Notes"),
}
DATES = ("received_on", "patient_born_on")
HEADER_WITHIN = 20  # rows; exports put a title and their filters above it
SAMPLE = 12  # rows kept to show what a column holds
ALIKE = 88  # rapidfuzz ratio of two headers, words sorted: one letter of eight differs

# One word for what exports call by many.
_WORDS = {
    word: meant
    for meant, words in {
        "patient": "pt pts patients pat",
        "ref": "referring referred referral referrals referrer refer refd refby rfg refering reffering",
        "provider": "dr doctor doc physician phys md prov clinician prv providers practitioner",
        "ours": "rendering treating attending seeing consulting consultant assigned servicing receiving our to"
        " specialist resource scheduled appt appointment",
        "first": "given fname firstname forename fn",
        "last": "family surname lname lastname ln",
        "name": "nm fullname names",
        "number": "no num nr nbr id identifier",
        "date": "dt datetime day on",
        "dob": "birthdate birthday bday birth born",
        "phone": "tel telephone ph",
        "location": "loc facility site branch department dept",
        "office": "practice clinic group organization organisation org company pcp",
        "credentials": "credential degree suffix degrees cred title",
        "payer": "payor insurance ins carrier plan insurer coverage",
        "reason": "diagnosis dx icd icd10 indication complaint problem condition service procedure",
        "notes": "note comments comment remarks remark memo",
        "urgency": "priority urgent acuity triage",
        "chart": "mrn account acct emr ehr mr medical record",
        "channel": "method medium via mode",
        "received": "recd rcvd receipt entered created logged",
    }.items()
    for word in words.split()
}
_SILENT = frozenset(["of", "the", "s", "and", "primary", "full", "code", "description", "desc", "for", "in"])

_ALIASES = {
    "received_on": "ref date|date received|received|received ref|date ref received|date|ref|order date|date order"
    "|ref start date|ref received time",
    "source_number": "ref number|order number|number|source number|ref order number|case number|ref source number"
    "|auth number|number system source|external number|request number|reference number",
    "provider_name": "ref provider|ref provider name|ref by|ref source|ref name|ref source name|source ref provider"
    "|ref by provider|ref by name|provider from|from provider|source|ref provider last first|ordering provider"
    "|ordering|sent by|from",
    "provider_family_name": "ref provider last|ref provider last name|ref last|ref last name",
    "provider_given_name": "ref provider first|ref provider first name|ref first|ref first name",
    "provider_credentials": "ref provider credentials|ref credentials|credentials|provider credentials",
    "provider_npi": "npi|ref npi|ref provider npi|provider npi|npi number|ref provider npi number|ref npi number",
    "office_name": "ref office|ref office name|office|office name|ref location|ref location name|ref provider office"
    "|ref provider location|ref provider office name|from office|office from|provider office|source office",
    "office_city": "ref city|office city|ref office city|ref provider city|ref location city|city office ref",
    "office_phone": "ref phone|office phone|ref office phone|ref provider phone|ref phone number"
    "|ref provider phone number|ref office phone number",
    "office_fax": "ref fax|office fax|ref office fax|ref provider fax|ref fax number|ref provider fax number",
    "patient_name": "patient|patient name|name|patient last first|last first|patient last name first name"
    "|patient last first name|client|client name|last name first name",
    "patient_family_name": "patient last|patient last name|last|last name|client last name",
    "patient_given_name": "patient first|patient first name|first|first name|client first name",
    "patient_born_on": "dob|patient dob|date dob|patient date dob|client dob",
    "patient_chart_number": "chart|chart number|patient number|patient chart|patient chart number|client number",
    "physician": "ours|ours provider|ours provider name|ours name|ref ours|ref ours provider|ref ours provider name"
    "|ours ref provider|ours ours provider|seen by provider|surgeon",
    "location": "location|location name|ours location|ref ours location|ours location name|ours office|ref ours office",
    "channel": "channel|received channel|ref channel|came by|how received|received by|ref type|ref received by|type",
    "urgency": "urgency|ref urgency|urgency level|stat|ref urgency level",
    "payer": "payer|patient payer|payer name|primary payer|patient payer name",
    "reason": "reason|ref reason|visit reason|reason visit|reason reason|chief reason|reason ref visit|ours reason",
    "notes": "notes|ref notes|patient notes|additional notes|instructions",
}


def words_of(header: str) -> frozenset[str]:
    """The words a header is known by: "Ref. Dr's Last Name" is {ref, provider, last, name}."""
    text = unicodedata.normalize("NFKD", header).replace("#", " number ")
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).casefold()
    words = re.findall(r"[a-z]+\d*", text)
    return frozenset(_WORDS.get(word, word) for word in words) - _SILENT


@cache
def _aliases() -> dict[frozenset[str], str]:
    return {
        frozenset(alias.split()): field for field, aliases in _ALIASES.items() for alias in aliases.split("|")
    }


def field_of(header: str) -> str:
    """The field this header names, exactly or nearly; empty when none."""
    words = words_of(header)
    if not words:
        return ""
    if words in _aliases():
        return _aliases()[words]
    said = " ".join(sorted(words))
    if len(said) < 6:
        return ""
    likeness, field = max(
        (fuzz.ratio(said, " ".join(sorted(alias))), field) for alias, field in _aliases().items()
    )
    return field if likeness >= ALIKE else ""


def find_layout(rows: list[Row]) -> Layout:
    """Find the header in a file's first rows, its columns' fields and how its dates are written."""
    place = _header_place(rows)
    if place is None:
        width = max((len(cells) for _line, cells in rows), default=0)
        layout = Layout(header=[""] * width, header_line=0, columns=[""] * width)
    else:
        line, cells = rows[place]
        layout = Layout(header=cells, header_line=line, columns=_columns(cells))
    data = [row for row in rows if row[0] > layout.header_line]
    layout.sample = [(line, cells) for line, cells in data if any(map(str.strip, cells))][:SAMPLE]
    remember(layout)
    for field in DATES:
        set_date_order(layout, field, [cells for _line, cells in data])
    return layout


def _header_place(rows: list[Row]) -> int | None:
    """The row with the most known names; failing that, the first one with several cells and no date."""
    candidates = [(place, cells) for place, (_line, cells) in enumerate(rows[:HEADER_WITHIN])]
    known = {place: len(set(filter(None, map(field_of, cells)))) for place, cells in candidates}
    best = max(known, key=lambda place: (known[place], -place), default=None)
    if best is not None and known[best] >= 2:
        return best
    for place, cells in candidates:
        if sum(bool(cell.strip()) for cell in cells) >= 2:
            return None if any(looks_like_date(cell) for cell in cells) else place
    return best if best is not None and known[best] else None


def looks_like_date(text: str) -> bool:
    """Written as a date, so no header's name."""
    return not text.strip().isdigit() and parse_date(text.strip(), MDY, date.max) is not None


def _columns(header: list[str]) -> list[str]:
    columns: list[str] = []
    for name in header:
        field = field_of(name)
        columns.append(field if field not in columns else "")
    return _with_plain_provider(header, columns)


def _with_plain_provider(header: list[str], columns: list[str]) -> list[str]:
    """ "Provider" alone is ours where another column names the referrer, otherwise it is the referrer."""
    has_referrer = "provider_name" in columns or "provider_family_name" in columns
    meant = "physician" if has_referrer else "provider_name"
    plain = (frozenset(["provider"]), frozenset(["provider", "name"]))
    for place, name in enumerate(header):
        if not columns[place] and meant not in columns and words_of(name) in plain:
            columns[place] = meant
    return columns


def set_date_order(layout: Layout, field: str, data: list[list[str]]) -> None:
    """Infer day and month from the column; where it reads both ways, ask, and say month first until answered."""
    place = layout.place(field)
    texts = [cells[place] for cells in data if place is not None and place < len(cells)]
    order = order_of(texts)
    asks = order is None and is_ambiguous(texts) and field not in layout.date_orders
    layout.date_orders[field] = order or layout.date_orders.get(field) or MDY
    layout.asks_order = [name for name in layout.asks_order if name != field] + [field] * asks


def remember(layout: Layout) -> None:
    """Let what the practice said last time about a header stand above what is guessed."""
    keys = _header_keys(layout)
    known = {bytes(row.key): row for row in RememberedColumn.objects.filter(key__in=list(keys.values()))}
    for place, key in keys.items():
        row = known.get(key)
        if row is None:
            continue
        if row.field in layout.columns:
            layout.columns[layout.columns.index(row.field)] = ""
        layout.columns[place] = row.field
        if row.field in DATES and row.date_order:
            layout.date_orders[row.field] = row.date_order


def keep_for_next_time(layout: Layout) -> None:
    """Remember what each header means, and how its dates are written."""
    rows = [
        RememberedColumn(
            key=key,
            field=layout.columns[place],
            date_order=layout.date_orders.get(layout.columns[place], ""),
        )
        for place, key in _header_keys(layout).items()
    ]
    RememberedColumn.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["practice", "key"],
        update_fields=["field", "date_order"],
    )


def _header_keys(layout: Layout) -> dict[int, bytes]:
    """By column, for headers that stand once: of two columns named alike the name says nothing."""
    practice_id = current_practice_id()
    keys = {
        place: key
        for place, name in enumerate(layout.header)
        if (key := blind_index("import-column", name, practice_id=practice_id))
    }
    values = list(keys.values())
    return {place: key for place, key in keys.items() if values.count(key) == 1}
