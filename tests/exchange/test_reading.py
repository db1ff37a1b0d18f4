"""Bytes to rows, dates, names and columns: pure functions."""

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import reading
from exchange.columns import field_of
from exchange.dates import DMY, MDY, is_ambiguous, order_of, parse_date
from exchange.names import patient_name, provider_name
from exchange.reading import Unreadable, read_rows

TODAY = date(2026, 11, 18)


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
    def test_characters_are_told_apart(self, encoding):
        text = "Name,Ort\r\nÖrnek,Zürich\r\n"
        assert list(read_rows(text.encode(encoding))) == [(1, ["Name", "Ort"]), (2, ["Örnek", "Zürich"])]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters_are_told_apart(self, delimiter):
        text = "\n".join(delimiter.join(row) for row in (["a", "b, c"], ["1", "2"], ["3", "4"]))
        if delimiter == ",":
            text = text.replace("b, c", '"b, c"')
        assert [cells for _line, cells in read_rows(text.encode())] == [["a", "b, c"], ["1", "2"], ["3", "4"]]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_lines_are_numbered_as_an_editor_shows_them(self, end):
        text = end.join(["a,b", '"x', 'y",2', "", "z,3"])
        assert [line for line, _cells in read_rows(text.encode())] == [1, 2, 4, 5]

    def test_excels_own_first_line_names_the_delimiter(self):
        assert list(read_rows(b"sep=;\r\na;b,c\r\n")) == [(2, ["a", "b,c"])]

    def test_a_quotation_mark_never_closed_is_named_by_its_line(self):
        content = b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 200
        with pytest.raises(Unreadable, match="line 3"):
            list(read_rows(content))

    @pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 old", b"%PDF-1.7"])
    def test_what_is_no_table_is_refused_in_a_sentence(self, content):
        with pytest.raises(Unreadable):
            list(read_rows(content))

    def test_a_workbook_that_unpacks_too_large_is_refused(self, monkeypatch):
        monkeypatch.setattr(reading, "MAX_UNPACKED", 1000)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", "0" * 100_000)
        with pytest.raises(Unreadable, match="too large"):
            list(read_rows(packed.getvalue()))

    def test_a_workbooks_dates_and_numbers_become_text(self):
        book = openpyxl.Workbook()
        book.active.append(["NPI", "Date", "When"])
        book.active.append([1234567893, datetime(2026, 11, 16), datetime(2026, 11, 16, 10, 30)])
        packed = io.BytesIO()
        book.save(packed)
        assert list(read_rows(packed.getvalue()))[1] == (
            2,
            ["1234567893", "2026-11-16", "2026-11-16 10:30"],
        )

    def test_a_formula_that_was_never_calculated_is_named_by_its_cell(self):
        book = openpyxl.Workbook()
        book.active.append(["Patient", "Seen"])
        book.active.append(["TESTPERSON", "=1+1"])
        packed = io.BytesIO()
        book.save(packed)
        with pytest.raises(Unreadable, match="Cell B2 holds a formula whose result was not saved"):
            list(read_rows(packed.getvalue()))

    @pytest.mark.parametrize(
        ("cell", "is_refused"),
        [
            ('<c r="B2"><f>1+1</f><v>2</v></c>', False),
            ('<c r="B2" t="str"><f>IF(1,"")</f><v></v></c>', False),
            ('<c r="B2" s="3"><f t="shared" si="0"/></c>', True),
            ('<c r="B2"><f>1+1</f></c>', True),
        ],
    )
    def test_a_formula_with_its_result_is_a_value(self, cell, is_refused):
        assert bool(reading.FORMULA_ALONE.search(f"<row>{cell}</row>".encode())) is is_refused

    @given(st.binary(max_size=2000))
    def test_any_bytes_are_read_or_refused(self, content):
        try:
            lines = [line for line, _cells in read_rows(content)]
        except Unreadable:
            return
        assert lines == sorted(set(lines))


