"""Hostile posts, questions and files over every address: ten thousand by `make test-full`, fewer by `make test`.

Each is answered, and never by an error of ours; nothing of another practice or, to a liaison, of a patient is told;
nothing typed comes back as markup; nobody is sent to another host; and no row of either practice is lost.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange import tasks
from exchange.models import Import
from exchange.reviewing import accept_suggestions
from practices.isolation import practice_scope
from tests import make
from tests.counts import examples
from tests.exchange import bring
from tests.forms_on_pages import Form, forms_on
from tests.test_access import ADDRESSES, NAMED, ROUTES, World

pytestmark = pytest.mark.django_db

ANSWERS = {200, 204, 302, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 429}
PEOPLE = [
    "manager",
    "manager",
    "manager",
    "coordinator",
    "physician",
    "liaison",
    "colleague",
    "stranger",
    "anonymous",
]
MARKUP = "\"><fz onfocus=x>'</textarea></script><fz>"
EVIL = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "javascript:alert(1)",
    "/%0d%0aX: y",
    "/",
]
TEXTS = [
    "", " ", "0", "-1", "1", "2", "on", "²", "٣", "NaN", "Infinity", "1e400", "9" * 30, "-" + "9" * 19,
    "\x00", "\x1b[2J", "\u202e", "\ud7ff\U0001f468\u200d\U0001f469", "ﷺ" * 400, "x" * 10_000, "=1+1", "@SUM(1)",
    "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-10", "2026-11-10T09:00", "2026-03-08T02:30", "25:61",
    "'; DROP TABLE contacts_referral; --", "%s%s%n", "{{ 7*7 }}{% debug %}", "${jndi:ldap://x}", "../../etc/passwd",
    "true", "null", "[]", '{"a": 1}', "provider-1", "provider-", "member-999999999", "~", "1~2", "a@b", "a@b\r\nBcc: c@d",
    MARKUP, *EVIL,
]  # fmt: skip
ANY_TEXT = st.sampled_from(TEXTS) | st.text(max_size=30) | st.integers().map(str) | st.dates().map(str)
EXTRA = [
    "practice",
    "practice_id",
    "id",
    "pk",
    "role",
    "is_staff",
    "owner",
    "next",
    "act",
    "names",
    "submission_key",
]
HEADERS: list[dict[str, str]] = [
    {}, {}, {}, {"HTTP_HX_REQUEST": "true"}, {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": MARKUP},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "https://evil.example/"},
    {"HTTP_REFERER": "https://evil.example/"}, {"HTTP_X_FORWARDED_FOR": "::1, ²"}, {"HTTP_HOST": "evil.example"},
    {"HTTP_ACCEPT_LANGUAGE": "xx-" + "y" * 600}, {"HTTP_COOKIE": "sessionid=²; csrftoken=" + "z" * 500},
]  # fmt: skip
BODIES = [
    ("application/json", b'{"a": [1]}'),
    ("multipart/form-data", b"no boundary"),
    (MULTIPART_CONTENT, b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: form-data\r\n\r\nx"),
    ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % n for n in range(1100))),
    ("application/x-www-form-urlencoded; charset=utf-7", b"name=%ff%fe+AAA-"),
    ("application/x-www-form-urlencoded", b"%ff=%00%ed%a0%80&=&&%"),
    ("nonsense", b"\xff" * 100),
]
FILES = [
    ("x.csv", b"a,b\r\n1,2\r\n"),
    ("../../x.xlsx", b"PK\x03\x04" + b"\x00" * 40),
    ("\u202e.exe\r\nX: y", b""),
]
NEVER_FEWER = [
    "contacts_provider", "contacts_office", "contacts_referral", "contacts_referralstep", "touchpoints_touchpoint",
    "touchpoints_thankyoulist", "touchpoints_returnreferral", "touchpoints_meeting", "touchpoints_feedback",
    "touchpoints_gift", "practices_member", "practices_patientaccess",
]  # fmt: skip
IDS = ["0", "9" * 30, "-1", "%C2%B2", "x", "1%00", "..%2f"]
END = f"--{BOUNDARY}--\r\n".encode()
USUAL = 60  # from here on, how a post is sent says which of these stands in its address
MANY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def keys_of(name: str) -> list[Any]:
    """What stands in tests/test_access.py for each parameter of an address."""
    return [(name, one) if (name, one) in NAMED else one for one in ROUTES[name].parameters]


@dataclass
class Target:
    """Both practices, filled, and every form that any of their pages shows."""

    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.theirs = self.world.stranger.practice
        with practice_scope(self.theirs):
            office = make.office("Fremdhaus")
            provider = make.provider("Fremdling", at=office)
            make.referral(self.world.stranger, provider=provider, patient_family_name="Fremdpatient")
        made: dict[Any, Any] = {}  # one of each kind of row, though several addresses name it
        with practice_scope(self.world.practice):
            for name in ADDRESSES:
                for key in keys_of(name):
                    made[key] = made[key] if key in made else NAMED[key](self.world)
        self.urls = {name: reverse(name, args=[made[key] for key in keys_of(name)]) for name in ADDRESSES}

    @cached_property
    def forms(self) -> list[Form]:
        """Every form a manager or a physician is shown; and for an address that takes posts from none, one made up."""
        shown: dict[tuple[str, str, frozenset[str]], Form] = {}
        for name, address in ADDRESSES.items():
            for who in ("manager", "physician"):
                if address.get and address.get[who] == 200:
                    for form in self._forms_of(who, self.urls[name]):
                        shown.setdefault((_pattern(form.action), form.method, frozenset(form.fields)), form)
        posted = {_pattern(form.action) for form in shown.values() if form.method == "post"}
        urls = (self.urls[name] for name, address in ADDRESSES.items() if address.post)
        return [*shown.values(), *(Form(url, "post") for url in urls if _pattern(url) not in posted)]

    def _forms_of(self, who: str, url: str) -> list[Form]:
        client = Client()
        with transaction.atomic():
            client.force_login(getattr(self.world, who).user)
            answer = client.get(url)
            transaction.set_rollback(True)
        is_page = answer["Content-Type"].startswith("text/html")
        return forms_on(answer.content.decode(), url=url) if is_page else []

    def rows(self) -> dict[str, Any]:
        """How many rows are ours, and every row of theirs."""
        ours = ", ".join(f"(SELECT count(*) FROM {table})" for table in NEVER_FEWER)
        theirs = " || ".join(
            f"coalesce((SELECT string_agg(t::text, ' ' ORDER BY id) FROM {table} t), '')"
            for table in NEVER_FEWER
        )
        with practice_scope(self.world.practice), connection.cursor() as cursor:
            cursor.execute(f"SELECT {ours}")
            counts = cursor.fetchone()
        with practice_scope(self.theirs), connection.cursor() as cursor:
            cursor.execute(f"SELECT md5({theirs})")
            return {"ours": counts, "theirs": cursor.fetchone()[0]}


def _pattern(url: str) -> str:
    return re.sub(r"\d+", "0", urlsplit(url).path)


@pytest.fixture
def target() -> Target:
    return Target()


def filled(form: Form) -> dict[str, list[str]]:
    """As somebody honest might send it: what stands there, the first choice, or something fitting."""
    said = {}
    for name, control in form.fields.items():
        fitting = {"date": "2026-11-10", "datetime-local": "2026-11-10T09:00", "time": "09:00", "number": "1"}
        fitting |= {"email": "a@example.test", "file": ""}
        choices = [option for option in control.options if option] or [
            fitting.get(control.kind, "Musterfrau")
        ]
        said[name] = [control.value or choices[0]]
    return said


@st.composite
def questions(draw: st.DrawFn, form: Form) -> dict[str, list[str]]:
    """The honest form with a few of its fields dropped, doubled or hostile, and some that it never had."""
    said = filled(form)
    names = [*form.fields, *EXTRA]
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)):
        options = form.fields[name].options if name in form.fields else []
        value = ANY_TEXT | st.sampled_from(options) if options else ANY_TEXT
        said[name] = draw(st.lists(value, min_size=0 if draw(st.booleans()) else 1, max_size=2))
    return said


def sent(client: Client, form: Form, said: dict[str, list[str]], how: int, headers: dict[str, str]) -> Any:
    """Mostly as forms are sent; now and then with files, or as something that is no form."""
    url = "".join(char for char in form.action if char.isprintable())
    if how >= USUAL:
        url = re.sub(r"\d+", IDS[how - USUAL], url)
    if form.method == "get":
        return client.generic("GET", url.partition("?")[0], QUERY_STRING=encoded(said), **headers)
    if how < len(BODIES):
        kind, body = BODIES[how]
        return client.generic("POST", url, body, kind, **headers)
    if how < len(BODIES) + len(FILES):
        name, content = FILES[how - len(BODIES)]
        body = encode_multipart(BOUNDARY, said).removesuffix(END) + part(name, content)
        return client.generic("POST", url, body, MULTIPART_CONTENT, **headers)
    return client.generic("POST", url, encoded(said), "application/x-www-form-urlencoded", **headers)


def part(name: str, content: bytes) -> bytes:
    """A file as it comes over the line, its name as it stands; our own libraries would clean it first."""
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"'.encode()
    return f"--{BOUNDARY}\r\n".encode() + head + b"\r\n\r\n" + content + b"\r\n" + END


def encoded(said: dict[str, list[str]]) -> str:
    return urlencode(said, doseq=True, errors="surrogatepass")


def answered(target: Target, who: str, ask: Any) -> Any:
    """What this person is answered; and that no row was lost by it. Nothing of it stays."""
    client = Client()
    with transaction.atomic():
        if who != "anonymous":
            client.force_login(getattr(target.world, who).user)
        before = target.rows()
        answer = ask(client)
        after = target.rows()
        transaction.set_rollback(True)
    assert after["theirs"] == before["theirs"] or who == "stranger"
    assert all(now >= then for now, then in zip(after["ours"], before["ours"], strict=True))
    return answer


PATIENT = re.compile(r"Testperson\d*")


def check(answer: Any, who: str, log: str, sent: str = "") -> None:
    """`sent` may be given back to whoever sent it: where the row is gone, the page keeps what was typed."""
    assert answer.status_code in ANSWERS
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert not re.match(r"[a-z]+:|[/\\]{2}|/\\", answer.headers.get("Location", ""), re.IGNORECASE)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        assert b"<fz" not in body
    if who != "stranger":
        assert b"Fremd" not in body
    if who in ("stranger", "anonymous", "liaison"):
        assert set(PATIENT.findall(body.decode(errors="replace"))) <= set(PATIENT.findall(sent))
    assert "Testperson" not in log
    assert "Musterfrau" not in log


def test_a_hostile_form_is_answered_tells_nothing_and_loses_nothing(target, caplog):
    @settings(max_examples=examples(100, full=10_000), **MANY)
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        form = data.draw(st.sampled_from(target.forms))
        who, headers = data.draw(st.sampled_from(PEOPLE)), data.draw(st.sampled_from(HEADERS))
        said, how = data.draw(questions(form)), data.draw(st.integers(0, USUAL + len(IDS) - 1))
        caplog.clear()
        answer = answered(target, who, lambda client: sent(client, form, said, how, headers))
        check(answer, who, caplog.text, encoded(said))

    ask()


NAMES = [
    "x.csv",
    "x.xlsx",
    "../../etc/passwd",
    "\u202excod.exe",
    "a" * 300 + ".csv",
    "x.csv\r\nX: y",
    ".",
    "²",
    MARKUP,
]
LINES = (bring.HEADER + bring.line("1") + bring.line("2", day="never", born="2/30/1990")).encode()
KINDS = [LINES, LINES.decode().encode("utf-16"), b"\xef\xbb\xbf" + LINES, b"PK\x03\x04", b"\x00" * 50]
KINDS += [path.read_bytes() for path in sorted(bring.SAMPLES.iterdir()) if path.suffix in (".csv", ".xlsx")]


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A file as practices bring it, cut short, or with something else in its midst."""
    content = draw(st.sampled_from(KINDS))
    at = draw(st.integers(0, len(content)))
    put = draw(st.binary(max_size=40) | st.sampled_from([text.encode(errors="replace") for text in TEXTS]))
    return content[:at] + put + content[at + draw(st.sampled_from([0, 1, len(put), len(content)])) :]


