"""What goes with a session: which practice it is in, its colours, what was typed and not saved."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from practices.drafts import drop_draft, is_draft_form, keep_draft
from practices.pages import back_to, done
from practices.requests import PracticeRequest
from practices.roles import member_required

THEMES = ("system", "light", "dark")
A_YEAR = 365 * 24 * 3600


@require_POST
@member_required
def switch_practice(request: PracticeRequest) -> HttpResponse:
    """Carry on in another practice where the user has a seat."""
    wanted = request.POST.get("practice", "")
    seat = next((seat for seat in request.seats if str(seat.practice_id) == wanted), None)
    if seat is None:
        return redirect("home")
    request.session["practice_id"] = seat.practice_id
    # A form still open in another tab belongs to the practice just left: its token no longer fits.
    rotate_token(request)
    return done(request, _("You are in %(practice)s now.") % {"practice": seat.practice.name}, "home")


# Colours matter to who signs in, too; nothing but a cookie is changed.
@login_not_required
@require_POST
def theme(request: PracticeRequest) -> HttpResponse:
    """Remember light, dark or the system's colours in this browser."""
    response = HttpResponseRedirect(back_to(request, "/"))
    if request.POST.get("theme") in THEMES:
        response.set_cookie(
            f"{settings.COOKIE_PREFIX}theme",
            request.POST["theme"],
            max_age=A_YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


# Answers 401 to whom is signed out, where a redirect would look to the script like a page.
@login_not_required
@require_POST
def draft(request: PracticeRequest, form: str) -> HttpResponse:
    """Keep what is being typed."""
    return _draft_answer(request, form) or _kept(request, form)


# As `draft`: a script asks.
@login_not_required
@require_POST
def draft_discard(request: PracticeRequest, form: str) -> HttpResponse:
    """Forget what was typed: 204 for a script, a step back for a form."""
    if answer := _draft_answer(request, form):
        return answer
    drop_draft(request.member, form=form)
    return redirect(back_to(request, "/")) if request.POST.get("next") else HttpResponse(status=204)


def _draft_answer(request: PracticeRequest, form: str) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    if request.member is None:
        return HttpResponse(status=403)
    return None if is_draft_form(form) else HttpResponse(status=404)


def _kept(request: PracticeRequest, form: str) -> HttpResponse:
    is_kept = keep_draft(request.member, form=form, data=request.POST)
    return HttpResponse(status=204 if is_kept else 413)
