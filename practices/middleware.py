"""Every request enters its member's practice once."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from practices.drafts import keep_for_expired_session
from practices.isolation import enter_practice
from practices.models import Member, User
from practices.requests import PracticeRequest

GetResponse = Callable[[PracticeRequest], HttpResponse]


def seats_of(user: User) -> list[Member]:
    """The user's active seats, oldest first. Needs a transaction, no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user.pk)])
    seats = Member._base_manager.filter(user=user, left_at=None).select_related("practice", "user")
    return list(seats.order_by("id"))


def last_seat_of(user: User) -> Member | None:
    """The seat that a user without an active one left last. As `seats_of`, which goes before it."""
    left = Member._base_manager.filter(user=user, left_at__isnull=False).select_related("practice")
    return left.order_by("left_at").last()


def seat_in(seats: list[Member], practice_id: int | None) -> Member | None:
    """The seat in that practice, otherwise the first."""
    return next((seat for seat in seats if seat.practice_id == practice_id), seats[0] if seats else None)


class EnterPractice:
    """Sets `request.member` and `request.seats`, and opens their practice's scope and clock around the view."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: PracticeRequest) -> HttpResponse:
        request.member, request.seats = None, []
        if not request.user.is_authenticated:
            return self.get_response(request)
        with transaction.atomic():
            request.seats = seats_of(request.user)
            request.member = seat_in(request.seats, request.session.get("practice_id"))
            if request.member is None:
                request.seat_left = last_seat_of(request.user)
                return self.get_response(request)
            with enter_practice(request.member.practice_id), timezone.override(request.member.practice.zone):
                return self.get_response(request)

    def process_exception(self, request: PracticeRequest, exception: Exception) -> None:
        """Django makes a response of an exception before it reaches us: take the view's writes back here."""
        if request.member is not None and not transaction.get_rollback():
            transaction.set_rollback(True)


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
            keep_for_expired_session(request, form=form)
