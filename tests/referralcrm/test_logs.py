"""What stands in a log line, and what never does."""

import json
import logging
import sys
from datetime import date

import pytest
from celery import shared_task
from django.db import connection
from django.urls import reverse

from contacts.models import Referral
from practices.error_words import told
from practices.isolation import practice_scope
from practices.models import Draft
from referralcrm.logs import JsonLines, TextLines, facts_of
from tests import make
from tests.test_access import World

SECRET = "Zebrowski"
RISKY = "Zébrøwski'; DROP TABLE x; -- %s {0} \n\u202e<script>"


class Lines(logging.Handler):
    """What the real formatters make of everything that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.facts: list[dict] = []
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.facts.append(facts_of(record))
        self.text += JsonLines().format(record) + TextLines().format(record) + "\n"


@pytest.fixture
def lines():
    handler, root = Lines(), logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


def record(name: str, message: str, *args: object, error: BaseException | None = None, **extra: object):
    made = logging.LogRecord(
        name, logging.ERROR, "", 1, message, args, (type(error), error, None) if error else None
    )
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("/invitation/fL0nrCv_9-x/", "/invitation/…/"),
        ("/password/reset/2-c5x-0a9b/?next=/", "/password/reset/…/?…"),
        ("/calendar/fL0nrCv_9-x.ics", "/calendar/…"),
        ("/f/fL0nrCv_9-x/", "/f/…/"),
        ("/mail/stop/fL0nrCv_9-x/", "/mail/stop/…/"),
        ("/referrals/?q=Zebrowski", "/referrals/?…"),
        ("/referrals/12/", "/referrals/12/"),
    ],
)
def test_an_address_is_logged_without_its_secret(address, logged):
    assert facts_of(record("gunicorn.error", "Error handling request %s", address))["message"].endswith(
        logged
    )


def test_a_line_is_one_line_whatever_it_says():
    text = JsonLines().format(record("x", "a\nb\u2028c\u202ed"))
    assert "\n" not in text
    assert json.loads(text)["message"] == "a\\u000ab\\u2028c\\u202ed"
    assert TextLines().format(record("x", "a\nINFO forged")).count("\n") == 0


def test_what_a_library_adds_to_a_record_is_left_out():
    assert SECRET not in JsonLines().format(record("x", "said", patient=SECRET, data={"args": SECRET}))


class TestAnError:
    @pytest.mark.parametrize(
        "error", [ValueError(SECRET), KeyError(SECRET), RuntimeError(SECRET), TypeError(SECRET)]
    )
    def test_is_told_by_its_kind(self, error):
        assert told(error) == type(error).__name__

    def test_keeps_words_of_machines(self):
        assert told(FileNotFoundError(2, "No such file", f"/{SECRET}")) == "FileNotFoundError: No such file"
        assert "closed" in told(AttributeError("closed"))

    def test_as_an_argument_is_told_so_too(self):
        assert SECRET not in JsonLines().format(record("x", "it failed: %s", ValueError(SECRET)))

    def test_says_where_it_came_from_and_what_it_came_of(self):
        try:
            try:
                raise KeyError(SECRET)
            except KeyError as error:
                raise ValueError(SECRET) from error
        except ValueError as error:
            facts = facts_of(record("x", "failed", error=error))
            facts |= facts_of(logging.LogRecord("x", 40, "", 1, "failed", (), sys.exc_info()))
        assert facts["error"] == "ValueError < KeyError"
        assert "tests/referralcrm/test_logs.py" in facts["where"][-1]

    @pytest.mark.django_db
    def test_of_the_database_says_the_constraint_and_no_value(self, lines):
        practice = make.practice()
        with practice_scope(practice):
            member = make.member("manager", practice)
            Draft.objects.create(member=member, form=SECRET, data=SECRET)
        try:
            with practice_scope(practice):
                Draft.objects.create(member=member, form=SECRET, data=SECRET)
        except Exception:
            logging.getLogger("x").exception("it failed")
        assert "draft_once_per_member_and_form" in lines.text
        assert "IntegrityError: 23505" in lines.text
        assert SECRET not in lines.text

    @pytest.mark.django_db
    def test_of_bad_data_says_its_number_alone(self):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s::integer", [SECRET])
        except Exception as error:
            assert told(error) == "DataError: 22P02"


@shared_task(name="tests.breaks")
def breaks(name: str) -> None:
    raise ValueError(name)


class TestARequest:
    @pytest.mark.django_db
    def test_is_a_line_with_who_what_and_how_long(self, client, lines):
        world = World()
        client.force_login(world.manager.user)
        with practice_scope(world.practice):
            address = reverse("referral", args=[world.referral.pk])
        answer = client.get(f"{address}?q={SECRET}")
        (line,) = [facts for facts in lines.facts if facts["logger"] == "referralcrm.request"]
        assert line["duration_ms"] >= 0
        assert {
            name: line[name] for name in ("method", "route", "status", "member", "practice", "request_id")
        } == {
            "method": "GET",
            "route": "/referrals/<int:referral_id>/",
            "status": 200,
            "member": world.manager.pk,
            "practice": world.practice.pk,
            "request_id": answer["X-Request-ID"],
        }
        assert SECRET not in lines.text

    @pytest.mark.django_db
    def test_of_whoever_watches_over_us_is_none(self, client, lines):
        client.get("/healthz"), client.get("/readyz")
        assert [facts for facts in lines.facts if facts["logger"] == "referralcrm.request"] == []

    @pytest.mark.django_db
    def test_that_fails_leaves_nothing_of_the_patient(self, client, lines, monkeypatch):
        world = World()
        client.force_login(world.manager.user)
        client.raise_request_exception = False
        with practice_scope(world.practice):
            make.referral(
                by=world.manager, patient_family_name=RISKY, notes=SECRET, received_on=date(2026, 11, 10)
            )
        monkeypatch.setattr(Referral, "save", lambda self, **kwargs: int(self.patient_family_name))
        monkeypatch.setattr("contacts.referral_way.log_referral", lambda **said: {}[RISKY], raising=False)
        asked = {
            "patient_family_name": RISKY,
            "notes": SECRET,
            "email": f"{SECRET}@example.test",
            "q": SECRET,
        }
        for name in ("referral_new", "patient_find", "account_login", "provider_new", "search"):
            client.post(reverse(name), asked)
            client.get(reverse(name), asked)
        client.get(f"/no/{SECRET}/"), client.get("/f/Zebrowski-secret/"), client.get("/\x00Zebrowski")
        client.post("/referrals/new/", data=f"{SECRET}\x00", content_type="multipart/form-data; boundary=x")
        client.get("/", headers={"host": SECRET})
        assert lines.facts
        for risky in (SECRET, "brøwski", "br\\u00f8wski", "example.test"):
            assert risky not in lines.text


@pytest.mark.django_db
def test_a_failed_task_says_its_name_number_and_error_and_nothing_it_was_given(lines):
    with pytest.raises(ValueError, match=SECRET):
        breaks.apply(args=[SECRET], throw=True)
    breaks.apply(args=[SECRET])
    failed = [facts for facts in lines.facts if facts["logger"] == "celery.app.trace"]
    assert failed
    assert "tests.breaks" in failed[-1]["message"]
    assert failed[-1]["error"] == "ValueError"
    assert SECRET not in lines.text
