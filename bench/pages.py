"""Pages over HTTP, each by turns with the signed-in page of one query, and what else a browser feels."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin
from uuid import uuid4

from client import Visitor, answers_a_second
from django.db import connection
from django.utils import timezone
from installation import Seat, busiest_provider, misspelt, sign_in
from measuring import Figure, by_turns, ratio
from production import Web, memory_of

from practices.isolation import practice_scope
from practices.models import Member, PatientAccess, Practice
from practices.roles import Role

ONE_QUERY = "/calendar/"  # whether one has an address
ONE_INSERT = "/calendar/"  # posted: voids one's address and inserts a row with the new one
PAGES = {
    Role.MANAGER: {
        "home, manager": "/",
        "referral list": "/referrals/",
        "providers": "/providers/",
        "provider page": "/providers/{provider}/",
        "search, misspelt": "/search/?q={misspelt}",
        "type-ahead, misspelt": "/providers/options/?q={misspelt}",
        "reminders": "/reminders/",
        "reports back": "/report-back/",
        "dashboard: referrals": "/insights/",
        "dashboard: referrers": "/insights/referrers/",
        "dashboard: outreach": "/insights/outreach/",
    },
    Role.COORDINATOR: {"home, coordinator": "/", "cards to mail": "/thank-you/cards/"},
    Role.PHYSICIAN: {"home, physician": "/", "thank-you list": "/thank-you/"},
    Role.LIAISON: {"home, liaison": "/"},
}
LINKED = re.compile(rb'(?:src|href)="(/static/[^"#]+)')
FONTS = re.compile(rb"url\([\"']?([^\"')]+\.woff2)")
CLIENTS = 16


def addresses(practice: Practice) -> dict[Role, dict[str, str]]:
    """The pages of each role, with the names of this practice's rows in them."""
    provider = busiest_provider(practice)
    names = {"provider": provider.pk, "misspelt": quote(misspelt(provider.family_name))}
    return {
        role: {what: path.format(**names) for what, path in pages.items()} for role, pages in PAGES.items()
    }


def page_figures(web: Web, practice: Practice, *, at: str, rounds: int) -> Iterator[Figure]:
    """Every page against the page of one query, asked by the same member."""
    for role, pages in addresses(practice).items():
        visitor = Visitor(web.port, sign_in(practice, role).session)
        acts: dict[str, Callable[[], object]] = {}
        for what, path in pages.items():
            acts[f"floor of {what}"] = partial(visitor.get, ONE_QUERY)
            acts[what] = partial(visitor.get, path)
        took = by_turns(acts, rounds=rounds)
        refused = {"refused_for_taking_too_long": visitor.refused} if visitor.refused else {}
        for what in pages:
            budget = "dashboard" if what.startswith("dashboard") else "page"
            floor = took[f"floor of {what}"]
            yield ratio("pages", what, budget, timing=took[what], floor=floor, at=at, **refused)


def logging_figure(web: Web, practice: Practice, *, at: str, rounds: int) -> Figure:
    """A referral logged, against the smallest form of the app that inserts a row."""
    seat = sign_in(practice, Role.COORDINATOR)
    visitor = Visitor(web.port, seat.session)
    form = _referral_form(practice, seat)

    def log() -> None:
        values = {**form, "patient_family_name": f"Testperson {uuid4().hex}", "submission_key": uuid4()}
        if visitor.post("/referrals/new/", values).status != 302:
            raise AssertionError("the referral was not logged")

    took = by_turns({"floor": partial(visitor.post, ONE_INSERT, {}), "log": log}, rounds=rounds)
    return ratio(
        "pages", "logging a referral", "log_referral", timing=took["log"], floor=took["floor"], at=at
    )


def _referral_form(practice: Practice, seat: Seat) -> dict[str, Any]:
    provider = busiest_provider(practice)
    with practice_scope(practice):
        physician = Member.objects.physicians().order_by("pk")[0]
    return {
        "provider": provider.pk, "provider_text": str(provider), "patient_given_name": "Ida",
        "physician": physician.pk, "received_on": seat.member.practice.today(timezone.now()).isoformat(),
        "channel": "fax", "urgency": "routine",
    }  # fmt: skip


def neighbour_figures(
    beside: Web, alone: Web, practice: Practice, sessions: dict[Role, str], *, at: str, rounds: int
) -> Iterator[Figure]:
    """The pages of one practice with other practices' rows in the same tables, by turns with it alone."""
    for role, pages in addresses(practice).items():
        first, second = Visitor(alone.port, sessions[role]), Visitor(beside.port, sessions[role])
        acts: dict[str, Callable[[], object]] = {}
        for what, path in pages.items():
            acts[f"alone: {what}"] = partial(first.get, path)
            acts[what] = partial(second.get, path)
        took = by_turns(acts, rounds=rounds)
        for what in pages:
            yield ratio("neighbours", what, "beside", timing=took[what], floor=took[f"alone: {what}"], at=at)


