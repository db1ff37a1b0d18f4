"""The letter that a patient takes along to the provider they chose: the one document of ours that names a patient."""

from dataclasses import dataclass
from datetime import date
from io import BytesIO

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas

from contacts.models.referrals import Urgency
from practices.models import Location
from touchpoints.models import ReturnReferral, Stationery
from touchpoints.printing.addresses import PostalAddress, return_address
from touchpoints.printing.blocks import wrapped
from touchpoints.printing.fonts import FONT, font, printable, unprintable, width_of

MARGIN = inch
WIDTH = LETTER[0] - 2 * MARGIN
TOP, BOTTOM = LETTER[1] - MARGIN, MARGIN
SIZE, LEADING, LARGE = 11.5, 16.0, 15.0  # points
LABELS = 1.4 * inch  # from the margin to where a fact's value begins


@dataclass(frozen=True)
class Letter:
    """The parts of the letter in their order, as they are printed."""

    sender: tuple[str, ...]
    day: str
    recipient: tuple[str, ...]
    subject: str
    facts: tuple[tuple[str, str], ...]
    greeting: str
    body: tuple[str, ...]
    signature: tuple[str, ...]

    @property
    def unprintable(self) -> str:
        """The characters in it that the typeface cannot print; empty when it can print all."""
        parts = [*self.sender, *self.recipient, self.subject, self.greeting, *self.body, *self.signature]
        return unprintable(" ".join([*parts, *(value for _label, value in self.facts)]))


def letter_of(row: ReturnReferral, *, stationery: Stationery, phone: str, today: date) -> Letter:
    """What is said to the provider whom the patient chose."""
    sender = return_address(stationery)
    provider, office = row.provider, row.office
    if provider is None:
        raise ValueError("nobody is chosen yet")
    to = PostalAddress.of(
        str(provider),
        office.name if office else "",
        street=office.street if office else "",
        suite=office.suite if office else "",
        city=office.city if office else "",
        state=office.state if office else "",
        zip_code=office.zip_code if office else "",
    )
    reachable = provider.phone or (office.phone if office else "")
    said = [line for line in row.clinical_reason.splitlines() if line.strip()]
    return Letter(
        sender=(*_lines(sender), *filter(None, [phone])),
        day=date_format(today, "F j, Y"),
        recipient=(*_lines(to), *filter(None, [reachable])),
        subject=_("Referral to %(specialty)s") % {"specialty": row.specialty},
        facts=tuple((label, printable(value)) for label, value in _facts(row) if value),
        greeting=_("Dear %(name)s,") % {"name": printable(provider.address_form)},
        body=(
            _("Our patient named above has chosen you, and we ask you to see them."),
            *(printable(line) for line in said),
            _("Please let us have your report. Thank you for taking care of our patient."),
        ),
        signature=(_("With kind regards,"), "", printable(str(row.physician)), *sender.names[:1]),
    )


def our_phone() -> str:
    """The number to reach us by: the first location's that has one."""
    return Location.objects.exclude(phone="").values_list("phone", flat=True).first() or ""


def letter_pdf(letter: Letter) -> bytes:
    """The letter on US letter paper, over as many pages as it takes; it has nothing unprintable."""
    font()
    out = BytesIO()
    canvas = Canvas(out, pagesize=LETTER, pageCompression=1)
    canvas.setTitle(_("Referral letter"))
    page = _Page(canvas)
    for line in letter.sender:
        page.line(line, size=LARGE if line == letter.sender[0] else SIZE)
    page.space(1)
    page.line(letter.day)
    page.space(1)
    for line in letter.recipient:
        page.line(line)
    page.space(1)
    page.line(letter.subject, size=LARGE)
    for label, value in letter.facts:
        page.fact(label, value)
    page.space(1)
    for paragraph in (letter.greeting, *letter.body):
        page.line(paragraph)
        page.space(0.5)
    page.space(0.5)
    for line in letter.signature:
        page.line(line)
    canvas.save()
    return out.getvalue()


class _Page:
    """Sets lines from the top down, and takes the next sheet when one is full."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.top = canvas, TOP

    def line(self, text: str, *, size: float = SIZE, left: float = MARGIN) -> None:
        for part in _broken(text, LETTER[0] - MARGIN - left, size) or [""]:
            self._make_room()
            self.canvas.setFont(FONT, size)
            self.canvas.drawString(left, self.top, part)
            self.top -= LEADING * max(1.0, size / SIZE)

    def fact(self, label: str, value: str) -> None:
        self._make_room()
        self.canvas.setFont(FONT, SIZE)
        self.canvas.drawString(MARGIN, self.top, label)
        self.line(value, left=MARGIN + LABELS)

    def space(self, lines: float) -> None:
        self.top -= LEADING * lines

    def _make_room(self) -> None:
        if self.top < BOTTOM:
            self.canvas.showPage()
            self.top = TOP


def _broken(text: str, width: float, size: float) -> list[str]:
    """Lines no wider than `width`; a word wider than the page is broken too."""
    return [part for line in wrapped(text, width, size) for part in _chopped(line, width, size)]


def _chopped(line: str, width: float, size: float) -> list[str]:
    parts = [""]
    for letter in line if width_of(line, size) > width else []:
        if width_of(parts[-1] + letter, size) > width:
            parts.append("")
        parts[-1] += letter
    return parts if parts != [""] else [line]


def _facts(row: ReturnReferral) -> list[tuple[str, str]]:
    born = date_format(row.patient_born_on, "F j, Y") if row.patient_born_on else ""
    urgency = "" if row.urgency == Urgency.ROUTINE else row.get_urgency_display()
    return [
        (_("Patient"), row.patient_name),
        (_("Born on"), born),
        (_("Phone"), row.patient_phone),
        (_("Language"), row.language),
        (_("Payer"), row.payer),
        (_("Urgency"), urgency),
    ]


def _lines(address: PostalAddress) -> tuple[str, ...]:
    where = address.delivery_lines(lambda line: width_of(line, SIZE) <= WIDTH)
    return (*address.names, *where, *filter(None, [address.last_line]))
