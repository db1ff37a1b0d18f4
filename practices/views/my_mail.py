"""Whether one gets the digest, and when; and the page behind the link that stops it."""

from datetime import time
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from practices.digest_wishes import change_wishes, next_day, practice_of_link, unsubscribe
from practices.models import Member
from practices.pages import done, page
from practices.rate_limits import tries_too_often
from practices.requests import PracticeRequest
from practices.roles import member_required
from practices.settings_forms import MyMailForm
from practices.shared_rows import for_change

TRIES = 100  # a minute and address; large mail hosts press the button from few
NOBODY = {"member": None}  # the same page for all the world, whoever is signed in


@require_http_methods(["GET", "POST"])
@member_required
def my_mail(request: PracticeRequest) -> HttpResponse:
    """A member's own wishes."""
    now = timezone.now()
    member = for_change(request, Member.objects.select_related("practice")).get(pk=request.member.pk)
    form = MyMailForm(request.POST or None, member=member)
    if form.is_valid():
        change_wishes(member, now=now, **form.cleaned_data)
        return done(request, form.saved(_("Saved.")), "my_mail")
    context = {"form": form, "is_sending": bool(settings.EMAIL_URL), "hour": time(member.digest_hour)}
    context["next_on"] = next_day(member, now=now)
    return page(request, "practices/my_mail.html", {**context, "today": member.practice.today(now)})


# Who holds the link got it by mail: it stops that mail and does nothing else. A mail program posts to it by itself
# (RFC 8058), with neither session nor token.
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to stop; a post stops. Looking changes nothing, for programs look at links before people do."""
    now = timezone.now()
    if tries_too_often(request, what="unsubscribe", limit=TRIES, now=now):
        response = _answer(request, {"is_too_often": True}, status=429)
        response["Retry-After"] = "60"
        return response
    is_stopped = request.method == "POST"
    practice = unsubscribe(token, now=now) if is_stopped else practice_of_link(token, now=now)
    context = {"practice": practice, "is_stopped": is_stopped}
    return _answer(request, context, status=200 if practice else 404)


def _answer(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    return render(request, "practices/unsubscribe.html", {**context, **NOBODY}, status=status)
