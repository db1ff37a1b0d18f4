"""National Provider Identifiers: ten digits, the first 1 or 2, Luhn over 80840 + NPI (45 CFR 162.406)."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def check_digit(first_nine: str) -> str:
    """The tenth digit of an NPI that starts with these nine."""
    total = 0
    for place, digit in enumerate(reversed("80840" + first_nine)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_valid(npi: str) -> bool:
    return (
        len(npi) == 10
        and npi.isascii()
        and npi.isdigit()
        and npi[0] in "12"
        and check_digit(npi[:9]) == npi[9]
    )


def validate_npi(value: str) -> None:
    """Raise ValidationError that says what is wrong with the number."""
    if not (len(value) == 10 and value.isascii() and value.isdigit()):
        raise ValidationError(_("An NPI has ten digits."), code="npi_length")
    if value[0] not in "12":
        raise ValidationError(_("An NPI starts with 1 or 2."), code="npi_start")
    if not is_valid(value):
        raise ValidationError(
            _("This NPI has a wrong digit: its check digit does not fit."), code="npi_check"
        )
