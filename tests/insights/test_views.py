"""The pages of figures: what each role sees, and that every figure opens the rows it counted."""

import csv
import io
import re
from datetime import date
from types import SimpleNamespace

import openpyxl
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.referral_way import move, report_back, withdraw
from insights.counting import count_figures
from insights.outreach_figures import streak
from practices.isolation import practice_scope
from practices.models import Location
from practices.periods import Period, Span
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import log_call

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice(starts_on=date(2024, 1, 1))
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.here, desk.there = (Location.objects.create(name=name) for name in ("Main Street", "Harbor"))
        desk.office = make.office("Rosehip", liaison=desk.liaison)
        desk.okafor = make.provider("Okafor", at=desk.office)
        desk.lind = make.provider("Lind", at=make.office("Elsewhere"))
    return desk


def sent(desk, **fields):
    defaults = {"physician": desk.physician, "provider": desk.okafor, "patient_family_name": PATIENT}
    return make.referral(desk.coordinator, **{**defaults, **fields})


@pytest.fixture
def busy(desk):
    """Five by Okafor, one of them a year ago and one withdrawn; one by Lind, for the colleague."""
    with practice_scope(desk.practice):
        sent(desk, received_on=date(2026, 11, 16), location=desk.here, office=desk.office)
        told = sent(desk, received_on=date(2026, 11, 2), location=desk.here)
        move(told, to="seen", seen_on=date(2026, 11, 4), by=desk.manager, now=make.NOW)
        report_back(told, by=desk.manager, now=make.NOW)
        seen = sent(desk, received_on=date(2026, 5, 4), channel="phone")
        move(seen, to="seen", seen_on=date(2026, 5, 9), by=desk.manager, now=make.NOW)
        sent(desk, received_on=date(2025, 11, 3))
        withdraw(sent(desk, received_on=TODAY), by=desk.manager, now=make.NOW, reason="twice")
        sent(desk, received_on=TODAY, provider=desk.lind, physician=desk.colleague, location=desk.there)
        log_call(by=desk.liaison, now=make.NOW, provider=desk.okafor, happened_on=TODAY, outcome="reached")
        count_figures(now=make.NOW)
    return desk


def shown(client, member, address="/insights/"):
    client.force_login(member.user)
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def figures(page, key):
    """A table's rows by what they are about: [(figure, address), ...]."""
    section = re.search(rf'<section aria-labelledby="{key}">(.*?)</section>', page)[1]
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", section.partition("<tbody>")[2]):
        about = re.sub(r"<[^>]+>", "", re.search(r"<th.*?>(.*?)</th>", row)[1]).strip()
        cells = re.findall(r'<td class="number"[^>]*>\s*(?:<a href="([^"]+)">)?([^<]*)', row)
        found[about] = [(text.strip(), url.replace("&amp;", "&")) for url, text in cells]
    return found


def counts(page, key):
    return {about: [text for text, _url in cells] for about, cells in figures(page, key).items()}


def test_manager_sees_the_practice_against_last_year(client, busy):
    page = shown(client, busy.manager)

    assert counts(page, "compared") == {
        "This week": ["2", "0", "2 more"],
        "This month": ["3", "1", "2 more"],
        "12 months": ["4", "1", "3 more"],
    }
    assert counts(page, "conversion")["Received"][0] == "4"
    assert "2 of 4 patients were seen, and of 1 the referrer was told." in page
    assert counts(page, "physician") == {
        "Physician One": ["3", "2", "1"],
        "Colleague Two": ["1", "0", "0"],
    }
    assert counts(page, "channel") == {"Fax": ["3", "1", "1"], "Phone": ["1", "1", "0"]}
    assert counts(page, "location")["None yet"] == ["1", "1", "0"]
    assert "4 referrals in twelve months; most in November 2026, with 3." in page
    assert PATIENT not in page


@pytest.mark.parametrize("narrowed", ["", "&location={location}"])
def test_a_month_is_held_against_its_days_a_year_before_by_whom_how_and_where(client, busy, narrowed):
    with practice_scope(busy.practice):
        sent(busy, received_on=date(2025, 11, 18), location=busy.here)
        sent(busy, received_on=date(2025, 11, 19), location=busy.here)  # later than today, a year before
        count_figures(now=make.NOW)

    page = shown(client, busy.manager, "/insights/?period=month" + narrowed.format(location=busy.here.pk))

    before = {True: "1", False: "2"}[bool(narrowed)]
    assert counts(page, "physician")["Physician One"] == ["2", "1", "1", before]
    assert counts(page, "channel")["Fax"][-1] == before
    assert counts(page, "location")["Main Street"] == ["2", "1", "1", "1"]


