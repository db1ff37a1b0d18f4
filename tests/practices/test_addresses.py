"""Our quick addresses are Django's, for every page there is."""

import pytest
from django.template import engines
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.base import get_script_prefix, set_script_prefix

from practices.addresses import page_url, row_url

PAGES = sorted(name for name in get_resolver().reverse_dict if isinstance(name, str))


def _django(name, *args):
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return None


def _shown(template):
    return engines["django"].from_string(template).render({"number": 42, "text": "2026-W46"})


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_the_address_that_django_gives(name):
    if plain := _django(name):
        assert page_url(name) == _shown(f"{{% url '{name}' %}}") == plain
    if numbered := _django(name, 42):
        assert row_url(name, 42) == _shown(f"{{% url '{name}' number %}}") == numbered
        assert _shown(f"{{% url '{name}' number as at %}}-{{{{ at }}}}") == f"-{numbered}"


def test_there_are_pages_of_both_kinds():
    assert sum(_django(name) is not None for name in PAGES) > 30
    assert sum(_django(name, 42) is not None for name in PAGES) > 30


def test_where_one_request_says_we_are_mounted_is_nothing_to_the_next():
    before = row_url("provider", 42), page_url("providers")
    ours = get_script_prefix()
    try:
        set_script_prefix("/elsewhere/")
        assert row_url("provider", 42) == reverse("provider", args=[42]) != before[0]
        assert page_url("providers") == reverse("providers") != before[1]
    finally:
        set_script_prefix(ours)
    assert (row_url("provider", 42), page_url("providers")) == before


def test_what_is_no_number_is_left_to_django():
    assert _shown("{% url 'thank_you_week' text %}") == reverse("thank_you_week", args=["2026-W46"])
    for wrong in ("x", None, -1, 1.5):
        with pytest.raises(NoReverseMatch):
            row_url("provider", wrong)
    with pytest.raises(NoReverseMatch):
        _shown("{% url 'no_such_page' %}")
    assert _shown("{% url 'no_such_page' as at %}{{ at }}.") == "."
