"""The Celery app. Beat only ticks; what is due, the database says (docs/decisions)."""

import os
import sys
from contextlib import ExitStack
from datetime import datetime

from celery import Celery, Task
from celery.schedules import schedstate, schedule
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

app = Celery("referralcrm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class EverySoOften(schedule):
    """Every so many seconds, also after the clock was set back: celery's own waits until it shows the old time."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        if self.maybe_make_aware(last_run_at) > self.now():
            return schedstate(is_due=True, next=self.seconds)
        return super().is_due(last_run_at)


@app.on_after_finalize.connect
def tick_every_so_often(sender: Celery, **kwargs: object) -> None:
    from django.conf import settings

    seconds = settings.TICK_SECONDS
    sender.add_periodic_task(
        EverySoOften(seconds), sender.signature("referralcrm.tick"), name="tick", expires=seconds
    )


@setup_logging.connect
def speak_as_the_web_server_does(**kwargs: object) -> None:
    """Celery adds no handler of its own where somebody answers this."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@worker_init.connect
def refuse_without_the_right_keys(**kwargs: object) -> None:
    from django.db import DatabaseError

    from practices.encryption import KeysRefused, verify_keys

    try:
        verify_keys()
    except KeysRefused as error:  # Celery would log any other exception of a signal, and go on
        sys.exit(str(error))
    except DatabaseError:
        sys.exit("The database can't be reached, or has no tables yet: run migrate first.")


# Each task's block around it, by its number, until it ends.
_running: dict[str, ExitStack] = {}


@task_prerun.connect
def say_what_acts(task_id: str, task: Task, **kwargs: object) -> None:
    """The audit trail says which task changed a row."""
    from practices.acting import acting

    _running[task_id] = ExitStack()
    _running[task_id].enter_context(acting(through=task.name.rpartition(".")[2], request_id=task_id))


@task_postrun.connect
def say_it_no_more(task_id: str, **kwargs: object) -> None:
    """The next task is another."""
    if block := _running.pop(task_id, None):
        block.close()
