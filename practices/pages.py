"""What every view answers with: a page, its fragment for htmx, or a step back to where one came from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

PAGE_ROWS = 25


def page(request: HttpRequest, template: str, context: dict[str, Any] | None = None) -> HttpResponse:
    """Render; a bound form with errors answers 422, which htmx swaps in like any other."""
    context = context or {}
    form = context.get("form")
    status = 422 if form is not None and form.is_bound and not form.is_valid() else 200
    return render(request, template, context, status=status)


def page_of_acts(
    request: HttpRequest, template: str, context: dict[str, Any], *, failed: Any, is_offered: bool
) -> HttpResponse:
    """A page with a form for each act that is possible now; `failed`: the form that was refused, if one was.

    Why it was refused stands on top of the page, for its own place is gone where the act is not offered any more.
    """
    if failed is not None:
        reasons = list(failed.non_field_errors())
        if not reasons and not is_offered:
            reasons = [_("That is not possible any more: this is how it stands now.")]
        for reason in reasons:
            messages.error(request, reason)
    return page(request, template, {**context, "form": failed})


def done(
    request: HttpRequest, message: Any, to: Any, *args: Any, undo: str = "", **kwargs: Any
) -> HttpResponseRedirect:
    """Say that it is done, and go on to `to` (a URL name, a path or an object). `undo`: where it is taken back."""
    messages.success(request, message, extra_tags=undo)
    return redirect(to, *args, **kwargs)


def as_id(text: str) -> int | None:
    """A row's number out of an address or a form, or None for anything that can't be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def moment_of(text: str) -> datetime:
    """A moment out of a page's key. Raises ValueError for what the database could not compare with."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1900 <= moment.year <= 2199:
        raise ValueError(text)
    return moment


def back_to(request: HttpRequest, fallback: str) -> str:
    """The page the form was on, or came from (its `next`), if it is one of ours."""
    wanted = (request.POST if request.method == "POST" else request.GET).get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted.startswith("/") and is_ours else fallback


@dataclass(frozen=True)
class KeyPage:
    """A page of rows found by key, not offset: its cost does not grow with what lies before it."""

    rows: list[Any]
    older_url: str | None
    newer_url: str | None


def key_page(
    request: HttpRequest,
    rows: models.QuerySet,
    *,
    key: Callable[[Any], tuple[Any, ...]],
    after: Callable[[models.QuerySet, list[str]], models.QuerySet],
    size: int = PAGE_ROWS,
) -> KeyPage:
    """`size` rows of an ordered queryset after the key in `?after=a~b`.

    `key(row)` names a row's place, `after(rows, [a, b])` filters to what follows it; a malformed key starts over.
    """
    wanted = request.GET.get("after", "")
    if wanted:
        try:
            rows = after(rows, wanted.split("~"))
        except (ValueError, IndexError, OverflowError):
            wanted = ""
    found = list(rows[: size + 1])
    older = "~".join(str(part) for part in key(found[size - 1])) if len(found) > size else None
    return KeyPage(
        rows=found[:size],
        older_url=query_with(request, after=older) if older else None,
        newer_url=query_with(request, after=None) if wanted else None,
    )


def key_by_time(row: Any) -> tuple[str, int]:
    """The place of a row that is ordered by `at`, newest first, and then by number."""
    return row.at.isoformat(), row.pk


def after_time(rows: models.QuerySet, key: list[str]) -> models.QuerySet:
    """What follows the place that `key_by_time` named."""
    at, pk = moment_of(key[0]), int(key[1])
    return rows.filter(at__lte=at).filter(models.Q(at__lt=at) | models.Q(pk__lt=pk))


def count_up_to(rows: models.QuerySet, cap: int = 1000) -> str:
    """ "37", or "1,000+" beyond the cap: an exact count of a long list costs more than it tells."""
    count = rows.order_by()[: cap + 1].count()
    return f"{cap:,}+" if count > cap else f"{count:,}"


def query_with(request: HttpRequest, **changes: str | None) -> str:
    """This page's query string with these changes; None takes a name out."""
    query = {**request.GET.dict(), **changes}
    return "?" + urlencode({name: value for name, value in query.items() if value})
