"""The page behind a feedback link: no sign-in, no patient, one answer."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from practices.isolation import link_scope
from practices.models import LinkToken, Member
from practices.pages import as_id, page
from practices.rate_limits import tries_too_often
from practices.secret_links import live_link
from touchpoints.feedback_answers import PURPOSE, answer
from touchpoints.feedback_forms import WORDS, AnswerForm
from touchpoints.models import FeedbackRequest

TRIES = 100  # a minute and address; an answer takes three
LONGEST = 64 * 1024  # bytes of a whole answer
NOBODY = {"member": None}  # the same page for all the world, whoever is signed in


# Who was asked has no account here: the link's 32 random bytes are what lets them answer, once.
@login_not_required
@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("words")
def feedback_public(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the practice's question. What does not open, for whatever reason, looks the same."""
    now = timezone.now()
    if refusal := _refused(request):
        return refusal
    link = live_link(token, PURPOSE, now=now)
    if link is None:
        return _gone(request)
    form, asked = _form(request, link)
    if form.is_valid():
        given = answer(token, now=now, **form.said())
        return redirect("feedback_thanks") if given else _gone(request)
    context = {"form": form, "asked": asked, "practice": link.practice, **NOBODY}
    return page(request, "touchpoints/feedback_public.html", context)


# Where an answer ends; it knows nothing of whose it was.
@login_not_required
@require_safe
def feedback_thanks(request: HttpRequest) -> HttpResponse:
    """Thank you."""
    title, text = _("Thank you"), _("Your answer has arrived. You may close this page.")
    return _notice(request, title, text, status=200)


def refuse_forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its cookie: for who answers a link in words of their own, for they have no account here."""
    if request.resolver_match is None or request.resolver_match.url_name != "feedback_public":
        return csrf_failure(request, reason)
    text = _(
        "Your browser did not tell us that the form was yours, so nothing was kept. "
        "Open the link in the mail again and send your answer once more; cookies must be allowed for it."
    )
    return _notice(request, _("Please send it again"), text, status=403)


def _form(request: HttpRequest, link: LinkToken) -> tuple[AnswerForm, FeedbackRequest]:
    with link_scope(link.practice_id):
        asked = FeedbackRequest.objects.select_related("provider").get(pk=link.object_id)
        physicians = list(Member.objects.physicians())
    data: Any = request.POST if request.method == "POST" else None
    return AnswerForm(data, physicians=physicians), asked


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Too many tries or too much text: said before anybody looks whether the link opens."""
    if tries_too_often(request, what="feedback", limit=TRIES, now=timezone.now()):
        text = _("Please wait a minute, then try again.")
        response = _notice(request, _("That was too often"), text, status=429)
        response["Retry-After"] = "60"
        return response
    if (as_id(request.META.get("CONTENT_LENGTH") or "") or 0) > LONGEST:
        text = _("At most %(n)s characters can be sent. Go back, shorten it, and send it again.")
        return _notice(request, _("That is too long"), text % {"n": f"{WORDS:,}"}, status=413)
    return None


def _gone(request: HttpRequest) -> HttpResponse:
    text = _(
        "A link works once, within 30 days. If you have just answered, your answer has arrived: thank you. "
        "If not, and there is something you would like to tell the practice, please call."
    )
    return _notice(request, _("This link is no longer open"), text, status=404)


def _notice(request: HttpRequest, title: str, text: str, *, status: int) -> HttpResponse:
    context = {"notice_title": title, "notice": text, **NOBODY}
    return render(request, "touchpoints/feedback_notice.html", context, status=status)
