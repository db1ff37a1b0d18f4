"""Log lines with what an operator looks for, and without what they must not see (docs/logs.md).

A line is put together of known parts. What a library adds to a record of its own (`extra`), a request's path and
query, an exception's words, a task's arguments are left out: each may name a patient or let its reader in.
"""

import json
import logging
import logging.config
import os
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from practices.error_words import told

OURS = ("method", "status", "duration_ms")  # what our own records add
SECRET_LINK = re.compile(r"(/invitation/|/password/reset/|/calendar/|/f/|/mail/stop/)[^/\s]+")
QUERY = re.compile(r"\?[^\s\"']*=[^\s\"']*")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HERE = Path(__file__).resolve().parent.parent
FRAMES = 40


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """The parts of a line, in their order, those without a value left out."""
    error = record.exc_info[1] if record.exc_info else None
    facts = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": message_of(record),
        **{name: getattr(record, name, None) for name in OURS},
        **_around(record),
        "error": " < ".join(_chain(error)) if error else None,
        "where": _frames(error) if error else None,
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def message_of(record: logging.LogRecord) -> str:
    """What was said, in one line, without addresses' secrets and errors' words."""
    if record.name.startswith("django.security") and not record.args:
        text = record.name.rpartition(".")[2]  # the message is the exception's, which may quote the request
    else:
        text = _said(record)
    text = SECRET_LINK.sub(r"\1…", QUERY.sub("?…", text))
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _said(record: logging.LogRecord) -> str:
    try:
        return str(record.msg) % _harmless(record) if record.args else str(record.msg)
    except (TypeError, ValueError, KeyError):
        return str(record.msg)


def _harmless(record: logging.LogRecord) -> Any:
    """The arguments of a message: errors by their kind, a path by its route, of a task's failure no words."""
    from practices.request_log import route_of

    error = record.exc_info[1] if record.exc_info else None
    if isinstance(record.args, dict):
        # Celery's: `exc` is the exception's words, unless it is a retry, whose reason they are.
        kind = told(error) if error else re.split(r"[(:]", str(record.args.get("exc", "")), maxsplit=2)[:2]
        return {**record.args, "exc": kind if isinstance(kind, str) else ":".join(kind), "return_value": ""}
    request = getattr(record, "request", None)
    return tuple(
        told(one)
        if isinstance(one, BaseException)
        else route_of(request)
        if request and str(one).startswith("/")
        else one
        for one in record.args or ()
    )


def _around(record: logging.LogRecord) -> dict[str, Any]:
    """In whose request or task this was said."""
    from celery import current_task
    from django_scopes import get_scope

    from practices.request_ids import current_request
    from practices.request_log import route_of

    request = getattr(record, "request", None) or current_request()
    member = getattr(request, "member", None)
    facts: dict[str, Any] = {"request_id": getattr(request, "request_id", None)}
    if request is not None:
        facts["route"] = route_of(request)
    if member is not None:
        facts |= {"member": member.pk, "practice": member.practice_id}
    elif practice := get_scope().get("practice"):
        facts["practice"] = practice
    if current_task and current_task.request.id:
        facts |= {"task": current_task.name, "task_id": current_task.request.id}
    return facts


def _chain(error: BaseException | None) -> Iterator[str]:
    """The error, and what it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < 8:
        seen.add(id(error))
        yield CONTROL.sub(" ", told(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> list[str]:
    return [
        f"{os.path.relpath(frame.filename, HERE)}:{frame.lineno} {frame.name}"
        for frame in _summary(error.__traceback__)[-FRAMES:]
    ]


def _summary(trace: TracebackType | None) -> traceback.StackSummary:
    return traceback.extract_tb(trace)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(facts_of(record), default=str)


class TextLines(logging.Formatter):
    """For eyes: time, level, who speaks, what; then the rest as name=value, and an error's way below."""

    def format(self, record: logging.LogRecord) -> str:
        facts = facts_of(record)
        head = [facts.pop("at"), facts.pop("level"), facts.pop("logger"), facts.pop("message", "")]
        frames = facts.pop("where", [])
        line = " ".join([*head, *(f"{name}={value}" for name, value in facts.items())])
        return "\n    ".join([line, *frames])


def logging_of(form: str) -> dict[str, Any]:
    """The configuration of every process of ours: all lines to standard error, as `text` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "referralcrm.logs.TextLines"},
            "json": {"()": "referralcrm.logs.JsonLines"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            # Django's own would mail errors with all they hold to ADMINS.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
