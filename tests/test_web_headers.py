"""Every address, to whoever asks and whatever it answers: the headers, no step to another site, a safe file name."""

import csv
import io
import re
from datetime import date

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from practices.isolation import practice_scope
from practices.request_sizes import BESIDE
from tests import make
from tests.test_access import ADDRESSES, World, address_of

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}
ELSEWHERE = "//evil.example/"
FILE_NAME = re.compile(r'(inline|attachment); filename="[A-Za-z0-9._-]+"')
# Programs fetch it again and again, and ask whether it changed.
KEPT_BY_PROGRAMS = {"calendar_feed"}


def faults_of(response, name: str = "") -> list[str]:
    """What is wrong with an answer's headers."""
    policy = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
    caching = response["Cache-Control"]
    wrong = [part for part, value in POLICY.items() if policy.get(part) != value]
    wrong += ["unsafe"] if "unsafe" in str(policy) or "http" in str(policy) else []
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
    wrong += [header for header, value in expected.items() if response.headers.get(header) != value]
    wrong += ["Permissions-Policy"] if "camera=()" not in response["Permissions-Policy"] else []
    wrong += ["X-Request-ID"] if not response["X-Request-ID"] else []
    is_kept = "no-store" not in caching and not (name in KEPT_BY_PROGRAMS and "private" in caching)
    wrong += [f"Cache-Control: {caching}"] if is_kept else []
    file_name = response.headers.get("Content-Disposition")
    wrong += [f"file name {file_name}"] if file_name and not FILE_NAME.fullmatch(file_name) else []
    where = response.headers.get("Location", "")
    wrong += [f"steps to {where}"] if "evil" in where.partition("?")[0] or where.startswith("//") else []
    return wrong


def wishes(name: str) -> dict[str, str]:
    """Fields by which an address may be told where to go next."""
    return dict.fromkeys(("next", "here", "back", "return_to", "url", "redirect", "continue"), ELSEWHERE)


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_address_answers_with_the_headers_and_stays_here(name, settings):
    world = World()
    url = address_of(name, world)
    stranger, manager = Client(), Client()
    manager.force_login(world.manager.user)
    said = {"next": ELSEWHERE, **wishes(name)}
    answers = {
        (who, method): getattr(client, method)(url, said, headers={"referer": f"https:{ELSEWHERE}"})
        for who, client in (("anonymous", stranger), ("manager", manager))
        for method in ("get", "post")
    }
    if ADDRESSES[name].post:  # before anybody is asked who they are
        answers["anonymous", "too large"] = declared(
            stranger, url, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + BESIDE + 1
        )
        assert answers["anonymous", "too large"].status_code == 413
    faults = {asked: faults_of(answer, name) for asked, answer in answers.items()}
    assert {asked: wrong for asked, wrong in faults.items() if wrong} == {}


def declared(client: Client, url: str, length: int):
    """A request that says it is so large; nothing of it is ever sent."""
    return client.generic("POST", url, b"x", CONTENT_LENGTH=str(length))


class TestErrors:
    def test_no_such_address_and_no_such_host(self, client):
        assert faults_of(client.get("/no/such/page/")) == []
        refused = client.get("/sign-in/", headers={"host": "evil.example"})
        assert (refused.status_code, faults_of(refused)) == (400, [])
        assert b"evil" not in refused.content

    def test_a_fault_of_ours_says_its_number_and_nothing_of_the_error(self, client, monkeypatch):
        client.raise_request_exception = False
        client.force_login(World().manager.user)

        def breaks(*args, **kwargs):
            raise ValueError("Zebrowski")

        monkeypatch.setattr("contacts.views.referral_list.key_page", breaks)
        fault = client.get(reverse("referrals"))
        assert (fault.status_code, faults_of(fault)) == (500, [])
        assert fault["X-Request-ID"].encode() in fault.content
        assert b"Zebrowski" not in fault.content

    def test_a_csrf_refusal(self):
        client = Client(enforce_csrf_checks=True)
        refused = client.post(reverse("account_login"))
        assert (refused.status_code, faults_of(refused)) == (403, [])

    def test_static_files_are_kept_for_good_and_hardened_too(self, client, static_files):
        from django.contrib.staticfiles.storage import staticfiles_storage

        answer = client.get(staticfiles_storage.url("css/site.css"))
        assert answer.status_code == 200
        assert "immutable" in answer["Cache-Control"]
        assert set(faults_of(answer)) <= {f"Cache-Control: {answer['Cache-Control']}", "X-Frame-Options"}


class TestSizes:
    def test_a_file_may_be_larger_where_one_is_asked_for_by_who_is_signed_in(self, client, settings):
        url = reverse("imports")
        client.force_login(World().manager.user)
        within = client.post(
            url, {"file": io.BytesIO(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 2 * BESIDE))}
        )
        assert within.status_code != 413
        assert declared(client, url, 2 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE + BESIDE + 1).status_code == 413

    def test_too_many_fields_and_files_are_refused_before_sign_in(self, client, settings):
        url = reverse("account_login")
        many = {f"f{n}": "" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
        assert client.post(url, many).status_code == 400
        assert client.post(url, {"a": io.BytesIO(b"1"), "b": io.BytesIO(b"2")}).status_code == 400


HOSTILE = '=cmd|"/c calc"!A1'


@pytest.mark.parametrize(
    "name", sorted(name for name in ADDRESSES if "export" in name or name == "import_rejected")
)
@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_no_export_holds_a_formula(client, name, extension):
    world = World()
    with practice_scope(world.practice):
        provider = make.provider(family_name=HOSTILE, given_name="+1")
        make.referral(by=world.manager, provider=provider, received_on=date(2026, 11, 10))
        type(world.practice).objects.filter(pk=world.practice.pk).update(name="@SUM(1)")
    url = address_of(name, world)
    if extension == "xlsx" and not url.endswith("months.csv"):
        return
    client.force_login(world.manager.user)
    answer = client.get(url.replace("months.csv", f"months.{extension}"))
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if extension == "xlsx":
        sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert cells
    else:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert lines
        assert not [
            cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        ]
