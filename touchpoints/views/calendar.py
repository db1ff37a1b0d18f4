"""A member's calendar: its secret address, and what calendar programs read there."""

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.isolation import link_scope
from practices.models import LinkToken
from practices.pages import done, page
from practices.rate_limits import tries_too_often
from practices.requests import PracticeRequest
from practices.roles import member_required
from touchpoints.calendar_addresses import has_address, holder_of, link_behind, make_address, revoke_address
from touchpoints.calendar_feed import feed_of

A_MINUTE = 60  # seconds
READS_A_MINUTE = 120  # of one network: calendar programs ask every hour, large ones for many members


@require_http_methods(["GET", "POST"])
@member_required
def calendar(request: PracticeRequest) -> HttpResponse:
    """Whether one's calendar has an address. A post makes a new one, which can be read this once."""
    link = make_address(request.member) if request.method == "POST" else ""
    context = {"link": link, "has_address": bool(link) or has_address(request.member)}
    # Answered without a redirect: the session's store would keep the address in clear.
    response = page(request, "touchpoints/calendar.html", context)
    patch_cache_control(response, no_store=True)
    return response


@require_POST
@member_required
def calendar_revoke(request: PracticeRequest) -> HttpResponse:
    """Void the address."""
    revoke_address(request.member)
    return done(request, _("The address is void: calendars that used it get nothing more."), "calendar")


# A calendar program has no session: the address's 32 random bytes are what lets it in.
@login_not_required
@require_safe
def calendar_feed(request: PracticeRequest, token: str) -> HttpResponse:
    """The calendar of whoever made the address; forged, revoked and of somebody who left are one 404."""
    if tries_too_often(request, what="calendar", limit=READS_A_MINUTE, now=timezone.now()):
        return HttpResponse(status=429, headers={"Retry-After": str(A_MINUTE)})
    link = link_behind(token, now=timezone.now())
    body = _feed_behind(link) if link else None
    if body is None:
        raise Http404
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8", headers={"ETag": etag})
    response["Content-Disposition"] = 'inline; filename="calendar.ics"'
    patch_cache_control(response, private=True, no_cache=True)
    # No Last-Modified: a reminder that is done goes without a trace, and the moment of what is left says too little.
    return get_conditional_response(request, etag=etag, response=response) or response


def _feed_behind(link: LinkToken) -> bytes | None:
    with link_scope(link.practice_id), timezone.override(link.practice.zone):
        member = holder_of(link)
        return feed_of(member, now=timezone.now()) if member else None