def throughput_figure(web: Web, practice: Practice, *, at: str, seconds: float) -> Figure:
    """Answers a second of home against those of the page of one query, three times by turns."""
    session = sign_in(practice, Role.MANAGER).session
    counts: dict[str, list[float]] = {ONE_QUERY: [], "/": []}
    for _turn in range(3):
        for path, found in counts.items():
            found.append(answers_a_second(web.port, session, path, clients=CLIENTS, seconds=seconds))
    floor, home = (sorted(found)[1] for found in counts.values())
    more = {"home_a_second": home, "floor_a_second": floor, "clients": CLIENTS}
    return Figure("throughput", "home, manager", "throughput", home / floor, "times", at, more=more)


def memory_figures(web: Web, practice: Practice, *, at: str, seconds: float) -> Iterator[Figure]:
    """The web process under every page in turn by several clients, after a warm-up of a fifth of the time."""
    seats = {role: sign_in(practice, role) for role in PAGES}
    asked = [
        (seats[role].session, path) for role, pages in addresses(practice).items() for path in pages.values()
    ]
    _ask_all(web, asked, seconds=seconds / 5)
    before = memory_of(web.process)
    _ask_all(web, asked, seconds=seconds)
    after = memory_of(web.process)
    more = {"seconds": seconds, "before_mb": before}
    yield Figure("memory", "web process after load", "web_memory", after, "MB", at, more=more)
    yield Figure(
        "memory", "web process, growth after warm-up", "web_growth", after / before, "times", at, more=more
    )


def _ask_all(web: Web, asked: list[tuple[str, str]], *, seconds: float) -> None:
    """Round after round of all pages, four clients at each; the last round is finished."""
    until = time.perf_counter() + seconds
    while True:
        for session, path in asked:
            answers_a_second(web.port, session, path, clients=4, seconds=min(1.0, seconds / len(asked)))
        if time.perf_counter() > until:
            return


def weight_figures(web: Web, practice: Practice) -> Iterator[Figure]:
    """What a browser fetches for home: all of it first, and later what it may not keep."""
    visitor = Visitor(web.port, sign_in(practice, Role.MANAGER).session)
    page = visitor.get("/")
    size = len(page.body)
    visitor.headers["Accept-Encoding"] = "identity"
    html = visitor.get("/").body
    paths = {match.decode() for match in LINKED.findall(html)}
    for sheet in [path for path in paths if path.endswith(".css")]:
        found = FONTS.findall(visitor.get(sheet).body)
        paths |= {urljoin(sheet, match.decode()) for match in found}
    visitor.headers["Accept-Encoding"] = "gzip"
    files = {path: visitor.get(path) for path in sorted(paths)}
    first = size + sum(len(answer.body) for answer in files.values())
    again = [
        len(answer.body) for answer in files.values() if "max-age=" not in answer.headers["Cache-Control"]
    ]
    more = {"page": size, "files": {path: len(answer.body) for path, answer in files.items()}}
    yield Figure("weight", "home, first visit", "weight_first", first / 1024, "KB", more=more)
    yield Figure("weight", "home, later visits", "weight_later", (size + sum(again)) / 1024, "KB", more=more)


def export_figures(web: Web, practice: Practice, *, rows: int, at: str) -> Iterator[Figure]:
    """The log of who saw patients as a file: first byte, whole, and what the web process holds meanwhile."""
    seat = sign_in(practice, Role.MANAGER)
    with practice_scope(practice), connection.cursor() as cursor:
        table = PatientAccess._meta.db_table
        cursor.execute(
            f"INSERT INTO {table} (practice_id, member_id, at, act, page, referral_ids)"
            " SELECT %s, %s, now() - n * interval '1 second', 'viewed', 'referral', ARRAY[n]"
            " FROM generate_series(1, %s) n",
            [practice.pk, seat.member.pk, rows],
        )
    visitor = Visitor(web.port, seat.session)
    visitor.get("/settings/patient-access/export/?referral=1")  # what is imported late is there
    before = most = memory_of(web.process)
    begun = time.perf_counter()
    answer = visitor.streamed("/settings/patient-access/export/")
    answer.read(1)
    first = time.perf_counter() - begun
    lines = 0
    while part := answer.read(1 << 18):
        lines += part.count(b"\n")
        most = max(most, memory_of(web.process))
    whole = time.perf_counter() - begun
    if lines <= rows:
        raise AssertionError(f"{lines} lines of {rows} rows")
    more = {"rows": rows, "seconds": whole}
    yield Figure("export", "CSV, first byte", "export_first_byte", 1000 * first, "ms", at, more=more)
    yield Figure(
        "export", "CSV, growth of the web process", "export_memory", most - before, "MB", at, more=more
    )
