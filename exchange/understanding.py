"""From a row's cells to a referral's values, or to the faults that keep it out."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import itemgetter

from django.utils.translation import gettext as _

from contacts.models.referrals import Channel, Urgency
from contacts.npi import is_valid
from exchange.columns import FIELDS
from exchange.dates import MDY, parse_date
from exchange.models import ImportName, Layout, spelling
from exchange.names import PersonName, clean_credentials, patient_name, provider_name
from practices.encryption import normalised
from practices.forms import FILED_YEARS, is_within_years

Kind = ImportName.Kind
KINDS = (Kind.PROVIDER, Kind.OFFICE, Kind.PHYSICIAN, Kind.LOCATION)
Fault = tuple[str, str]
Values = dict[str, str]
EARLIEST = date(1900, 1, 1)
LONGEST = {
    "source_number": 80,
    "payer": 100,
    "provider_family_name": 100,
    "provider_given_name": 100,
    "provider_credentials": 40,
    "office_name": 200,
    "office_city": 100,
    "physician": 200,
    "location": 120,
    "patient_family_name": 200,
    "patient_given_name": 200,
    "patient_chart_number": 80,
    "reason": 10_000,
    "notes": 10_000,
}
SHORTEST_LIMIT = min(LONGEST.values())
CACHED = 50_000
CHANNELS = {
    "fax": Channel.FAX,
    "efax": Channel.FAX,
    "phone": Channel.PHONE,
    "telephone": Channel.PHONE,
    "call": Channel.PHONE,
    "phonecall": Channel.PHONE,
    "portal": Channel.PORTAL,
    "web": Channel.PORTAL,
    "website": Channel.PORTAL,
    "online": Channel.PORTAL,
    "email": Channel.EMAIL,
    "direct": Channel.EMAIL,
    "letter": Channel.LETTER,
    "mail": Channel.LETTER,
    "post": Channel.LETTER,
    "patient": Channel.PATIENT,
    "walkin": Channel.PATIENT,
    "patientbroughtit": Channel.PATIENT,
    "inperson": Channel.PATIENT,
    "ehr": Channel.EHR,
    "emr": Channel.EHR,
    "electronic": Channel.EHR,
    "interface": Channel.EHR,
}
URGENCIES = {
    **dict.fromkeys(
        ["", "routine", "normal", "standard", "low", "elective", "nonurgent", "r", "3"], Urgency.ROUTINE
    ),
    **dict.fromkeys(["urgent", "high", "asap", "soon", "expedited", "u", "2"], Urgency.URGENT),
    **dict.fromkeys(["stat", "emergent", "emergency", "immediate", "critical", "s", "1"], Urgency.STAT),
}
TOTALS = ("total", "grandtotal", "subtotal", "count", "recordcount", "endofreport", "printedon", "generatedon", "reportgenerated", "numberof", "rowcount")  # fmt: skip


@dataclass(slots=True, eq=False)
class Name:
    """A spelling as it stands in a file: its key within the file, and its parts. One object for equal cells."""

    key: str
    said: dict[str, str]


@dataclass(slots=True)
class Understood:
    """A row's values. The names are keys of spellings; who is meant is decided elsewhere."""

    received_on: date
    channel: str
    urgency: str
    payer: str
    source_number: str
    family_name: str
    given_name: str
    born_on: date | None
    chart_number: str
    reason: str
    notes: str
    provider: Name | None
    office: Name | None
    physician: Name | None
    location: Name | None

    @property
    def names(self) -> tuple[Name | None, ...]:
        """In the order of `KINDS`."""
        return (self.provider, self.office, self.physician, self.location)


