"""Home, and the figures: referrals, referrers, thank-yous and touchpoints; each opens its rows, each can be taken away."""

from collections.abc import Callable
from dataclasses import replace

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_safe

from insights import pages
from insights.forms import TouchpointsForm
from insights.home import home_with_figures
from insights.pages import Desk, Shown
from practices.pages import page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, member_required, role_required
from practices.spreadsheets import FORMATS


@require_safe
@member_required
def home(request: PracticeRequest) -> HttpResponse:
    """What should I do now? By role; then a few figures."""
    now = timezone.now()
    shown, strip = home_with_figures(request.member, now=now)
    context = {"shown": shown, "strip": strip, "today": request.member.practice.today(now)}
    return page(request, "touchpoints/home.html", context)


@require_safe
@member_required
def insights(request: PracticeRequest) -> HttpResponse:
    """Referrals against last year and over twelve months."""
    return _shown(request, "insights", pages.referral_page)


@require_safe
@member_required
def insights_senders(request: PracticeRequest) -> HttpResponse:
    """Who refers, and how they stand."""
    return _shown(request, "insights_senders", pages.sender_page)


@require_safe
@member_required
def insights_outreach(request: PracticeRequest) -> HttpResponse:
    """Thank-yous, and touchpoints by kind and member."""
    return _shown(request, "insights_outreach", pages.outreach_page)


@require_GET
@member_required
def insights_touchpoints(request: PracticeRequest) -> HttpResponse:
    """The touchpoints behind a figure, the newest first."""
    filters = TouchpointsForm(request.GET)
    found = pages.touchpoint_page(request, chosen=filters.chosen)
    return page(request, "insights/touchpoints.html", {"filters": filters, "page": found})


@require_safe
@role_required(*ADMINISTERS)
def insights_exported(request: PracticeRequest, table: str, extension: str) -> HttpResponse:
    """One table as a file for a spreadsheet, all of its rows."""
    if table not in pages.TABLES or extension not in FORMATS:
        raise Http404
    desk = replace(Desk.of(request.member, request.GET, now=timezone.now()), most=None)
    write, content_type = FORMATS[extension]
    lines = pages.TABLES[table](desk).lines
    answer = HttpResponse(write(lines, title=table), content_type=content_type)
    of = slugify(f"{table} {desk.today} {desk.form.in_words(*pages.FILTERS[table])}")
    answer["Content-Disposition"] = f'attachment; filename="{of}.{extension}"'
    return answer


def _shown(request: PracticeRequest, name: str, made_of: Callable[[Desk], Shown]) -> HttpResponse:
    desk = Desk.of(request.member, request.GET, now=timezone.now())
    context = {
        "shown": made_of(desk),
        "tabs": pages.tabs_of(desk, name),
        "may_export": request.member.role in ADMINISTERS,
    }
    return page(request, "insights/figures.html", context)
