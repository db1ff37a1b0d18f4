"""Every request enters its member's practice once."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from practices.drafts import keep_for_expired_session
from practices.isolation import enter_practice
from practices.models import Member, User
from practices.requests import PracticeRequest
from practices.second_factors import has_second_factor, is_missing, second_factor_from
from practices.session_limits import end_if_idle, note_activity
from practices.sign_in import note, note_unsent

GetResponse = Callable[[PracticeRequest], HttpResponse]


def seats_of(user: User) -> list[Member]:
    """The user's active seats, oldest first. Needs a transaction, no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user.pk)])
    seats = Member._base_manager.filter(user=user, left_at=None).select_related("practice", "user")
    return list(seats.annotate(has_second_factor=has_second_factor("user")).order_by("id"))


def last_seat_of(user: User) -> Member | None:
    """The seat that a user without an active one left last. As `seats_of`, which goes before it."""
    left = Member._base_manager.filter(user=user, left_at__isnull=False).select_related("practice")
    return left.order_by("left_at").last()


def seat_in(seats: list[Member], practice_id: int | None) -> Member | None:
    """The seat in that practice, otherwise the first."""
    return next((seat for seat in seats if seat.practice_id == practice_id), seats[0] if seats else None)


class EnterPractice:
    """Sets `request.member` and `request.seats`, and opens their practice's scope and clock around the view.

    Whose session was idle for too long goes on as nobody; who lacks the second factor that a practice of theirs asks
    for has no seat until it is set up.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        request.member, request.seats, request.has_transaction = None, [], False
        request.second_factor_from, request.lacks_second_factor = None, False
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        with transaction.atomic():
            request.seats = seats_of(user)
            is_over = end_if_idle(request, now=timezone.now())
            response = None if is_over else self._answer(request)
        if response is None:
            request.seats = []
            note("signed out for want of activity", request=request, user=user)
            return self.get_response(request)
        if response.status_code < 500:
            note_activity(request, now=timezone.now())
        return response

    def _answer(self, request: PracticeRequest) -> HttpResponse:
        request.has_transaction, request.seat_left = True, None
        request.second_factor_from = second_factor_from(request.user, request.seats)
        request.lacks_second_factor = is_missing(request.user, request.seats, now=timezone.now())
        if request.lacks_second_factor:
            return self.get_response(request)
        request.member = seat_in(request.seats, request.session.get("practice_id"))
        if request.member is None:
            request.seat_left = last_seat_of(request.user)
            return self.get_response(request)
        with enter_practice(request.member.practice_id), timezone.override(request.member.practice.zone):
            return self.get_response(request)

    def process_view(
        self, request: PracticeRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Until the second factor is set up, what asks for a sign-in leads there, but for what sets it up."""
        is_public = not getattr(view, "login_required", True)
        if not request.lacks_second_factor or is_public or getattr(view, "sets_up_sign_in", False):
            return None
        return redirect("mfa_index")

    def process_exception(self, request: PracticeRequest, exception: Exception) -> None:
        """Django makes a response of an exception before it reaches us: take the view's writes back here."""
        is_a_question = isinstance(exception, ReauthenticationRequired)  # asked before anything is written
        if request.has_transaction and not is_a_question and not transaction.get_rollback():
            transaction.set_rollback(True)


class RefuseCharset:
    """A form is in UTF-8 and every browser sends it so. Answers 400 before anything of another is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        if (request.encoding or "utf-8").lower() == "utf-8":
            return self.get_response(request)
        request.encoding = "utf-8"  # the page that says so reads the request, too
        return render(request, "400.html", status=400)


class RefuseNul:
    """PostgreSQL's text holds no NUL and no keyboard sends one: a request that does is nobody's honest question."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: PracticeRequest, view: Any, args: Any, kwargs: Any) -> None:
        for _name, values in (*request.GET.lists(), *request.POST.lists()):
            if any("\x00" in value for value in values):
                raise BadRequest("a NUL byte")


class KeepDraftOfExpiredSession:
    """A form posted after its session expired is kept as that member's draft, before sign-in is asked for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: PracticeRequest, view: Any, args: Any, kwargs: Any) -> None:
        form = getattr(view, "keeps_draft", None)
        if form and request.method == "POST" and not request.user.is_authenticated:
            request.is_draft_kept = keep_for_expired_session(request, form=form)


class AskToSignIn(LoginRequiredMiddleware):
    """After signing in one is back on the page one was on: what a form posts to is often no page.

    What was sent and is not kept has to be sent again; `practices.sign_in` says so once somebody is in.
    """

    def handle_no_permission(self, request: HttpRequest, view: Any) -> HttpResponseRedirect:
        if request.method != "POST":
            return super().handle_no_permission(request, view)
        page = _page_left(request)
        answer = redirect_to_login(page) if page else super().handle_no_permission(request, view)
        if not getattr(request, "is_draft_kept", False):
            note_unsent(answer)
        return answer


class ExplainWrongMethod:
    """Where a form is sent there is often no page: whoever is led there reads so, where Django's answer is blank."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.status_code != 405 or answer.content:
            return answer
        page = render(request, "405.html", status=405)
        page["Allow"] = answer["Allow"]
        return page


def _page_left(request: HttpRequest) -> str | None:
    said = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure()):
        return None
    page = urlsplit(said)
    return urlunsplit(("", "", page.path, page.query, "")) or None
