"""How far a job is: told through the cache, since the job's own transaction shows nothing until it ends."""

import logging

from django.core.cache import cache

logger = logging.getLogger(__name__)
KEPT_FOR = 3600
EVERY = 2000


def tell(import_id: int, rows: int) -> None:
    """Say how many rows the job has read, now and then."""
    if rows % EVERY:
        return
    try:
        cache.set(_key(import_id), rows, KEPT_FOR)
    except OSError as error:  # a job does not fail for want of somebody watching
        logger.warning("progress of import %s not told: %s", import_id, type(error).__name__)


def rows_so_far(import_id: int) -> int:
    try:
        return cache.get(_key(import_id), 0)
    except OSError:
        return 0


def forget(import_id: int) -> None:
    try:
        cache.delete(_key(import_id))
    except OSError as error:
        logger.warning("progress of import %s not cleared: %s", import_id, type(error).__name__)


def _key(import_id: int) -> str:
    return f"import-progress:{import_id}"
