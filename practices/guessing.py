"""Guessing is slowed, by account, by browser and by network, and counted in the database: a restart of anything
forgets nothing, and any number of processes count together.

A try is counted before it is looked at, under a lock, so many at once get no more. Nobody is locked out for good: the
longest wait is a quarter of an hour, and a browser that has signed in as somebody before has a count of its own, which
strangers can't use up (the device cookies of OWASP).
"""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from practices.models import Guess
from practices.rate_limits import client_address

# So many may fail at once before the next has to wait.
FREE = {"password": 5, "code": 5, "address": 30, "reset": 3, "reset-address": 20}
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
KNOWN_FOR = timedelta(days=90)
SALT = "practices.guessing"


class TooManyTries(Exception):
    """Not looked at: come back after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"{wait} to wait")
        self.wait = wait


class Subject(NamedTuple):
    """Whose tries are counted together: `kind` of FREE, and an account, a browser or a network."""

    kind: str
    who: str

    @property
    def hash(self) -> bytes:
        """What is kept of it."""
        return salted_hmac(SALT, f"{self.kind}:{self.who}", algorithm="sha256").digest()


def account(kind: str, request: HttpRequest, email: str) -> Subject:
    """The account, or where it signed in from this browser before, this browser's share of it."""
    mark = _mark(request, email)
    return Subject(kind, f"browser:{mark}" if mark else f"account:{email.strip().lower()}")


def network(request: HttpRequest, kind: str = "address") -> Subject:
    """Whoever shares the visitor's address."""
    return Subject(kind, client_address(request))


def count_try(*subjects: Subject, now: datetime) -> None:
    """Count a try before looking at it. Raises TooManyTries: then it is neither counted nor looked at."""
    for subject in subjects:
        wait = _count(subject, now)
        if wait > timedelta(0):
            raise TooManyTries(wait)


def forgive(*subjects: Subject) -> None:
    """What was tried succeeded: begin from nothing."""
    Guess.objects.filter(subject__in=[subject.hash for subject in subjects]).update(failures=0)


def write_for_nothing(subject: Subject) -> None:
    """A commit in place of the one that somebody's account would have cost: it takes as long."""
    Guess.objects.filter(subject=subject.hash).update(failures=F("failures"))


def take_back(subject: Subject) -> None:
    """What was tried succeeded, but others count here too: this one alone is no failure."""
    Guess.objects.filter(subject=subject.hash).update(failures=Greatest(F("failures") - 1, 0))


def wait_after(failures: int, *, free: int) -> timedelta:
    """Nothing while some are free, then half a minute, twice as long each time, a quarter of an hour at most."""
    beyond = failures - free
    return timedelta(0) if beyond < 0 else min(LONGEST, SHORTEST * 2 ** min(beyond, 10))


def wait_of(subject: Subject, *, now: datetime) -> timedelta:
    """How long the next try has to wait."""
    row = Guess.objects.filter(subject=subject.hash).first()
    return _wait(row, subject, now) if row else timedelta(0)


@transaction.atomic
def _count(subject: Subject, now: datetime) -> timedelta:
    row, _is_new = Guess.objects.select_for_update().get_or_create(
        subject=subject.hash, defaults={"tried_at": now}
    )
    row.tried_at = min(row.tried_at, now)  # a clock set back must not make the wait longer
    wait = _wait(row, subject, now)
    if not wait:
        row.failures = 1 if row.tried_at < now - FORGOTTEN_AFTER else row.failures + 1
        row.tried_at = now
    row.save()
    return wait


def _wait(row: Guess, subject: Subject, now: datetime) -> timedelta:
    return max(timedelta(0), row.tried_at + wait_after(row.failures, free=FREE[subject.kind]) - now)


def know_browser(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Let a browser that signed in count its tries by itself from now on."""
    response.set_signed_cookie(
        _cookie(email),
        _mark(request, email) or secrets.token_urlsafe(12),
        salt=SALT,
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _mark(request: HttpRequest, email: str) -> str | None:
    # The signature is bound to the cookie's name, and so to the account.
    return request.get_signed_cookie(_cookie(email), default=None, salt=SALT, max_age=KNOWN_FOR)


def _cookie(email: str) -> str:
    prefix = "__Host-" if settings.SESSION_COOKIE_SECURE else ""
    return f"{prefix}known-{Subject('cookie', email.strip().lower()).hash.hex()[:16]}"
