"""Beat that goes on after the clock was set back, and stops adding where nobody takes away."""

import logging
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.conf import settings

from referralcrm.queue import is_full

logger = logging.getLogger(__name__)


class BoundedScheduler(Scheduler):
    """Its schedule is one tick, known from the code: nothing worth a file."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Strike what is due; the seconds until the next look.

        Celery notes the next strike by the clock, and after a clock set back an hour sleeps through that hour.
        """
        delay = super().tick(*args, **kwargs)
        if delay <= settings.TICK_SECONDS:
            return delay
        self._heap = None  # made anew from what is due by the clock as it is
        return super().tick(*args, **kwargs)

    # With the workers gone, the queue must not fill the broker.
    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if is_full():
            logger.warning(
                "%s is left out: %s messages wait for a worker", entry.name, settings.QUEUE_AT_MOST
            )
        else:
            super().apply_entry(entry, producer)
