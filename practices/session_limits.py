"""A session ends by itself: idle, after what the strictest of its user's practices allows; at the latest after
SESSION_HOURS (its row's `expire_date`). What a page asks by itself is not counted as somebody's doing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from practices.models import Member, Practice, Session
from practices.rate_limits import client_address
from practices.requests import PracticeRequest
from practices.sessions import SessionStore

NOTED_EVERY = timedelta(seconds=30)  # a write for each request would cost more than it tells


def polled(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that pages ask by themselves: being asked is nobody's activity."""
    view.is_polled = True  # type: ignore[attr-defined]  # read by `note_activity`
    return view


def idle_limit(seats: list[Member]) -> timedelta:
    """After how long without a person's doing a session ends: the strictest practice decides."""
    minutes = [seat.practice.idle_minutes for seat in seats]
    return timedelta(minutes=min(minutes, default=Practice.IDLE_MINUTES))


def time_left(request: PracticeRequest, *, now: datetime) -> timedelta:
    """How long the session lasts if nothing is done."""
    row = request.session.row
    if row is None:
        return idle_limit(request.seats)
    return min(row.active_at + idle_limit(request.seats), row.expire_date) - now


def end_if_idle(request: PracticeRequest, *, now: datetime) -> bool:
    """End a session that nobody used for too long, and go on as nobody. Its row stays a day, for `practices.drafts`."""
    row = request.session.row
    if row is None or time_left(request, now=now) > timedelta(0):
        return False
    Session.objects.filter(pk=row.pk).update(expire_date=now)
    request.session, request.user = SessionStore(), AnonymousUser()  # type: ignore[assignment]  # as for nobody
    return True


def note_activity(request: PracticeRequest, *, now: datetime) -> None:
    """Somebody did something. Call outside the request's transaction: its lock would hold up the next one."""
    row, view = request.session.row, request.resolver_match and request.resolver_match.func
    if row is None or getattr(view, "is_polled", False) or now - row.active_at < NOTED_EVERY:
        return
    Session.objects.filter(pk=row.pk).update(active_at=now, **seen_from(request))


def seen_from(request: HttpRequest) -> dict[str, str]:
    """Where a session is used, as its list shows it."""
    browser = request.headers.get("User-Agent", "")[: Session._meta.get_field("browser").max_length]
    return {"address": client_address(request), "browser": browser}


def end_sessions(user: Any, *, but: str | None = None) -> int:
    """Sign a user out everywhere, at once; `but` is the key of a session that stays."""
    count, _kinds = Session.objects.filter(user=user).exclude(session_key=but).delete()
    return count
