"""A sheet that shows how far a printer strays: the labels' edges, with rulers in millimetres at three of them."""

from io import BytesIO

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas

from touchpoints.printing.blocks import wrapped
from touchpoints.printing.fonts import FONT, font
from touchpoints.printing.labels import PAGE_HEIGHT, PAGE_WIDTH, LabelSheet

INK, FAINT = HexColor("#1C2B33"), HexColor("#9AA3A7")
REACH = 10  # mm to each side


def trial_sheet(sheet: LabelSheet) -> bytes:
    """Every label's outline without any offset, and what to read off it."""
    font()
    out = BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_WIDTH * inch, PAGE_HEIGHT * inch))
    canvas.setTitle(_("Test sheet"))
    canvas.setStrokeColor(FAINT)
    canvas.setLineWidth(0.3)
    for place in range(sheet.count):
        left, top = sheet.corner(place)
        low = PAGE_HEIGHT - top - sheet.height
        canvas.rect(left * inch, low * inch, sheet.width * inch, sheet.height * inch)
    # Rulers across stand on a label's left edge, rulers down on its upper one, both within the paper.
    for place in (sheet.columns + 1, sheet.count - sheet.columns + 1):
        _across(canvas, sheet, place)
        _down(canvas, sheet, place)
    _words(canvas, sheet)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _across(canvas: Canvas, sheet: LabelSheet, place: int) -> None:
    left, top = sheet.corner(place)
    x, y = left * inch, (PAGE_HEIGHT - top - sheet.height * 0.6) * inch
    canvas.setStrokeColor(INK)
    canvas.setFillColor(INK)
    canvas.setFont(FONT, 6)
    for step in range(-REACH, REACH + 1):
        length = (4 if step % 5 == 0 else 2) * mm
        canvas.line(x + step * mm, y, x + step * mm, y + length)
        if step % 5 == 0:
            canvas.drawCentredString(x + step * mm, y + 5 * mm, str(step))


def _down(canvas: Canvas, sheet: LabelSheet, place: int) -> None:
    left, top = sheet.corner(place)
    x, y = (left + sheet.width * 0.7) * inch, (PAGE_HEIGHT - top) * inch
    canvas.setStrokeColor(INK)
    canvas.setFillColor(INK)
    canvas.setFont(FONT, 6)
    for step in range(-REACH, REACH + 1):
        length = (4 if step % 5 == 0 else 2) * mm
        canvas.line(x, y - step * mm, x + length, y - step * mm)
        if step % 5 == 0:
            canvas.drawString(x + 5 * mm, y - step * mm - 2, str(step))


def _words(canvas: Canvas, sheet: LabelSheet) -> None:
    """On the first label of the second column's neighbours there is room for a few lines in each."""
    texts = [
        _("Print this at 100 %, never “fit to page”, on plain paper."),
        _("Hold it against an empty label sheet before a window."),
        _("Read where the label's edge crosses each ruler: to the right, and down. Enter both numbers."),
    ]
    canvas.setFillColor(INK)
    places = [0, sheet.columns, 2 * sheet.columns]
    for place, text in zip(places, texts, strict=True):
        left, top = sheet.corner(place)
        y = (PAGE_HEIGHT - top) * inch - 22
        canvas.setFont(FONT, 9)
        for line in wrapped(text, (sheet.width - 0.5) * inch, 9):
            canvas.drawString((left + 0.15) * inch, y, line)
            y -= 11
