"""Postal addresses as the USPS asks for them (Publication 28, sections 211 to 224).

The suite ends the delivery line, or stands right above it where it would not fit; city, state and ZIP code are the
last line without a comma, with two spaces before the ZIP code. Letters stay as people write them: the Publication
prefers capitals and accepts both, and a card is read by a person.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from touchpoints.models import Stationery
from touchpoints.printing.fonts import printable

ZIP_CODE = re.compile(r"(\d{5})(?:-?(\d{4}))?")


@dataclass(frozen=True)
class PostalAddress:
    """Who and where; every part is ready to be printed."""

    names: tuple[str, ...]
    street: str = ""
    suite: str = ""
    city: str = ""
    state: str = ""
    zip_code: str = ""

    @classmethod
    def of(cls, *names: str, **parts: str | None) -> "PostalAddress":
        """From names and parts as they were typed; a name that says the same as the one before is left out."""
        clean = {part: _bare(text or "") for part, text in parts.items()}
        match = ZIP_CODE.fullmatch(clean.get("zip_code", "").replace(" ", ""))
        zip_code = "-".join(filter(None, match.groups())) if match else ""
        said = dict.fromkeys(filter(None, (printable(name) for name in names)))
        state = clean.get("state", "").upper()
        return cls(tuple(said), **{**clean, "state": state, "zip_code": zip_code})

    @property
    def last_line(self) -> str:
        """ "Oak Park IL  60302"."""
        town = " ".join(filter(None, [self.city, self.state]))
        return "  ".join(filter(None, [town, self.zip_code]))

    @property
    def is_empty(self) -> bool:
        return not (self.names or self.street or self.city)

    @property
    def missing(self) -> list[str]:
        """What a letter carrier would ask for."""
        parts = [
            (self.names, _("name")),
            (self.street, _("street")),
            (self.city, _("city")),
            (len(self.state) == 2, _("state")),
            (self.zip_code, _("ZIP code")),
        ]
        return [word for is_there, word in parts if not is_there]

    def delivery_lines(self, fits: Callable[[str], bool]) -> list[str]:
        """Street and suite, on one line where that fits."""
        together = " ".join(filter(None, [self.street, self.suite]))
        parted = [line for line in (self.suite, self.street) if line]
        return [together] if together and fits(together) else parted

    @property
    def text(self) -> str:
        """Every character of it."""
        return " ".join([*self.names, self.street, self.suite, self.last_line])


def return_address(stationery: Stationery) -> PostalAddress:
    """Where a card comes back to."""
    return PostalAddress.of(
        stationery.return_name,
        street=stationery.return_street,
        city=stationery.return_city,
        state=stationery.return_state,
        zip_code=stationery.return_zip_code,
    )


def _bare(text: str) -> str:
    """Without the commas and full stops around a part; those within it stay."""
    return printable(text).strip(" ,.;")
