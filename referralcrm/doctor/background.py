"""The broker and what runs in the background: whether it runs, and whether mail leaves."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from practices.models import OutboxEnvelope
from referralcrm.doctor.findings import Check, Finding, look, ok, wrong

TICKS_LATE = 3
MAIL_IS_STUCK_AFTER = timedelta(hours=1)


def broker_answers() -> Finding:
    """Whether Valkey or Redis is there."""
    try:
        _broker().ping()
    except (RedisError, OSError):
        return wrong(
            "The broker does not answer: no list, reminder or mail is made", "start it, or see REDIS_URL"
        )
    return ok("The broker answers")


def broker_forgets_nothing() -> Finding:
    """Whether it would drop a task to make room."""
    policy = _told("maxmemory-policy")
    if policy is None:
        return look("The broker does not say its maxmemory-policy", "make sure that it is noeviction")
    if policy != "noeviction":
        return wrong(
            f"The broker forgets tasks when its memory is full ({policy})", "set maxmemory-policy noeviction"
        )
    return ok("The broker forgets nothing to make room")


def broker_writes_to_disk() -> Finding:
    """Whether what waits outlives the broker's restart."""
    if _told("appendonly") == "yes":
        return ok("The broker writes what waits to disk")
    return look(
        "The broker does not write to disk: what waits at its restart comes only with the next tick",
        "set appendonly yes",
    )


def tick_is_on_time() -> Finding:
    """Whether beat asks what is due, and a worker hears it."""
    return _on_time(
        "last_tick_at", "The tick", "unless it was just started: start beat and a worker, see their logs"
    )


def worker_works() -> Finding:
    """Whether a worker has finished a task of late."""
    return _on_time("last_task_at", "A worker", "unless it was just started: start a worker, see its log")


def mail_leaves() -> Finding:
    """Whether mails wait that should long have been sent."""
    now = timezone.now()
    if not settings.EMAIL_URL:
        waiting = OutboxEnvelope.objects.filter(state=OutboxEnvelope.State.WAITING).count()
        return look(
            f"No mail is sent: EMAIL_URL is not set ({waiting} wait)", "set EMAIL_URL (docs/settings.md)"
        )
    given_up = OutboxEnvelope.objects.filter(state=OutboxEnvelope.State.FAILED).count()
    if stuck := OutboxEnvelope.objects.due(now - MAIL_IS_STUCK_AFTER).count():
        return wrong(f"{stuck} mails wait for more than an hour", "start a worker; look at /settings/outbox/")
    if given_up:
        return look(f"{given_up} mails were given up", "look at /settings/outbox/, mend the cause, try again")
    return ok("No mail is stuck")


def _on_time(noted_under: str, who: str, mend: str) -> Finding:
    noted = cache.get(noted_under)
    if noted is None:
        return wrong(f"{who} has not been heard of", mend)
    age = timezone.now() - datetime.fromisoformat(noted)
    if age > timedelta(seconds=TICKS_LATE * settings.TICK_SECONDS):
        return wrong(f"{who} was last heard of {age.total_seconds():.0f} s ago", mend)
    return ok(f"{who} was heard of {age.total_seconds():.0f} s ago")


def _told(name: str) -> str | None:
    """What the broker says of a setting; None where it may not be asked, as with a hosted one."""
    try:
        return _broker().config_get(name).get(name)
    except RedisError:
        return None


def _broker() -> Any:
    address = settings.REDIS_URL.replace("redis+socket://", "unix://")
    return Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)


CHECKS: tuple[Check, ...] = (
    broker_answers,
    broker_forgets_nothing,
    broker_writes_to_disk,
    tick_is_on_time,
    worker_works,
    mail_leaves,
)
