"""What a request is here, once EnterPractice has seen it."""

from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from practices.models import Member, User


class PracticeRequest(HttpRequest):
    """A signed-in member's request: what `role_required` lets through."""

    member: Any  # a Member, or None where no seat is needed
    user: User
    seats: list[Member]
    seat_left: Member | None  # of a user whose seats are all closed
    htmx: HtmxDetails