def test_a_hostile_file_is_taken_in_or_refused_in_words(target, caplog):
    manager, client = target.world.manager, Client()

    @settings(max_examples=examples(25, full=1000), **MANY)
    @given(st.sampled_from(NAMES), contents())
    def bring_it(name: str, content: bytes) -> None:
        caplog.clear()
        with transaction.atomic():
            client.force_login(manager.user)
            answer = client.generic("POST", "/imports/", part(name, content), MULTIPART_CONTENT)
            check(answer, "manager", caplog.text)
            if answer.status_code == 302:
                check(client.get(answer.url), "manager", caplog.text)
                taken_further(answer.url, manager)
                check(client.get(answer.url), "manager", caplog.text)
            transaction.set_rollback(True)

    bring_it()


def taken_further(url: str, manager: Any) -> None:
    """As the worker does: whatever is wrong with the file is said of the file, and is no fault of ours."""
    number = int(url.strip("/").rpartition("/")[2])
    with practice_scope(manager.practice):
        source = Import.objects.get(pk=number)
        source.enter(Import.State.CHECKING, now=make.NOW)
    tasks.check_import(manager.practice_id, number)
    with practice_scope(manager.practice):
        source.refresh_from_db()
        assert source.state in (Import.State.REVIEW, Import.State.FAILED)
        assert "on our side" not in source.failure
        if source.state == Import.State.FAILED:
            return
        accept_suggestions(source)
        source.enter(Import.State.WRITING, now=make.NOW)
    tasks.write_import(manager.practice_id, number)
    with practice_scope(manager.practice):
        source.refresh_from_db()
        assert (source.state, source.failure) == (Import.State.DONE, "")
