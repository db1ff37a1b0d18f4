#!/usr/bin/env python3
"""Copy the pinned browser packages from node_modules into the repository, or compare them.

First: npm ci --ignore-scripts && pip install fonttools==4.68.0 brotli==1.2.1
Then bin/vendor.py copies, and bin/vendor.py --check names what differs and exits with 1.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from fontTools import subset

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = "static/vendor"
FONTS = {"inter": "@fontsource-variable/inter", "source-serif-4": "@fontsource-variable/source-serif-4"}
# The letters of Europe's Latin alphabets. A single Ł in a patient's initials would otherwise cost 85 KB, not 15.
EUROPEAN = [*range(0x100, 0x180), *range(0x218, 0x21C), 0x2C7, *range(0x2D8, 0x2DC)]
# The pages of the navigation, each with its icon of bootstrap-icons.
PAGES = {
    "today": "house",
    "referrals": "inbox",
    "thank-you": "envelope-heart",
    "reminders": "bell",
    "providers": "people",
    "offices": "building",
    "imports": "file-earmark-arrow-up",
    "duplicates": "intersect",
    "figures": "bar-chart-line",
    "settings": "gear",
}
# What else pages may draw; only these, so that the sprite stays small.
ICONS = [
    "archive",
    "arrow-counterclockwise",
    "arrow-left-right",
    "arrow-right",
    "box-arrow-right",
    "calendar-event",
    "calendar-week",
    "chat-left-text",
    "check-lg",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-half",
    "clock",
    "cup-hot",
    "download",
    "envelope-paper",
    "exclamation-triangle",
    "eye",
    "eye-slash",
    "funnel",
    "geo-alt",
    "info-circle",
    "journal-text",
    "keyboard",
    "list-check",
    "moon",
    "pen",
    "pencil",
    "person",
    "person-plus",
    "plus-lg",
    "printer",
    "search",
    "shield-lock",
    "sun",
    "telephone",
    "three-dots",
    "trash",
    "upload",
    "x-lg",
]


def without_source_map(content: bytes) -> bytes:
    # The static files storage fails on a source map that is named but not shipped.
    return re.sub(rb"\n?(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\n?", b"\n", content)


def only_european(font: bytes) -> bytes:
    options = subset.Options(flavor="woff2")
    drawn = subset.load_font(io.BytesIO(font), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=EUROPEAN)
    cutter.subset(drawn)
    cut = io.BytesIO()
    subset.save_font(drawn, cut, options)
    return cut.getvalue()


def symbol(name: str, icon: str) -> str:
    """Return the icon as a symbol of the sprite."""
    svg = (PACKAGES / "bootstrap-icons/icons" / f"{icon}.svg").read_text()
    shapes = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    if shapes is None:
        raise ValueError(f"{icon}.svg holds no drawing")
    drawing = re.sub(r">\s+<", "><", shapes[1].strip())
    return f'<symbol id="{name}" viewBox="0 0 16 16">{drawing}</symbol>'


def sprite() -> bytes:
    """Return one SVG file with every icon that pages may use."""
    names = PAGES | {icon: icon for icon in ICONS}
    symbols = "\n".join(symbol(name, icon) for name, icon in sorted(names.items()))
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'.encode()


def wanted() -> Iterator[tuple[Path, bytes]]:
    """Yield every vendored file with what it must hold."""
    copies: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        f"{VENDOR}/bootstrap.min.css": ("bootstrap/dist/css/bootstrap.min.css", without_source_map),
        f"{VENDOR}/bootstrap-LICENSE.txt": ("bootstrap/LICENSE", bytes),
        f"{VENDOR}/htmx.min.js": ("htmx.org/dist/htmx.min.js", without_source_map),
        f"{VENDOR}/htmx-LICENSE.txt": ("htmx.org/LICENSE", bytes),
        f"{VENDOR}/icons-LICENSE.txt": ("bootstrap-icons/LICENSE", bytes),
        "tests/browser/vendor/axe.min.js": ("axe-core/axe.min.js", bytes),
    }
    for font, package in FONTS.items():
        copies[f"{VENDOR}/fonts/{font}-LICENSE.txt"] = (f"{package}/LICENSE", bytes)
        for script in ("latin", "latin-ext"):
            source = f"{package}/files/{font}-{script}-wght-normal.woff2"
            # Source Serif's licence reserves its name for unchanged files; few titles need its letters anyway.
            change: Callable[[bytes], bytes] = bytes
            if (font, script) == ("inter", "latin-ext"):
                change = only_european
            copies[f"{VENDOR}/fonts/{font}-{script}.woff2"] = (source, change)
    for target, (source, change) in copies.items():
        yield ROOT / target, change((PACKAGES / source).read_bytes())
    yield ROOT / VENDOR / "icons.svg", sprite()


def main() -> int:
    """Copy or compare; return the exit code."""
    if not PACKAGES.is_dir():
        sys.stderr.write("There is no node_modules here. Run `npm ci --ignore-scripts` first.\n")
        return 1
    files = dict(wanted())
    if "--check" in sys.argv[1:]:
        wrong = [path for path, content in files.items() if not path.exists() or path.read_bytes() != content]
        wrong += [path for path in (ROOT / VENDOR).rglob("*") if path.is_file() and path not in files]
        sys.stdout.writelines(f"{path.relative_to(ROOT)} is not what the packages hold\n" for path in wrong)
        return 1 if wrong else 0
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
