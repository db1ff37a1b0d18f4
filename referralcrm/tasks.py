"""The tick and what it fans out. Tasks hold no rule: they enter a practice and call one.

The database says what is due. Every effect is a row under a unique key, so a missed tick, two beats, a
redelivered message or a killed worker change nothing (docs/decisions/0002-the-tick.md).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from exchange.tasks import tend_imports
from insights.counting import count_figures
from practices.acting import acting
from practices.forgetting import forget_what_is_old, forget_what_is_over
from practices.isolation import practice_scope
from practices.models import Practice
from practices.outbox import AT_ONCE, send_due
from practices.tasks import carry_rotation_on
from referralcrm.health import record_task, record_tick
from touchpoints.digests import make_due_digests
from touchpoints.reminders import remind
from touchpoints.standing_in import keep_stand_ins
from touchpoints.thank_you_lists import make_due_thank_you_lists

RETRIED: dict[str, Any] = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 8}

# What a practice is asked at each tick, in this order, each in its own transaction.
QUESTIONS: tuple[Callable[..., Any], ...] = (
    make_due_thank_you_lists,
    remind,
    keep_stand_ins,
    make_due_digests,
    tend_imports,
    count_figures,
    forget_what_is_old,
)


def _moment(now: str | None) -> datetime:
    return datetime.fromisoformat(now) if now else timezone.now()


@shared_task(name="referralcrm.tick", **RETRIED)
def tick(now: str | None = None) -> None:
    """Ask every practice what is due at `now` (ISO, aware; default: the clock), and hasten the outbox."""
    moment = _moment(now)
    record_tick(timezone.now())
    # First: behind more practices than a tick's time is enough for, it would be overtaken each time.
    send_mail.apply_async(expires=None if now else settings.TICK_SECONDS)
    # A message that waited longer than a tick is overtaken by the next one's: in any order, so that it is not
    # always the same practices that a busy worker leaves to the next tick.
    for practice_id in Practice.objects.order_by("?").values_list("pk", flat=True):
        tick_practice.apply_async(
            [practice_id, moment.isoformat()], expires=None if now else settings.TICK_SECONDS
        )
    carry_rotation_on()


@shared_task(name="referralcrm.tick_practice", **RETRIED)
def tick_practice(practice_id: int, now: str) -> None:
    """Do what one practice is due at `now`."""
    for question in QUESTIONS:
        with acting(through=question.__name__), practice_scope(practice_id):
            question(now=_moment(now))
    record_task(timezone.now())


@shared_task(name="referralcrm.send_mail", **RETRIED)
def send_mail() -> None:
    """Send what the outbox holds, and forget what is over."""
    if send_due(timezone.now()) == AT_ONCE:
        send_mail.delay()  # the digests of many practices strike at one hour: the rest need not wait for the tick
    forget_what_is_over(now=timezone.now())
    record_task(timezone.now())  # before the first practice, it is the only task there is
