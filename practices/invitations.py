"""How somebody gets a seat: a link of 32 random bytes, good for seven days and for one acceptance.

Only the token's SHA-256 is kept. Whoever was invited under an address that signs in already proves that with
the password; everybody else chooses one.
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from practices.isolation import practice_scope
from practices.models import Invitation, LinkToken, Location, Member, Practice, User
from practices.outbox import queue_mail
from practices.roles import Role
from practices.secret_links import live_link, new_link, unused_links

PURPOSE = LinkToken.Purpose.INVITATION


@transaction.atomic
def found_practice(
    *, name: str, time_zone: str, manager_email: str, manager_name: str, now: datetime, starts_on: date
) -> tuple[Practice, str]:
    """A new practice with one location, and the link that seats its first manager."""
    practice = Practice.objects.create(name=name, time_zone=time_zone, starts_on=starts_on)
    with practice_scope(practice):
        Location.objects.create(name=name)
        invitation = Invitation(email=manager_email, name=manager_name, role=Role.MANAGER)
        return practice, invite(invitation, by=None, now=now)


@transaction.atomic
def invite(invitation: Invitation, *, by: Member | None, now: datetime) -> str:
    """Save a new invitation, queue its mail, and return its link: nowhere else is it readable again."""
    invitation.invited_by = by
    invitation.email = invitation.email.lower()
    invitation.save()
    return send_again(invitation, now=now)


@transaction.atomic
def send_again(invitation: Invitation, *, now: datetime) -> str:
    """A fresh link by mail; the earlier one is void."""
    _tokens_of(invitation).delete()
    expires_at = now + Invitation.LIFETIME
    token, row = new_link(
        PURPOSE, practice_id=invitation.practice_id, object_id=invitation.pk, expires_at=expires_at
    )
    row.save()
    link = settings.SITE_URL + reverse("invitation", args=[token])
    _queue_mail(invitation, link, now)
    return link


@transaction.atomic
def withdraw(invitation: Invitation, *, now: datetime) -> None:
    """Void the link, and take the invitation off the list."""
    _tokens_of(invitation).delete()
    invitation.withdrawn_at = now
    invitation.save(update_fields=["withdrawn_at"])


def live_token(token: str, *, now: datetime, lock: bool = False) -> LinkToken | None:
    """What the link opens, or None: forged, used, withdrawn and expired are all one."""
    return live_link(token, PURPOSE, now=now, lock=lock)


@transaction.atomic
def accept(token: str, *, user: User, now: datetime) -> Member | None:
    """Seat the user as invited; None when the link was used up meanwhile. An earlier seat is theirs again."""
    link = live_token(token, now=now, lock=True)
    if link is None:
        return None
    link.used_at = now
    link.save(update_fields=["used_at"])
    with practice_scope(link.practice_id):
        invitation = Invitation.objects.get(pk=link.object_id)
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
        return _seat(user, role=invitation.role, credentials=invitation.credentials)


def _seat(user: User, *, role: str, credentials: str) -> Member:
    """A seat still open stays as it is: an old invitation must not take the last manager's role away."""
    member = Member.objects.filter(user=user).first() or Member(user=user)
    if member.pk is None or member.left_at:
        member.role, member.credentials, member.left_at = role, credentials, None
        member.save()
    return member


def _tokens_of(invitation: Invitation) -> QuerySet[LinkToken]:
    return unused_links(PURPOSE, practice_id=invitation.practice_id, object_id=invitation.pk)


def _queue_mail(invitation: Invitation, link: str, now: datetime) -> None:
    context = {"invitation": invitation, "practice": invitation.practice, "link": link}
    queue_mail(
        to=invitation.email,
        subject=_("%(practice)s invites you to Referral CRM") % {"practice": invitation.practice.name},
        text=render_to_string("practices/email/invitation.txt", context),
        html=render_to_string("practices/email/invitation.html", context),
        practice=invitation.practice,
        now=now,
    )
