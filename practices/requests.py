"""What a request is here, once EnterPractice has seen it."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from practices.models import Member, User


class PracticeRequest(HttpRequest):
    """A signed-in member's request: what `role_required` lets through."""

    request_id: str
    session: Any  # practices.sessions.SessionStore
    member: Any  # a Member, or None where no seat is needed
    user: User
    seats: list[Member]
    has_transaction: bool  # the user's own, taken back when the view fails
    seat_left: Member | None  # of a user whose seats are all closed
    second_factor_from: date | None  # of a user without one: from when on it is asked for
    lacks_second_factor: bool  # and that day has come: nothing but setting it up is open
    htmx: HtmxDetails
