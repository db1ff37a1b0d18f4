"""Beat that stops adding where nobody takes away: with the workers gone, the queue must not fill the broker."""

import logging
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.conf import settings

from referralcrm.queue import is_full

logger = logging.getLogger(__name__)


class BoundedScheduler(Scheduler):
    """Its schedule is one tick, known from the code: nothing worth a file."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if is_full():
            logger.warning(
                "%s is left out: %s messages wait for a worker", entry.name, settings.QUEUE_AT_MOST
            )
        else:
            super().apply_entry(entry, producer)
