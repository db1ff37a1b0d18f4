"""What every template keeps to, read from the files themselves."""

import re
from pathlib import Path

import pytest

from practices.context_processors import ITEMS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "email" not in path.relative_to(ROOT / "templates").parts]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_page_has_nothing_that_the_content_policy_refuses(path):
    inline = re.compile(
        r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|\shx-on|javascript:|=[\"'](?:js|javascript):"
        r"|hx-trigger=[\"'][^\"']*\[",
        re.IGNORECASE,
    )
    assert inline.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.name.startswith("_")], ids=named)
def test_fragment_says_what_it_needs(path):
    assert path.read_text().startswith("{# needs: ")


def test_every_icon_on_a_page_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/vendor/icons.svg").read_text()))
    used = {
        name for path in PAGES for name in re.findall(r'"_icon\.html" with name="([^"]+)"', path.read_text())
    } | {item[0] for item in ITEMS}
    assert used - sprite == set()


def test_vendored_files_name_no_source_map_and_no_other_host():
    vendored = [path for path in (ROOT / "static/vendor").rglob("*") if path.suffix in {".css", ".js"}]
    assert vendored
    for path in vendored:
        text = path.read_text()
        assert "sourceMappingURL" not in text
        assert re.findall(r"url\(['\"]?https?:", text) == []
