"""The one typeface of everything printed, and what it cannot print.

Gentium Plus holds the Latin letters of every language with their marks (Vietnamese, Yorùbá, Polish …), Greek and
Cyrillic. What is written from right to left would come out reversed, so it counts as not covered.
"""

import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "GentiumPlus"
FILE = Path(__file__).parent / "data" / "GentiumPlus-Regular.ttf"
RIGHT_TO_LEFT = {"R", "AL", "AN"}


@cache
def font() -> TTFont:
    """The typeface, read once per process and known to reportlab as FONT."""
    loaded = TTFont(FONT, FILE)
    pdfmetrics.registerFont(loaded)
    return loaded


def printable(text: str) -> str:
    """The text as it is set: composed letters, single spaces, without invisible characters."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(letter for letter in composed if unicodedata.category(letter) != "Cf").split())


def unprintable(text: str) -> str:
    """The characters of the text that the typeface cannot print, each once; empty when it can print all."""
    glyphs = font().face.charToGlyph
    return "".join(
        dict.fromkeys(
            letter
            for letter in printable(text)
            if ord(letter) not in glyphs or unicodedata.bidirectional(letter) in RIGHT_TO_LEFT
        )
    )


def width_of(text: str, size: float) -> float:
    """How wide the text is, in points."""
    return float(font().stringWidth(text, size))
