"""Labels and envelopes, measured in the PDF itself against the makers' figures, and the addresses on them."""

from io import BytesIO
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.blocks import wrapped
from touchpoints.printing.envelopes import SIZES, envelopes
from touchpoints.printing.fonts import printable, unprintable, width_of
from touchpoints.printing.labels import SHEETS, labels
from touchpoints.printing.trial_sheet import trial_sheet

INCH, MM = 72, 72 / 25.4
HALF_A_MM = 0.5 * MM
# In inches: width and height of a label, columns, rows, left and top margin, pitch across and down.
AVERY = {
    "5160": (2.625, 1, 3, 10, 0.1875, 0.5, 2.75, 1),
    "5163": (4, 2, 2, 5, 0.15625, 0.5, 4.1875, 2),
}
# Where our address begins on its label, and how much of its top the return address has.
INDENT = {"5160": 0.15, "5163": 1.0}
RETURNS = {"5160": 0, "5163": 0.7}
ENVELOPES = {"10": (9.5, 4.125), "A2": (5.75, 4.375), "A7": (7.25, 5.25)}
NOBODY = PostalAddress.of("")
SENDER = PostalAddress.of(
    "Harbor Cardiology", street="12 Wharf Rd", city="Salem", state="MA", zip_code="01970"
)


def address(number=1, **parts):
    defaults = {
        "street": f"{number} Lake St",
        "suite": "Ste 4",
        "city": "Oak Park",
        "state": "IL",
        "zip_code": "60302",
    }
    return PostalAddress.of("Amara Okafor, MD", "Lakeside Family Medicine", **{**defaults, **parts})


LINES = 4  # of that address on a label


def lines_of(page):
    """Each line set on the page: where its first letter stands, in points from the lower left, and its size."""
    found = []

    def look(operator, operands, cm, tm):
        if operator == b"Tf":
            look.size = float(operands[1])
        if operator == b"Tj":
            x, y = tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append(SimpleNamespace(x=x, y=y, size=look.size))

    page.extract_text(visitor_operand_before=look)
    return found


def capital_height(page):
    """As the embedded typeface says of itself, in parts of its size."""
    for font in page["/Resources"]["/Font"].values():
        descriptor = font.get_object().get("/FontDescriptor")
        if descriptor and "Gentium" in font.get_object()["/BaseFont"]:
            return float(descriptor.get_object()["/CapHeight"]) / 1000
    raise AssertionError("no typeface of ours on the page")


def blocks_of(page):
    """Left edge, and middle between the top of the first line's capitals and the last baseline."""
    capital = capital_height(page)
    lines = lines_of(page)
    assert len(lines) % LINES == 0
    for first in range(0, len(lines), LINES):
        block = lines[first : first + LINES]
        assert len({line.x for line in block}) == 1
        top = block[0].y + capital * block[0].size
        yield SimpleNamespace(x=block[0].x, middle=(top + block[-1].y) / 2, top=top, bottom=block[-1].y)


def expected(sheet, place):
    """From the figures: left edge and middle of the address on label `place` of a sheet, counted from 0."""
    _width, height, columns, _rows, left, top, across, down = AVERY[sheet]
    row, column = divmod(place, columns)
    middle = top + row * down + RETURNS[sheet] + (height - RETURNS[sheet]) / 2
    return (left + column * across + INDENT[sheet]) * INCH, (11 - middle) * INCH


def read(pdf):
    return PdfReader(BytesIO(pdf)).pages


@pytest.mark.parametrize("sheet", AVERY)
class TestLabelGeometry:
    def test_every_label_of_a_full_sheet_stands_within_half_a_millimetre(self, sheet):
        count = AVERY[sheet][2] * AVERY[sheet][3]
        (page,) = read(labels([address()] * count, sheet=SHEETS[sheet], sender=NOBODY))
        assert (page.mediabox.width, page.mediabox.height) == (8.5 * INCH, 11 * INCH)
        blocks = list(blocks_of(page))
        assert len(blocks) == count
        for place, block in enumerate(blocks):
            x, middle = expected(sheet, place)
            assert abs(block.x - x) < HALF_A_MM, place
            assert abs(block.middle - middle) < HALF_A_MM, place

    def test_offset_moves_every_label_right_and_down(self, sheet):
        moved = labels([address()] * 5, sheet=SHEETS[sheet], sender=NOBODY, right_mm=1.5, down_mm=-2.5)
        for place, block in enumerate(blocks_of(read(moved)[0])):
            x, middle = expected(sheet, place)
            assert abs(block.x - (x + 1.5 * MM)) < HALF_A_MM
            assert abs(block.middle - (middle + 2.5 * MM)) < HALF_A_MM

    def test_text_keeps_inside_its_label_however_long(self, sheet):
        long = PostalAddress.of(
            "Nguyễn Thị Hương Adébáyọ̀-Łukasiewicz, MD",
            "The Associates in Internal and Family Medicine of Greater Springfield",
            street="12345 Southwest Martin Luther King Junior Blvd",
            suite="Building C Suite 400",
            city="Springfield",
            state="IL",
            zip_code="62701",
        )
        width, height, *_rest, across, down = AVERY[sheet]
        assert across >= width
        assert down >= height
        block = SHEETS[sheet].fit(long)
        assert block.lines[-3:-1] == (
            "Building C Suite 400",
            "12345 Southwest Martin Luther King Junior Blvd",
        )
        assert max(width_of(line, block.size) for line in block.lines) <= (width - INDENT[sheet]) * INCH
        assert block.height <= (height - RETURNS[sheet]) * INCH


