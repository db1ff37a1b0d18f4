"""Who came in, was refused, or changed how they sign in: a row in each practice where they have a seat.

Of somebody unknown nothing is kept but what the log of the process says, without the e-mail.
"""

from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest

from practices.acting import of_request
from practices.isolation import link_scope
from practices.models import Member, SignInEvent, User

Act = SignInEvent.Act
BROWSER_LENGTH = 200

# What `practices.sign_in.note` says and no signal does.
NOTED = {
    "refused, too many tries": Act.TOO_MANY_TRIES,
    "signed out for want of activity": Act.TIMED_OUT,
    "session ended": Act.SESSIONS_ENDED,
    "other sessions ended": Act.SESSIONS_ENDED,
    "sessions ended by a manager": Act.SESSIONS_ENDED,
}


def record_sign_in(act: SignInEvent.Act, *, user: Any, request: HttpRequest | None) -> None:
    """Write it down wherever this user sits, whichever practice is open meanwhile."""
    if not isinstance(user, User) or user.pk is None:
        return
    seen: dict[str, Any] = {}
    other: Member | None = getattr(request, "member", None)
    if other and other.user_id == user.pk:
        other = None
    if request is not None:
        actor = of_request(request)
        browser = request.headers.get("User-Agent", "")[:BROWSER_LENGTH].replace("\x00", "")
        seen = {"address": actor.address or None, "request_id": actor.request_id, "browser": browser}
    with transaction.atomic():
        for seat_id, practice_id in _seats_of(user):
            with link_scope(practice_id):
                by = other.pk if other and other.practice_id == practice_id else None
                SignInEvent.objects.create(member_id=seat_id, act=act, by_id=by, **seen)


def _seats_of(user: User) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user.pk)])
    seats = Member._base_manager.filter(user=user, left_at=None)
    return list(seats.order_by("id").values_list("pk", "practice_id"))


def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.SIGNED_IN, user=user, request=request)


def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.SIGNED_OUT, user=user, request=request)


def password_changed(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.PASSWORD_CHANGED, user=user, request=request)


def password_reset(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.PASSWORD_RESET, user=user, request=request)


def factor_added(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.FACTOR_ADDED, user=user, request=request)


def factor_removed(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """A signal's receiver; from the command line without a request."""
    record_sign_in(Act.FACTOR_REMOVED, user=user, request=request)


def factor_renewed(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.FACTOR_RENEWED, user=user, request=request)


def wrong_factor(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A signal's receiver."""
    record_sign_in(Act.WRONG_SECOND_FACTOR, user=user, request=request)


def refused(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """A signal's receiver: no way in with this e-mail and password."""
    email = credentials.get("email") or credentials.get("username") or ""
    user = User.objects.filter(email=email.lower()).first()
    record_sign_in(Act.WRONG_PASSWORD, user=user, request=request)
