"""How one signs in, and where one is signed in: one's own, and what a manager may do for others."""

import hashlib
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.browsers import in_words
from practices.models import Member, Practice, Session
from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.second_factors import has_second_factor, reset_second_factor
from practices.session_limits import end_sessions, polled, time_left
from practices.shared_rows import for_change
from practices.sign_in import note
from practices.views.sign_in_forms import AppForm, SignInRulesForm, take_code

Type = Authenticator.Type


@require_safe
def mfa_index(request: PracticeRequest) -> HttpResponse:
    """Password, app, passkeys, recovery codes, and the list of one's sessions."""
    factors = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    codes = next((factor.wrap() for factor in factors if factor.type == Type.RECOVERY_CODES), None)
    context = {
        "app": next((factor for factor in factors if factor.type == Type.TOTP), None),
        "passkeys": [factor for factor in factors if factor.type == Type.WEBAUTHN],
        "has_codes": codes is not None,
        "codes_left": len(codes.get_unused_codes()) if codes else 0,
        "sessions": _shown(request, _sessions_of(request)),
    }
    return page(request, "practices/your_sign_in.html", context)


class AppSetUp(totp.ActivateTOTPView):
    """The code that sets an app up is taken like any other: it opens no sign-in."""

    @transaction.atomic
    def form_valid(self, form: AppForm) -> HttpResponse:
        """Keep the app, and the step of its first code with it."""
        answer = super().form_valid(form)
        app = Authenticator.objects.get(user=self.request.user, type=Type.TOTP)
        take_code(app, form.cleaned_data["code"])
        return answer


@require_POST
def session_end(request: PracticeRequest, handle: str) -> HttpResponse:
    """End one of one's own sessions, elsewhere or here."""
    session = next((row for row in _sessions_of(request) if _handle_of(row) == handle), None)
    if session is None:
        raise Http404
    session.delete()
    note("session ended", request=request, user=request.user)
    return done(request, _("That browser is signed out."), "mfa_index")


@require_POST
def sessions_end_others(request: PracticeRequest) -> HttpResponse:
    """End all of one's sessions but this one."""
    count = end_sessions(request.user, but=request.session.session_key)
    note("other sessions ended", request=request, user=request.user)
    said = ngettext("%(n)d other browser is signed out.", "%(n)d other browsers are signed out.", count)
    return done(request, said % {"n": count}, "mfa_index")


def _sessions_of(request: PracticeRequest) -> QuerySet[Session]:
    return request.user.sessions.filter(expire_date__gt=timezone.now()).order_by("-active_at")


def _handle_of(session: Session) -> str:
    # A session's key is what it is opened by: it stands on no page.
    return hashlib.sha256(session.session_key.encode()).hexdigest()[:20]


def _shown(request: PracticeRequest, sessions: QuerySet[Session]) -> list[dict[str, Any]]:
    return [
        {
            "handle": _handle_of(session),
            "browser": in_words(session.browser),
            "address": session.address,
            "active_at": session.active_at,
            "is_this": session.session_key == request.session.session_key,
        }
        for session in sessions
    ]


# Answers 401 to whom is signed out, where a redirect would look to the script like a page.
@login_not_required
@require_safe
@never_cache
@polled
def session_left(request: PracticeRequest) -> HttpResponse:
    """How many seconds the session lasts if nothing is done, and whose it is."""
    return _left(request)


# As `session_left`: a script asks.
@login_not_required
@require_POST
def session_stay(request: PracticeRequest) -> HttpResponse:
    """Somebody said that they are still there."""
    if request.user.is_authenticated:
        Session.objects.filter(session_key=request.session.session_key).update(active_at=timezone.now())
        request.session.row.refresh_from_db()
    return _left(request)


def _left(request: PracticeRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    seconds = int(time_left(request, now=timezone.now()).total_seconds())
    return JsonResponse({"seconds": seconds, "who": request.user.pk, "csrf": get_token(request)})


class PasskeySignIn(webauthn.LoginWebAuthnView):
    """allauth's, but one goes where one wanted to."""

    def form_valid(self, form: Any) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = webauthn.Login(user=authenticator.user, redirect_url=get_next_redirect_url(self.request))
        return webauthn.flows.perform_passwordless_login(self.request, authenticator, login)


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def sign_in_rules(request: PracticeRequest) -> HttpResponse:
    """When members are signed out by themselves, and since when they need a second factor."""
    practice = for_change(request, Practice.objects.all()).get(pk=request.member.practice_id)
    form = SignInRulesForm(request.POST or None, instance=practice)
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("Saved.")), "sign_in_rules")
    seats = Member.objects.active().select_related("user").annotate(has_one=has_second_factor("user"))
    without = seats.filter(has_one=False).order_by("user__name")
    return page(request, "practices/sign_in_rules.html", {"form": form, "without": without})


@require_POST
@role_required(*ADMINISTERS)
def member_sign_out(request: PracticeRequest, member_id: int) -> HttpResponse:
    """End every session of a member."""
    seat = get_object_or_404(Member.objects.select_related("user"), pk=member_id)
    end_sessions(seat.user)
    note("sessions ended by a manager", request=request, user=seat.user)
    return done(request, _("%(name)s is signed out everywhere.") % {"name": seat.name}, "members")


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
@reauthentication_required(app="allauth.mfa")
def member_second_factor_reset(request: PracticeRequest, member_id: int) -> HttpResponse:
    """Ask, and take the second factor of who lost theirs away."""
    seat = get_object_or_404(Member.objects.select_related("user"), pk=member_id)
    if request.method == "GET":
        return page(request, "practices/member_second_factor_reset.html", {"seat": seat})
    reset_second_factor(seat.user, by=request.member, now=timezone.now(), request=request)
    note("second factor reset by a manager", request=request, user=seat.user)
    said = _("%(name)s signs in with the password alone until a new second factor is set up.")
    return done(request, said % {"name": seat.name}, "members")
