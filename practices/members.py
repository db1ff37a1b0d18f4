"""Who sits in the practice, as what, and until when. A practice always keeps a manager."""

from datetime import datetime

from django.db import transaction

from practices.models import Member, Practice
from practices.outbox import call_off
from practices.roles import Role
from practices.session_limits import end_sessions


class LastManager(Exception):
    """The practice would be left without anybody who may change its settings."""


@transaction.atomic
def change_seat(member: Member, *, role: str, credentials: str) -> None:
    """Give a member another role or other credentials. Raises LastManager."""
    if role != Role.MANAGER:
        _keep_a_manager_beside(member)
    member.role, member.credentials = role, credentials
    member.save(update_fields=["role", "credentials"])


@transaction.atomic
def leave(member: Member, *, now: datetime) -> None:
    """Close a seat at once; what its holder did stays theirs. Raises LastManager."""
    _keep_a_manager_beside(member)
    member.left_at = now
    member.save(update_fields=["left_at"])
    call_off(member.practice, to=member.user.email)
    end_sessions(member.user)


@transaction.atomic
def come_back(member: Member) -> None:
    """Open the seat of somebody who had left."""
    member.left_at = None
    member.save(update_fields=["left_at"])


def _keep_a_manager_beside(member: Member) -> None:
    # Two managers who let each other go at the same moment wait for one another here.
    Practice.objects.select_for_update().get(pk=member.practice_id)
    others = Member.objects.active().filter(role=Role.MANAGER).exclude(pk=member.pk)
    if not others.exists():
        raise LastManager
