"""The import's work in the background: each task enters the practice and calls one rule."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from celery import shared_task
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from exchange import checking, files, undoing, writing
from exchange.models import Import
from practices.isolation import because, practice_scope

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)
CONNECTION_LOST = (OperationalError, InterfaceError)


@shared_task(name="exchange.check_import")
def check_import(practice_id: int, import_id: int) -> None:
    _run(checking.check, practice_id, import_id)


@shared_task(name="exchange.write_import")
def write_import(practice_id: int, import_id: int) -> None:
    _run(writing.write, practice_id, import_id)


@shared_task(name="exchange.undo_import")
def undo_import(practice_id: int, import_id: int) -> None:
    _run(undoing.undo, practice_id, import_id)


def tend_imports(*, now: datetime) -> None:
    """What the tick asks for: delete what was kept long enough, and hand what waits to a worker again."""
    files.purge(now)
    for source in Import.objects.waiting().filter(state_since__lt=now - PATIENCE):
        queue(source)


def queue(source: Import) -> None:
    """Hand an import to a worker after commit. Should the broker be down, the tick does it again."""
    state = Import.State
    task = {state.CHECKING: check_import, state.WRITING: write_import, state.UNDOING: undo_import}[
        state(source.state)
    ]
    arguments = (source.practice_id, source.pk)
    transaction.on_commit(lambda: task.delay(*arguments), robust=True)


def _run(rule: Callable[..., None], practice_id: int, import_id: int) -> None:
    now = timezone.now()
    try:
        with practice_scope(practice_id), because(f"import {import_id}"):
            rule(import_id, now=now)
    except CONNECTION_LOST:
        raise  # nothing was written; the message comes again, or the tick sends another
    except Exception as error:
        # Neither a traceback nor the database's words: both may quote a patient's row.
        logger.error("import %s failed: %s", import_id, type(error).__name__)
        _fail(practice_id, import_id, now)


def _fail(practice_id: int, import_id: int, now: datetime) -> None:
    with practice_scope(practice_id):
        source = Import.objects.waiting().select_for_update(of=("self",)).filter(pk=import_id).first()
        if source:
            was_undoing = source.state == Import.State.UNDOING
            source.enter(
                Import.State.DONE if was_undoing else Import.State.FAILED,
                now=now,
                failure=_("Something went wrong on our side. Nothing was changed. Please try again."),
            )