@pytest.mark.parametrize("role", [role.value for role in Role])
@pytest.mark.parametrize(
    "address", ["/insights/", "/insights/?period=month", "/insights/referrers/", "/insights/outreach/"]
)
def test_every_figure_opens_the_rows_it_counted(client, busy, role, address):
    page = shown(client, getattr(busy, role), address)
    opened = 0
    for key in re.findall(r'<section aria-labelledby="([^"]+)">', page):
        for cells in figures(page, key).values():
            for text, url in cells:
                if url.startswith(("/referrals/", "/insights/touchpoints/")):
                    listed = shown(client, getattr(busy, role), url)
                    rows = len(re.findall(r'<li id="referral-\d+"|href="/touchpoints/\d+/"', listed))
                    assert rows == int(text), url
                    opened += 1
    assert opened >= 2


def test_physician_sees_their_own(client, busy):
    page = shown(client, busy.colleague)

    assert counts(page, "compared")["12 months"][:2] == ["1", "0"]
    assert list(counts(page, "physician")) == ["Colleague Two"]
    assert counts(shown(client, busy.colleague, "/insights/referrers/"), "providers") == {
        "Amara Lind, MD": ["1", "100 %", "1", "0"]
    }


def test_liaison_sees_their_territory_and_no_patient(client, busy):
    page = shown(client, busy.liaison)
    senders = shown(client, busy.liaison, "/insights/referrers/")

    assert counts(page, "compared") == {"This week": ["1", "0", "1 more"], "This month": ["2", "1", "1 more"]}
    assert "3 referrals in twelve months; most in November 2026, with 2." in page
    assert counts(senders, "providers") == {"Amara Okafor, MD": ["3", "100 %", "2", "1"]}
    assert PATIENT not in page + senders


def test_an_office_of_a_territory_opens_all_that_came_from_it(client, busy):
    with practice_scope(busy.practice):
        visitor = make.provider("Visitor", at=make.office("Beyond"))
        for day in (date(2026, 11, 17), date(2025, 11, 3)):
            sent(busy, received_on=day, office=busy.office, provider=visitor)
        sent(busy, received_on=TODAY, office=busy.office, provider=None)
        count_figures(now=make.NOW)

    offices = figures(shown(client, busy.liaison, "/insights/referrers/"), "offices")

    (year, year_url), _share, (month, month_url), (before, before_url) = offices["Rosehip"]
    assert (year, month, before) == ("3", "3", "1")
    for count, url in ((year, year_url), (month, month_url), (before, before_url)):
        assert len(re.findall(r'<li id="referral-\d+"', shown(client, busy.liaison, url))) == int(count)


def test_what_waits_is_opened_for_the_chosen_physician(client, busy):
    page = shown(client, busy.manager, f"/insights/outreach/?physician={busy.physician.pk}")
    assert figures(page, "thank-yous")["To decide"][0][1] == f"/thank-you/?physician={busy.physician.pk}"


def test_filters_stand_in_the_address_and_are_taken_along(client, busy):
    page = shown(client, busy.manager, f"/insights/?period=month&location={busy.here.pk}")

    assert counts(page, "conversion")["Received"][0] == "2"
    assert f'href="/insights/referrers/?period=month&amp;location={busy.here.pk}"' in page
    narrowed = shown(client, busy.manager, f"/insights/referrers/?physician={busy.colleague.pk}")
    assert list(counts(narrowed, "providers")) == ["Amara Lind, MD"]


def test_referrers_by_standing_open_the_list_of_providers(client, busy):
    page = shown(client, busy.manager, "/insights/referrers/")

    standings = figures(page, "standings")
    assert [cells[0][0] for cells in standings.values()] == [
        "1",
        "1",
        "0",
        "0",
    ]  # Lind new, Okafor too few to say
    assert "Lind" in shown(client, busy.manager, standings["New"][0][1])
    assert "4 of 4 referrals in twelve months rest on the first 2: 100 %." in page


def test_outreach_counts_thank_yous_and_touchpoints(client, busy):
    with practice_scope(busy.practice):
        make_thank_you_lists(week=Week.parse("2026-W45"), now=make.NOW)

    page = shown(client, busy.manager, "/insights/outreach/")

    assert counts(page, "thank-yous")["To decide"] == ["3"]
    assert counts(page, "members") == {"Liaison One": ["0", "1", "0", "0", "0", "1"]}


