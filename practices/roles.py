"""What a role may do: decided here, and nowhere else."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from practices.models import Member
    from practices.requests import PracticeRequest


class Role(models.TextChoices):
    MANAGER = "manager", _("Manager")
    COORDINATOR = "coordinator", _("Coordinator")
    PHYSICIAN = "physician", _("Physician")
    LIAISON = "liaison", _("Liaison")


EVERYBODY = frozenset(Role)
SEES_PATIENTS = frozenset({Role.MANAGER, Role.COORDINATOR, Role.PHYSICIAN})
SEES_ALL_PATIENTS = frozenset({Role.MANAGER, Role.COORDINATOR})
MOVES_REFERRALS = SEES_PATIENTS
MAKES_RETURN_REFERRALS = SEES_PATIENTS
DECIDES_THANK_YOUS = frozenset({Role.MANAGER, Role.PHYSICIAN})
MERGES = frozenset({Role.MANAGER})
ADMINISTERS = frozenset({Role.MANAGER})
RECORDS_FEEDBACK = frozenset({Role.MANAGER, Role.COORDINATOR, Role.LIAISON})
ASKS_EVERYBODY = frozenset({Role.MANAGER})
OWNS_ISSUES = frozenset({Role.MANAGER, Role.PHYSICIAN, Role.LIAISON})
GIVES_COVER = frozenset({Role.MANAGER, Role.PHYSICIAN})


def role_required(*roles: str) -> Callable:
    """Let these roles of the practice in; another is told so with 403, a user without a seat too."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: "PracticeRequest", *args: Any, **kwargs: Any) -> HttpResponse:
            if request.member is None:
                raise PermissionDenied(_without_a_seat(request.seat_left))
            if request.member.role not in roles:
                names = ", ".join(str(Role(role).label).lower() for role in Role if role in roles)
                raise PermissionDenied(_("This page is for: %(roles)s.") % {"roles": names})
            return view(request, *args, **kwargs)

        guarded.roles = frozenset(roles)  # type: ignore[attr-defined]  # read by the table of addresses
        return guarded

    return decorate


def _without_a_seat(left: "Member | None") -> str:
    if left is None or left.left_at is None:
        return gettext("You have no seat in a practice. Ask your manager for an invitation.")
    day = date_format(left.practice.today(left.left_at), "M j, Y")
    return gettext(
        "Your seat at %(practice)s was closed on %(day)s, so its pages are closed to you. "
        "If that is a mistake, its manager can open it again."
    ) % {"practice": left.practice.name, "day": day}


member_required = role_required(*Role)
