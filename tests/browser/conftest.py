"""Real Chromium against a real server: our WSGI application in a thread, its static files from the manifest.

What a browser test writes is committed, for the server's threads read it over connections of their own. After
the test the owner's role empties the tables again: the application's role may not TRUNCATE, which rules out
pytest-django's `live_server` and `transactional_db`. A test asks for `site` (or for `browser_page`, which needs
it), makes its data inside `practice_scope`, and signs in:

    def test_...(site, browser_page):
        manager = make.member(Role.MANAGER, make.practice())
        site.sign_in(browser_page, manager)
        browser_page.goto(site.url + "/referrals/new/")

`new_page(width=360, has_touch=True)` opens further pages: a phone, a dark theme, one without scripting.
`axe_violations(page)` runs axe-core in the page. A request to another host, or an error on the page's console
(a broken content policy is one), fails the test.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from practices.models import Member
from practices.sessions import SessionStore

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
KEPT_TABLES = ("django_migrations", "django_content_type", "practices_encryptionkey")
PATIENCE = 30_000  # ms: a busy machine is no fault of the page

expect.set_options(timeout=PATIENCE)

# Playwright's synchronous interface runs an event loop in this thread, and Django would refuse the ORM beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The pages say what went wrong; a line per request would bury it."""


@dataclass
class Site:
    """The running product."""

    url: str
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, page: Page, member: Member) -> None:
        """Give this page's browser the session that signing in would have made."""
        session = SessionStore()
        session[SESSION_KEY] = str(member.user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = member.user.get_session_auth_hash()
        session["practice_id"] = member.practice_id
        session.save()
        cookie = {
            "name": settings.SESSION_COOKIE_NAME,
            "value": session.session_key,
            "url": self.url,
            "httpOnly": True,
        }
        page.context.add_cookies([cookie])

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda line: self._console(page, line))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, page: Page, line: Any) -> None:
        # The browser writes every answer from 400 on into the console; the tests look at those themselves.
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            self.complaints.append(f"{page.url}: {line.text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "about:", "blob:")):
            self.complaints.append(f"asked another host: {url}")


@pytest.fixture(scope="session")
def server(django_db_setup: None, static_files: Path) -> Iterator[str]:
    """The address of the application, served by a thread of this process over database connections of its own."""
    connection.settings_dict["CONN_MAX_AGE"] = 0
    httpd = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    httpd.daemon_threads = True
    httpd.set_app(WSGIHandler())
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(server: str, django_db_blocker: Any) -> Iterator[Site]:
    """The product on an empty database, and what its pages complained about, which must be nothing."""
    running = Site(server)
    with django_db_blocker.unblock():
        try:
            yield running
        finally:
            connection.close()
            _empty_tables()
    assert running.complaints == []


@pytest.fixture
def new_page(site: Site, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page: `width`, and whatever a browser context takes (`has_touch`, `java_script_enabled` …)."""
    contexts: list[BrowserContext] = []

    def open_page(*, width: int = 1280, **options: Any) -> Page:
        defaults = {"viewport": {"width": width, "height": 800}, "locale": "en-US"}
        contexts.append(chromium.new_context(**{**defaults, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        site.watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def browser_page(new_page: Callable[..., Page]) -> Page:
    """A page at desk width."""
    return new_page()


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, one line for each element."""
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def _empty_tables() -> None:
    """As the owner, who owns the tables; row security does not hold back a TRUNCATE."""
    owner = psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=settings.OWNER_DATABASE["USER"],
        password=settings.OWNER_DATABASE["PASSWORD"],
        host=settings.OWNER_DATABASE["HOST"],
        port=settings.OWNER_DATABASE["PORT"] or None,
    )
    try:
        with owner, owner.cursor() as cursor:
            cursor.execute("SET lock_timeout = '30s'")
            cursor.execute(
                "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> ALL(%s)",
                [list(KEPT_TABLES)],
            )
            tables = cursor.fetchone()[0]
            cursor.execute("SET session_replication_role = replica")  # the audit trail's triggers refuse it
            cursor.execute(f"TRUNCATE {tables} CASCADE")
    finally:
        owner.close()