class TestDates:
    @pytest.mark.parametrize(
        "text",
        [
            "11/16/2026",
            "11-16-26",
            "2026-11-16",
            "20261116",
            "16-Nov-2026",
            "Nov 16, 2026",
            "Mon, Nov 16, 2026",
            "November 16th 2026",
            "11/16/2026 4:05 PM",
            "2026-11-16T16:05:00",
            "46342",
            "2026/11/16",
        ],
    )
    def test_forms(self, text):
        assert parse_date(text, MDY, TODAY) == date(2026, 11, 16)

    @pytest.mark.parametrize(
        "text", ["", "soon", "2/30/2026", "13/13/2026", "2026-00-01", "999999", "Foo 1, 2026"]
    )
    def test_what_is_no_date_is_none(self, text):
        assert parse_date(text, MDY, TODAY) is None

    def test_two_digits_never_name_a_year_to_come(self):
        assert parse_date("3/14/27", MDY, TODAY) == date(1927, 3, 14)
        assert parse_date("3/14/26", MDY, TODAY) == date(2026, 3, 14)

    def test_one_telling_date_decides_the_column(self):
        assert order_of(["1/2/2026", "14/3/2026"]) == DMY
        assert order_of(["1/2/2026", "3/14/2026"]) == MDY
        assert order_of(["1/2/2026"]) is None
        assert is_ambiguous(["1/2/2026"])
        assert not is_ambiguous(["2/2/2026", "2026-01-02"])

    @given(st.dates(min_value=date(1930, 1, 1), max_value=TODAY), st.sampled_from([MDY, DMY]))
    def test_what_was_written_is_read(self, day, order):
        form = "%m/%d/%Y" if order == MDY else "%d/%m/%Y"
        assert parse_date(day.strftime(form), order, TODAY) == day
        assert parse_date(day.isoformat(), order, TODAY) == day

    @given(st.text(max_size=30))
    def test_any_text_is_a_date_or_none(self, text):
        assert parse_date(text, MDY, TODAY) is None or isinstance(parse_date(text, MDY, TODAY), date)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("OKAFOR, AMARA N MD", ("Okafor", "Amara", "N", "MD")),
            ("Dr. Amara N. Okafor, MD, FACC", ("Okafor", "Amara", "N.", "MD, FACC")),
            ("VAN DER BERG, JAN P., M.D.", ("van der Berg", "Jan", "P.", "MD")),
            ("LEE, PA-C ANN", ("Lee", "Ann", "", "PA-C")),
            ("Kim Do", ("Do", "Kim", "", "")),
            ("Okafor MD", ("Okafor", "", "", "MD")),
            ("O'BRIEN, SEAN DO", ("O'Brien", "Sean", "", "DO")),
            ("", ("", "", "", "")),
        ],
    )
    def test_a_clinicians_name_is_taken_apart(self, text, expected):
        name = provider_name(text)
        assert (name.family, name.given, name.middle, name.credentials) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("TESTPERSON, IDA M", ("TESTPERSON", "IDA M")),
            ("Ida Testperson", ("Testperson", "Ida")),
            ("Ida M. Testperson", ("Testperson", "Ida M.")),
            ("TESTPERSON JR, OTTO", ("TESTPERSON", "OTTO JR")),
            ("Maria de la Cruz", ("de la Cruz", "Maria")),
            ("Testperson", ("Testperson", "")),
        ],
    )
    def test_a_patients_name_is_taken_apart(self, text, expected):
        assert patient_name(text) == expected

    @given(st.text(max_size=40))
    def test_any_text_is_a_name(self, text):
        provider_name(text)
        patient_name(text)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Referring Provider", "provider_name"),
        ("Ref Dr NPI", "provider_npi"),
        ("REF_PHYS_LNAME", "provider_family_name"),
        ("refProviderNPI", "provider_npi"),
        ("Refering Provider", "provider_name"),
        ("Pt Last Name", "patient_family_name"),
        ("Patient Name (Last, First)", "patient_name"),
        ("DOB", "patient_born_on"),
        ("Date of Birth", "patient_born_on"),
        ("MRN", "patient_chart_number"),
        ("Referral Date", "received_on"),
        ("Date Received", "received_on"),
        ("Referral #", "source_number"),
        ("Rendering", "physician"),
        ("Referred To", "physician"),
        ("Referring Practice", "office_name"),
        ("Facility", "location"),
        ("Reason for Referral", "reason"),
        ("Primary Insurance", "payer"),
        ("Priority", "urgency"),
        ("Appointment Date", ""),
        ("Gender", ""),
        ("", ""),
    ],
)
def test_a_header_is_known_by_its_words(header, field):
    assert field_of(header) == field