def test_a_used_sheet_is_begun_at_label_17_and_the_next_at_its_first():
    first, second = read(labels([address()] * 16, sheet=SHEETS["5160"], sender=NOBODY, start=17))
    places = [(block.x, block.middle) for block in blocks_of(first)]
    assert len(places) == 14
    for (x, middle), place in zip(places, range(16, 30), strict=True):
        assert abs(x - expected("5160", place)[0]) < HALF_A_MM
        assert abs(middle - expected("5160", place)[1]) < HALF_A_MM
    for place, block in enumerate(blocks_of(second)):
        assert abs(block.x - expected("5160", place)[0]) < HALF_A_MM
        assert abs(block.middle - expected("5160", place)[1]) < HALF_A_MM


def test_offset_holds_on_the_second_sheet_too():
    _first, second = read(labels([address()] * 31, sheet=SHEETS["5160"], sender=NOBODY, right_mm=3))
    (block,) = blocks_of(second)
    assert abs(block.x - (expected("5160", 0)[0] + 3 * MM)) < HALF_A_MM


def test_large_labels_carry_the_return_address_in_their_corner():
    (page,) = read(labels([address()] * 3, sheet=SHEETS["5163"], sender=SENDER))
    assert page.extract_text().count("Harbor Cardiology") == 3
    corner, to = lines_of(page)[:3], lines_of(page)[3:7]
    top = corner[0].y + capital_height(page) * corner[0].size
    assert abs(corner[0].x - (0.15625 + 0.15) * INCH) < HALF_A_MM
    assert abs(top - (11 - 0.5 - 0.15) * INCH) < HALF_A_MM
    assert corner[-1].y > to[0].y + to[0].size


@pytest.mark.parametrize("size", ENVELOPES)
class TestEnvelopes:
    def test_page_is_the_envelope(self, size):
        pages = read(envelopes([address(), address(2)], size=SIZES[size], sender=SENDER))
        assert [(float(p.mediabox.width), float(p.mediabox.height)) for p in pages] == [
            tuple(side * INCH for side in ENVELOPES[size])
        ] * 2

    def test_address_stands_where_machines_read_it_and_the_return_address_above(self, size):
        (page,) = read(envelopes([address()], size=SIZES[size], sender=SENDER))
        width, height = ENVELOPES[size]
        lines = lines_of(page)
        corner, to = lines[:3], lines[3:]
        assert all(0.625 * INCH <= line.y <= 2.75 * INCH for line in to)
        assert all(line.x >= 0.5 * INCH for line in to)
        assert to[0].x + width_of("Lakeside Family Medicine", to[0].size) <= (width - 0.5) * INCH
        assert corner[0].x < 0.5 * INCH
        assert corner[0].y > (height - 0.75) * INCH
        assert corner[-1].y > to[0].y + to[0].size

    def test_offset_moves_everything(self, size):
        plain, moved = (
            lines_of(read(envelopes([address()], size=SIZES[size], sender=SENDER, right_mm=mm))[0])
            for mm in (0, 2)
        )
        assert {round((b.x - a.x) / MM, 2) for a, b in zip(plain, moved, strict=True)} == {2}


