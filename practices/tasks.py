"""Work on a practice's rows that serves none of its people: keys that change."""

from datetime import datetime

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from practices import key_rotation
from practices.models import Practice


def carry_rotation_on() -> None:
    """What the tick asks for: where keys change, a while of each practice's rewriting, then whether all is done."""
    if not key_rotation.is_under_way():
        return
    for practice_id in (None, *Practice.objects.order_by("?").values_list("pk", flat=True)):
        rewrite_rows.apply_async([practice_id], expires=settings.TICK_SECONDS)
    retire_keys.apply_async([timezone.now().isoformat()], expires=settings.TICK_SECONDS)


@shared_task(name="practices.rewrite_rows")
def rewrite_rows(practice_id: int | None) -> None:
    if key_rotation.is_under_way():
        key_rotation.rewrite(practice_id)


@shared_task(name="practices.retire_keys")
def retire_keys(now: str) -> None:
    key_rotation.retire(datetime.fromisoformat(now))
