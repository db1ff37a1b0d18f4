"""Miles between ZIP codes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.distances import is_known, miles_between
from tests.counts import examples

ZIP_CODES = ["60302", "02139", "10001", "90210", "99501", "00601", "96813", "33139"]
zip_codes = st.sampled_from(ZIP_CODES)


@pytest.mark.parametrize(
    ("one", "other", "miles"),
    [
        ("60302", "60302", 0),
        ("60302", "60301", 1),  # Oak Park, two neighbours
        ("02139", "02138", 1),  # Cambridge
        ("10001", "90210", 2450),  # New York to Beverly Hills
        ("60302-1234", "60302", 0),
    ],
)
def test_is_told_in_miles(one, other, miles):
    assert miles_between(one, other) == pytest.approx(miles, abs=max(1, miles * 0.01))


@pytest.mark.parametrize("odd", ["", "abc", "6030", "00000", "٣٣٣٣٣", "603 2", "²²²²²", "-6030"])
def test_what_is_no_zip_code_has_no_distance(odd):
    assert miles_between(odd, "60302") is None
    assert miles_between("60302", odd) is None
    assert not is_known(odd)


@settings(max_examples=examples(50, full=1000))
@given(zip_codes, zip_codes, zip_codes)
def test_is_a_distance(one, other, third):
    assert miles_between(one, other) == pytest.approx(miles_between(other, one))
    assert miles_between(one, third) <= miles_between(one, other) + miles_between(other, third) + 1e-6


@given(st.text(max_size=12))
def test_any_text_has_an_answer(text):
    assert miles_between(text, "60302") is None or is_known(text)