def test_before_the_first_count_it_says_so_and_shows_no_noughts(client, desk):
    page = shown(client, desk.manager)
    assert "being counted for the first time" in page
    assert "No referral" not in page and "<table" not in page


@pytest.mark.parametrize("address", ["/insights/", "/insights/referrers/", "/insights/outreach/"])
@pytest.mark.parametrize("query", ["", "?period=month&physician={physician}&location={location}"])
@pytest.mark.parametrize("role", ["manager", "physician", "liaison"])
def test_costs_at_most_twelve_queries_however_much_there_is(client, busy, address, query, role):
    url = address + query.format(physician=busy.physician.pk, location=busy.here.pk)

    def queries():
        client.force_login(getattr(busy, role).user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    few = queries()
    with practice_scope(busy.practice):
        for _one in range(6):
            sent(
                busy,
                provider=make.provider(at=make.office()),
                physician=make.member("physician", busy.practice),
            )
        count_figures(now=make.NOW)

    assert queries() == few <= 12


TABLES = [
    "compared",
    "months",
    "conversion",
    "physician",
    "channel",
    "location",
    "standings",
    "providers",
    "offices",
    "thank-yous",
    "members",
    "touchpoint-months",
]


class TestFiles:
    @pytest.mark.parametrize("table", TABLES)
    def test_csv_and_xlsx_hold_the_same(self, client, busy, table):
        client.force_login(busy.manager.user)

        text = client.get(f"/insights/{table}.csv").content.decode("utf-8-sig")
        book = openpyxl.load_workbook(io.BytesIO(client.get(f"/insights/{table}.xlsx").content))

        lines = list(csv.reader(io.StringIO(text)))
        cells = [
            ["" if c is None else str(c) for c in row] for row in book.active.iter_rows(values_only=True)
        ]
        assert lines == cells
        assert len(lines) > 1

    def test_every_table_of_a_page_has_its_file(self, client, busy):
        pages = [
            shown(client, busy.manager, url)
            for url in ("/insights/", "/insights/referrers/", "/insights/outreach/")
        ]
        offered = {name for page in pages for name in re.findall(r"/insights/([a-z-]+)\.csv", page)}
        assert offered == set(TABLES)

    def test_no_cell_is_a_formula(self, client, busy):
        with practice_scope(busy.practice):
            sent(busy, provider=make.provider("Lindqvist", given_name="=1+1"))
            count_figures(now=make.NOW)
        client.force_login(busy.manager.user)

        text = client.get("/insights/providers.csv").content.decode("utf-8-sig")
        book = openpyxl.load_workbook(io.BytesIO(client.get("/insights/providers.xlsx").content))

        assert '"\'=1+1 Lindqvist, MD"' in text
        assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n"}

    def test_a_long_table_is_exported_whole(self, client, busy):
        with practice_scope(busy.practice):
            for _one in range(22):
                sent(busy, provider=make.provider())
            count_figures(now=make.NOW)
        client.force_login(busy.manager.user)

        assert client.get("/insights/providers.csv").content.decode().count("\r\n") == 1 + 24
        assert len(counts(shown(client, busy.manager, "/insights/referrers/"), "providers")) == 12

    def test_an_unknown_table_is_none(self, client, busy):
        client.force_login(busy.manager.user)
        assert client.get("/insights/patients.csv").status_code == 404
        assert client.get("/insights/months.pdf").status_code == 404


class TestPeriods:
    @pytest.mark.parametrize(
        "day", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 3)]
    )
    @pytest.mark.parametrize("span", list(Span))
    def test_a_year_before_has_as_many_days(self, day, span):
        period = Period.of(span, day)
        before = period.year_before
        days = (period.last - period.first).days
        assert (before.last - before.first).days == min(days, 364)
        assert before.last < period.first

    def test_a_week_is_held_against_the_same_weekdays(self):
        before = Period.of(Span.WEEK, date(2026, 11, 18)).year_before
        assert (before.first, before.last) == (date(2025, 11, 17), date(2025, 11, 19))


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ([], 0),
        ([(2, 2), (1, 1), (3, 2), (1, 1)], 2),
        ([(2, 0), (1, 1), (1, 1)], 2),  # the newest is under way
        ([(2, 0), (1, 0), (1, 1)], 0),
    ],
)
def test_streak_counts_back_from_now(weeks, expected):
    assert streak(weeks) == expected
