"""The secret address of a member's calendar: it lasts until it is revoked, made anew, or the member has left."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from practices.models import LinkToken, Member
from practices.secret_links import live_link, new_link, unused_links

PURPOSE = LinkToken.Purpose.CALENDAR


@transaction.atomic
def make_address(member: Member) -> str:
    """A new address, readable nowhere again; the earlier one is void."""
    Member.objects.select_for_update(no_key=True).get(pk=member.pk)  # two presses leave one address
    _links_of(member).delete()
    token, link = new_link(PURPOSE, practice_id=member.practice_id, object_id=member.pk, expires_at=None)
    link.save()
    return settings.SITE_URL + reverse("calendar_feed", args=[token])


def revoke_address(member: Member) -> None:
    """Void the address: whoever has it gets nothing more."""
    _links_of(member).delete()


def has_address(member: Member) -> bool:
    """Whether an address is in use."""
    return _links_of(member).exists()


def link_behind(token: str, *, now: datetime) -> LinkToken | None:
    """What the address opens; forged, truncated and revoked are all None. Needs no practice."""
    return live_link(token, PURPOSE, now=now)


def holder_of(link: LinkToken) -> Member | None:
    """Whose calendar it is, inside the link's practice; None when they have left."""
    members = Member.objects.active().filter(user__is_active=True).select_related("user", "practice")
    return members.filter(pk=link.object_id).first()


def _links_of(member: Member) -> QuerySet[LinkToken]:
    return unused_links(PURPOSE, practice_id=member.practice_id, object_id=member.pk)
