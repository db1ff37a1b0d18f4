"""Whether the process lives, whether it can serve, and what it does without for now."""

from datetime import datetime, timedelta
from functools import cache as kept
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from practices.encryption import writing_keys
from practices.models import EncryptionKey
from referralcrm.draining import is_draining

TICKS_MISSED_BEFORE_LATE = 3


# Asked by whatever restarts the process, which has no account.
@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that this process lives."""
    return JsonResponse({"status": "ok"})


# Asked by whatever sends requests here, which has no account; it tells no more than late or not.
@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether pages can be served: 503 while it ends, without database, migrations or a key that may write;
    otherwise what is degraded."""
    needed = {
        "server": "stopping" if is_draining() else "ok",
        "database": _database(),
        "migrations": _migrations(),
        "keys": _keys(),
    }
    helpful = _background(timezone.now())
    if any(part != "ok" for part in needed.values()):
        return JsonResponse({"status": "unavailable", **needed, **helpful}, status=503)
    is_degraded = any(part["status"] != "ok" for part in helpful.values())
    return JsonResponse({"status": "degraded" if is_degraded else "ok", **needed, **helpful})


def record_tick(now: datetime) -> None:
    """Note when the last tick ran; without a cache nothing is noted."""
    _record("last_tick_at", now)


def record_task(now: datetime) -> None:
    """Note when a worker last finished a task; without a cache nothing is noted."""
    _record("last_task_at", now)


def _record(name: str, now: datetime) -> None:
    try:
        cache.set(name, now.isoformat(), timeout=None)
    except (RedisError, OSError):
        return  # the health page says that the broker is away; the work itself goes on


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return "unknown"
    return "ok" if _migrations_of_this_version() <= applied.keys() else "unapplied"


def _keys() -> str:
    """A process that began before its key was retired would write what later starts can't read."""
    try:
        is_retired = EncryptionKey.objects.retired().filter(key_id__in=writing_keys()).exists()
    except DatabaseError:
        return "unknown"
    return "retired" if is_retired else "ok"


@kept  # a process's own files do not change while it lives
def _migrations_of_this_version() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


def _background(now: datetime) -> dict[str, dict[str, Any]]:
    try:
        times = cache.get_many(["last_tick_at", "last_task_at"])
    except (RedisError, OSError):
        unknown = {"status": "degraded", "seconds_ago": None}
        return {"broker": {"status": "degraded"}, "tick": unknown, "worker": unknown}
    return {
        "broker": {"status": "ok"},
        "tick": _age(times.get("last_tick_at"), now),
        "worker": _age(times.get("last_task_at"), now),
    }


def _age(noted: str | None, now: datetime) -> dict[str, Any]:
    if noted is None:
        return {"status": "degraded", "seconds_ago": None}
    age = now - datetime.fromisoformat(noted)
    is_late = age > timedelta(seconds=TICKS_MISSED_BEFORE_LATE * settings.TICK_SECONDS)
    return {"status": "degraded" if is_late else "ok", "seconds_ago": round(age.total_seconds())}