class Understander:
    """Reads one file's rows by its layout, as of `today`. Equal cells are understood once."""

    def __init__(self, layout: Layout, *, today: date) -> None:
        self.today = today
        self.layout = layout
        self.header = [cell.strip() for cell in layout.header]
        self.remarks: Counter[str] = Counter()
        width = len(layout.columns)
        # One cell more than there are columns, always empty: what the file does not have stands there.
        self._pick = itemgetter(*(width if (at := layout.place(field)) is None else at for field in FIELDS))
        self._padding = [""] * (width + 1)
        self._day_header = self._values(self.header)["received_on"]
        self._providers: dict[tuple[str, ...], Name | None] = {}
        self._offices: dict[tuple[str, ...], Name | None] = {}
        self._ours: dict[tuple[str, str], Name | None] = {}

    def understand(self, cells: list[str]) -> Understood | list[Fault] | None:
        """The row's values, or everything that is wrong with it, or None for a blank one."""
        values = self._values(cells)
        return None if self._is_blank(cells, values) else self._understood(values)

    def _is_blank(self, cells: list[str], values: Values) -> bool:
        """Nothing in it, the header once more, or a total."""
        day = values["received_on"]
        if day and day != self._day_header and len(cells) - cells.count("") > 3:
            return False  # nearly every row, told at once
        filled = [cell for cell in cells if cell and not cell.isspace()]
        if not filled:
            return True
        if len(cells) == len(self.header) and [cell.strip() for cell in cells] == self.header:
            return True
        return len(filled) <= 3 and not values["patient_family_name"] and _says_total(filled[0])

    def _understood(self, values: Values) -> Understood | list[Fault]:
        faults: list[Fault] = []
        received_on = self._date(values, "received_on", faults)
        born_on = self._date(values, "patient_born_on", faults)
        family, given = self._patient(values)
        source_number, chart = values["source_number"], values["patient_chart_number"]
        provider = self._provider(values, faults)
        office = self._office(values)
        self._too_long(values, faults)
        _refuse_formulas(values, faults)
        if received_on is None and not any(field == "received_on" for field, _said in faults):
            faults.append(("received_on", _("The day it was received is missing.")))
        if provider is None and office is None:
            faults.append(("provider_name", _("Neither a referring provider nor an office is named.")))
        self._identity(family, given, born_on, chart, source_number, faults)
        if faults or received_on is None:
            return faults
        return Understood(
            received_on=received_on,
            channel=self._channel(values),
            urgency=self._urgency(values),
            payer=values["payer"],
            source_number=source_number,
            family_name=family,
            given_name=given,
            born_on=born_on,
            chart_number=chart,
            reason=values["reason"],
            notes=values["notes"],
            provider=provider,
            office=office,
            physician=self._of_ours(values, Kind.PHYSICIAN),
            location=self._of_ours(values, Kind.LOCATION),
        )

    def _values(self, cells: list[str]) -> Values:
        """The row's text by field."""
        width = len(self._padding) - 1
        stripped = [cell.strip() for cell in cells[:width]]
        if '="' in "".join(stripped):
            stripped = [match[1] if (match := _QUOTED.fullmatch(cell)) else cell for cell in stripped]
        return dict(zip(FIELDS, self._pick(stripped + self._padding[len(stripped) :]), strict=True))

    def _date(self, values: Values, field: str, faults: list[Fault]) -> date | None:
        text = values[field]
        if not text:
            return None
        day = parse_date(text, self.layout.date_orders.get(field, MDY), self.today)
        if day is None or day < EARLIEST:
            faults.append((field, _("This is not a date we can read.")))
        elif field == "received_on" and not is_within_years(day, FILED_YEARS, today=self.today):
            faults.append((field, _("This day is more than %(years)s years ago.") % {"years": FILED_YEARS}))
        elif day > self.today:
            faults.append((field, _("This day lies in the future.")))
        else:
            return day
        return None

    def _patient(self, values: Values) -> tuple[str, str]:
        family, given = values["patient_family_name"], values["patient_given_name"]
        if family or given:
            # "LAST, FIRST" in the column of family names, which two systems in five do
            return patient_name(family) if "," in family and not given else (family, given)
        return patient_name(values["patient_name"])

    def _identity(
        self, family: str, given: str, born_on: date | None, chart: str, number: str, faults: list[Fault]
    ) -> None:
        has_chart, has_family = _has_letters(chart), _has_letters(family)
        if not has_chart and not has_family:
            faults.append(
                ("patient_name", _("The patient is missing: neither a family name nor a chart number."))
            )
        elif not number and not has_chart and not born_on and not _has_letters(given[:1]):
            faults.append(
                (
                    "patient_given_name",
                    _(
                        "Only a family name: add a given name, birth date or chart number to tell patients apart."
                    ),
                )
            )

    def _too_long(self, values: Values, faults: list[Fault]) -> None:
        if max(map(len, values.values())) <= SHORTEST_LIMIT:
            return
        for field, most in LONGEST.items():
            if len(values[field]) > most:
                faults.append((field, _("This is longer than %(most)s characters.") % {"most": most}))

    def _channel(self, values: Values) -> str:
        text = normalised(values["channel"])
        return CHANNELS.get(text, self.layout.channel)

    def _urgency(self, values: Values) -> str:
        text = normalised(values["urgency"])
        if text not in URGENCIES:
            self.remarks["urgency"] += 1
        return URGENCIES.get(text, Urgency.ROUTINE)

    def _provider(self, values: Values, faults: list[Fault]) -> Name | None:
        parts = _PROVIDER(values)
        if parts not in self._providers:
            if len(self._providers) > CACHED:
                self._providers.clear()
            self._providers[parts] = _provider_from(*parts)
        if parts[4] and not _npi(parts[4]):
            self.remarks["npi"] += 1
        name = self._providers[parts]
        if name and max(len(name.said["family"]), len(name.said["given"])) > 100:
            faults.append(("provider_name", _("This is longer than %(most)s characters.") % {"most": 100}))
        return name

    def _office(self, values: Values) -> Name | None:
        parts = _OFFICE(values)
        if parts not in self._offices:
            if len(self._offices) > CACHED:
                self._offices.clear()
            self._offices[parts] = office_from(*parts)
        return self._offices[parts]

    def _of_ours(self, values: Values, kind: str) -> Name | None:
        text = values[kind]
        if (kind, text) not in self._ours:
            if len(self._ours) > CACHED:
                self._ours.clear()
            said = {"name": text}
            self._ours[kind, text] = Name(spelling(kind, said), said) if normalised(text) else None
        return self._ours[kind, text]


