"""The sheet beside which cards are written: one block per card, on letter paper."""

from collections.abc import Sequence
from io import BytesIO

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas

from touchpoints.printing.blocks import wrapped
from touchpoints.printing.cards import Card
from touchpoints.printing.fonts import FONT, font, printable

MARGIN = 0.75 * inch
WIDTH = LETTER[0] - 2 * MARGIN
INK, FAINT, RULE = HexColor("#1C2B33"), HexColor("#5A666C"), HexColor("#C9C6BD")
RULES, RULE_PITCH = 4, 0.3 * inch
GAP = 0.4 * inch
Line = tuple[str, float, HexColor, float]  # text, size, colour, leading in points


def writing_sheet(cards: Sequence[Card], *, title: str) -> bytes:
    """The cards' blocks in their order; a block is never parted between pages."""
    font()
    out = BytesIO()
    canvas = Canvas(out, pagesize=LETTER, pageCompression=1)
    canvas.setTitle(title)
    top = _head(canvas, title)
    for card in cards:
        lines = _lines(card)
        if top - _height(lines) < MARGIN:
            canvas.showPage()
            top = _head(canvas, title)
        top = _block(canvas, lines, top) - GAP
    canvas.save()
    return out.getvalue()


def _head(canvas: Canvas, title: str) -> float:
    canvas.setFont(FONT, 9)
    canvas.setFillColor(FAINT)
    canvas.drawString(MARGIN, LETTER[1] - 0.5 * inch, title)
    canvas.drawRightString(LETTER[0] - MARGIN, LETTER[1] - 0.5 * inch, str(canvas.getPageNumber()))
    return LETTER[1] - 0.85 * inch


def _lines(card: Card) -> list[Line]:
    where = printable(", ".join(filter(None, [str(card.provider), card.office])))
    lines = _set(card.greeting, 17, INK, 23)
    lines += _set(where, 10.5, FAINT, 15)
    lines += _set(_("From %(physician)s") % {"physician": card.physician}, 10.5, FAINT, 14)
    lines += _set(card.thanks_for, 12, INK, 22)
    if card.personal_line:
        lines += _set(f"“{card.personal_line}”", 12, INK, 17)
    return lines


def _set(text: str, size: float, colour: HexColor, leading: float) -> list[Line]:
    return [(line, size, colour, leading) for line in wrapped(text, WIDTH, size)]


def _height(lines: list[Line]) -> float:
    return sum(leading for *_rest, leading in lines) + RULES * RULE_PITCH


def _block(canvas: Canvas, lines: list[Line], top: float) -> float:
    for text, size, colour, leading in lines:
        top -= leading
        canvas.setFont(FONT, size)
        canvas.setFillColor(colour)
        canvas.drawString(MARGIN, top, text)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    for _number in range(RULES):
        top -= RULE_PITCH
        canvas.line(MARGIN, top, LETTER[0] - MARGIN, top)
    return top
