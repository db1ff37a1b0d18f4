"""Who acts, and through what. Told to the database with the practice, so that the audit trail can say it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from practices.rate_limits import whole_address
from practices.request_ids import current_request

_acting: ContextVar["Actor | None"] = ContextVar("acting", default=None)


@dataclass(frozen=True)
class Actor:
    """As far as it is known.

    `through` is the name of the address, task or command; `practice_id` the practice that the member is of, for a
    secret link may lead its reader into another's.
    """

    through: str = ""
    address: str = ""
    request_id: str = ""
    member_id: int | None = None
    practice_id: int | None = None
    reason: str = ""

    def setting(self, practice_id: int | None) -> str:
        """JSON for `app.actor` while in that practice."""
        said = asdict(self)
        if said.pop("practice_id") != practice_id:
            del said["member_id"]
        return json.dumps({name: value for name, value in said.items() if value})


def current_actor() -> Actor:
    """Whoever was said to act, who asks for the page, or the command that was started."""
    said, request = _acting.get(), current_request()
    if said:
        return said
    return of_request(request) if request else Actor(through=_command())


@contextmanager
def acting(*, through: str, request_id: str = "") -> Iterator[None]:
    """Say what acts until the block ends. The database hears of it when a practice is entered."""
    request_id = request_id or current_actor().request_id
    token = _acting.set(Actor(through=through, request_id=request_id))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def giving_reason(reason: str) -> Iterator[None]:
    """Whoever acts, acts for this reason until the block ends."""
    token = _acting.set(replace(current_actor(), reason=reason))
    try:
        yield
    finally:
        _acting.reset(token)


def of_request(request: HttpRequest) -> Actor:
    """The member who asks, from where, and for which page."""
    member = getattr(request, "member", None)
    return Actor(
        through=_page(request),
        address=whole_address(request),
        request_id=getattr(request, "request_id", ""),
        member_id=member.pk if member else None,
        practice_id=member.practice_id if member else None,
    )


def _page(request: HttpRequest) -> str:
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return ""
    return match.url_name or ""


def _command() -> str:
    is_command = Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1
    return f"manage.py {sys.argv[1]}" if is_command else ""