# How exports keep a spreadsheet from reading 0123 as a number: ="0123".
_QUOTED = re.compile(r'="([^"]*)"')
_PROVIDER = itemgetter(
    "provider_name",
    "provider_family_name",
    "provider_given_name",
    "provider_credentials",
    "provider_npi",
    "office_name",
    "office_city",
)
_OFFICE = itemgetter("office_name", "office_city", "office_phone", "office_fax")


def _provider_from(
    name: str, family: str, given: str, credentials: str, npi: str, office: str, city: str
) -> Name | None:
    """A spelling is its NPI where that is right, otherwise the name and the office."""
    if family or given:
        name = f"{family}, {given}" if given else family
    person = provider_name(name) if name else PersonName("")
    npi = _npi(npi)
    if not npi and not normalised(person.family):
        return None
    said = {
        "family": person.family or _("Unknown"),
        "given": person.given,
        "middle": person.middle[:60],
        "credentials": (clean_credentials(credentials) or person.credentials)[:40],
        "npi": npi,
        "office": office,
        "city": city,
    }
    return Name(spelling(Kind.PROVIDER, said), said)


def office_from(name: str, city: str, phone: str, fax: str) -> Name | None:
    said = {"name": name, "city": city, "phone": phone[:30], "fax": fax[:30]}
    return Name(spelling(Kind.OFFICE, said), said) if normalised(name) else None


@lru_cache(maxsize=8192)
def _npi(text: str) -> str:
    """The ten digits, or nothing where they can't be an NPI."""
    digits = "".join(char for char in text.removesuffix(".0") if char.isascii() and char.isdigit())
    return digits if is_valid(digits) else ""


def _refuse_formulas(values: Values, faults: list[Fault]) -> None:
    if "\n=" not in "\n" + "\n".join(values.values()):
        return  # nearly every row, told at once
    for field, text in values.items():
        if text.startswith("="):
            faults.append((field, _("This is a spreadsheet's formula, not what it results in.")))


def _has_letters(text: str) -> bool:
    return (text.isascii() and text.isalnum()) or bool(normalised(text))


def _says_total(text: str) -> bool:
    return normalised(text).startswith(TOTALS)
