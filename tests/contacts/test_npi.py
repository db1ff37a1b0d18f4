"""National Provider Identifiers (45 CFR 162.406): the check digit tells a typing error."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import assume, given
from hypothesis import strategies as st

from contacts.npi import check_digit, is_valid, validate_npi

NINE = st.from_regex(r"[12][0-9]{8}", fullmatch=True)


@pytest.mark.parametrize("npi", ["1234567893", "1000000004", "1999999992", "2000000002"])
def test_known_numbers_are_valid(npi):
    assert is_valid(npi)
    validate_npi(npi)


@pytest.mark.parametrize(
    ("npi", "code"),
    [
        ("1234567890", "npi_check"),
        ("2234567890", "npi_check"),
        ("3234567893", "npi_start"),
        ("0000000000", "npi_start"),
        ("123456789", "npi_length"),
        ("12345678931", "npi_length"),
        ("123456789X", "npi_length"),
        ("１２３４５６７８９３", "npi_length"),
        ("", "npi_length"),
    ],
)
def test_a_wrong_number_is_refused_with_its_reason(npi, code):
    assert not is_valid(npi)
    with pytest.raises(ValidationError) as refused:
        validate_npi(npi)
    assert refused.value.code == code


@given(NINE)
def test_nine_digits_have_exactly_one_check_digit(nine):
    assert [d for d in "0123456789" if is_valid(nine + d)] == [check_digit(nine)]


@given(NINE, st.integers(1, 9), st.integers(0, 9))
def test_one_wrong_digit_is_always_noticed(nine, place, digit):
    npi = nine + check_digit(nine)
    assume(npi[place] != str(digit))
    assert not is_valid(f"{npi[:place]}{digit}{npi[place + 1 :]}")
