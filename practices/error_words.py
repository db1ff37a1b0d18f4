"""What may be said of an error where others read it: never a value of a row, which its own words often quote.

`IntegrityError` tells the row, `ValueError` the text it could not read, `KeyError` the key. So the kind of error and
the place in our code stand in the log, and words only of those that quote nothing.
"""

from typing import Any

# SQLSTATE classes whose first line names tables, constraints and reasons, never values: connection, integrity,
# transaction, privilege, resources, operator's act, system. Not 22, data exceptions, nor P0, raised in a function.
WORDS_OF_THE_DATABASE = ("08", "23", "25", "28", "40", "42501", "53", "55", "57", "58")
# Errors that speak of our code and machines alone.
WORDS_OF_MACHINES = ("redis.", "kombu.", "billiard.", "celery.")
SAFE = (AttributeError, ImportError, NameError, NotImplementedError, RecursionError, MemoryError)


def told(error: BaseException) -> str:
    """The kind of an error, and its words where they can't quote a row."""
    words = _words(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _words(error: BaseException) -> str:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    cause: Any = error.__cause__ if hasattr(error.__cause__, "pgcode") else error
    state = getattr(cause, "pgcode", None)
    if state:
        is_safe = state.startswith(WORDS_OF_THE_DATABASE)
        return f"{state} {cause.diag.message_primary}" if is_safe else state
    if isinstance(error, OSError):
        return error.strerror or ""
    module = f"{type(error).__module__}."
    is_safe = isinstance(error, (*SAFE, ImproperlyConfigured, OperationalError))
    return _first_line(error) if is_safe or module.startswith(WORDS_OF_MACHINES) else ""


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300]