class TestAddresses:
    def test_is_formatted_as_the_usps_asks(self):
        found = address(city="Oak Park, ", state="il", zip_code="603021234")
        assert found.delivery_lines(lambda line: True) == ["1 Lake St Ste 4"]
        assert found.last_line == "Oak Park IL  60302-1234"

    def test_suite_goes_above_the_street_where_both_do_not_fit(self):
        assert address().delivery_lines(lambda line: "Ste" not in line or line == "Ste 4") == [
            "Ste 4",
            "1 Lake St",
        ]

    @pytest.mark.parametrize(
        ("parts", "missing"),
        [
            ({}, []),
            ({"street": ""}, ["street"]),
            ({"zip_code": "6030"}, ["ZIP code"]),
            ({"zip_code": ""}, ["ZIP code"]),
            ({"state": "Illinois", "city": ""}, ["city", "state"]),
        ],
    )
    def test_says_what_a_carrier_would_miss(self, parts, missing):
        assert address(**parts).missing == missing

    @pytest.mark.parametrize("credentials", ["MD", "MD, PhD", "DO, MPH, FACP"])
    @pytest.mark.parametrize("family", ["Montgomery-Featherstonehaugh", "Montgomery Featherstonehaugh Smith"])
    def test_credentials_never_stand_alone_below_a_long_name(self, family, credentials):
        for first in ("Al", "Alexandra", "Alexandra Josephine", "Alexandra Josephine Wilhelmina"):
            block = SHEETS["5160"].fit(
                PostalAddress.of(
                    f"{first} {family}, {credentials}", street="1 Lake St", city="Salem", state="MA"
                )
            )
            assert not any(line in (credentials, credentials.split(", ")[-1]) for line in block.lines)
            assert " ".join(block.lines).startswith(f"{first} {family}, {credentials} ")

    def test_an_office_named_after_its_clinician_is_not_said_twice(self):
        assert PostalAddress.of("Ann Lee, MD", "Ann  Lee, MD").names == ("Ann Lee, MD",)

    @given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z"]), max_size=200))
    def test_whatever_a_name_holds_it_fits_its_label_or_is_refused(self, name):
        for sheet, room in SHEETS.items():
            block = room.fit(PostalAddress.of(name, street="1 Lake St", city="Salem", state="MA"))
            width, height = AVERY[sheet][:2]
            if block:
                assert all(
                    width_of(line, block.size) <= (width - INDENT[sheet]) * INCH for line in block.lines
                )
                assert block.height <= (height - RETURNS[sheet]) * INCH


class TestTypeface:
    @pytest.mark.parametrize(
        "name",
        [
            "Nguyễn Thị Hương",
            "Łukasz Żółć",
            "Adébáyọ̀",
            "Ștefan Țîru",
            "Γεωργίου",
            "Жуковская",
            "O’Neill–Smith",
            "Çağrı",
        ],
    )
    def test_prints_names_of_many_scripts(self, name):
        assert unprintable(name) == ""
        (page,) = read(labels([PostalAddress.of(name)], sheet=SHEETS["5160"], sender=NOBODY))
        assert page.extract_text().strip() == printable(name)

    @pytest.mark.parametrize(
        ("name", "letters"),
        [("李 Lee", "李"), ("Ann 😊", "😊"), ("כהן", "כהן"), ("김민", "김민"), ("عمر", "عمر")],
    )
    def test_names_what_it_cannot_print(self, name, letters):
        assert unprintable(name) == letters

    def test_decomposed_letters_are_set_as_one(self):
        assert printable("Nguye\u0302\u0303n\u200b  Thi") == "Nguyễn Thi"

    def test_every_page_embeds_it(self):
        (page,) = read(labels([address()], sheet=SHEETS["5160"], sender=NOBODY))
        fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
        ours = [font for font in fonts if "Gentium" in font["/BaseFont"]]
        assert ours
        assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in ours)


@pytest.mark.parametrize("sheet", AVERY)
def test_the_test_sheet_draws_each_labels_edges_without_an_offset(sheet):
    (page,) = read(trial_sheet(SHEETS[sheet]))
    boxes = [
        tuple(float(value) for value in operands)
        for operands, operator in page.get_contents().operations
        if operator == b"re"
    ]
    width, height, columns, rows, left, top, across, down = AVERY[sheet]
    assert len(boxes) == columns * rows
    for place, (x, y, wide, high) in enumerate(boxes):
        row, column = divmod(place, columns)
        assert abs(x - (left + column * across) * INCH) < HALF_A_MM
        assert abs(y - (11 - top - row * down - height) * INCH) < HALF_A_MM
        assert (wide, high) == (width * INCH, height * INCH)


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=12), max_size=30)
)
def test_wrapping_keeps_every_word_in_order(words):
    lines = wrapped(" ".join(words), 100, 10)
    assert " ".join(lines).split() == words
    assert all(width_of(line, 10) <= 100 or " " not in line for line in lines)
