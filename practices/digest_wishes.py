"""Who gets the digest and when: one a day at most, at the member's hour, until they say stop."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from practices.isolation import link_scope
from practices.models import Digest, LinkToken, Member, Practice
from practices.models.people import MemberQuerySet
from practices.secret_links import live_link, new_link

PURPOSE = LinkToken.Purpose.UNSUBSCRIBE
LINK_LASTS = timedelta(days=90)
DAY_KEPT_FOR = timedelta(days=7)


def awaiting_digest(practice: Practice, *, now: datetime) -> MemberQuerySet:
    """The members whose hour has struck today, on the practice's clock, and whose day is not settled yet.

    An hour that the clock jumps over has struck once it is past; one that comes twice strikes the first time.
    When tomorrow's is settled already, by a tick that overtook this one or before the practice moved west, today's
    is never sent after it.
    """
    local = now.astimezone(practice.zone)
    today, tomorrow = local.date(), local.date() + timedelta(days=1)
    settled = Digest.objects.filter(member=OuterRef("pk"), day__range=(today, tomorrow))
    wanted = Member.objects.active().filter(
        user__is_active=True, wants_digest=True, digest_hour__lte=local.hour
    )
    return wanted.exclude(Exists(settled)).select_related("user", "practice").order_by("pk")


def settle_days(practice_id: int, *, now: datetime) -> list[Member]:
    """Take today's digest of everybody who awaits it, in the caller's transaction, and say who they are."""
    # Two ticks at once wait for one another here; the second finds the days settled.
    practice = Practice.objects.select_for_update(no_key=True).get(pk=practice_id)
    members, today = list(awaiting_digest(practice, now=now)), practice.today(now)
    Digest.objects.filter(day__lt=today - DAY_KEPT_FOR).delete()
    Digest.objects.bulk_create(Digest(member=member, day=today) for member in members)
    return members


@transaction.atomic
def change_wishes(member: Member, *, wants_digest: bool, digest_hour: int, now: datetime) -> None:
    """From the next time that hour strikes: one that is past today brings no mail at an odd hour."""
    member.wants_digest, member.digest_hour = wants_digest, digest_hour
    member.save(update_fields=["wants_digest", "digest_hour"])
    local = now.astimezone(member.practice.zone)
    if digest_hour <= local.hour:
        Digest.objects.get_or_create(member=member, day=local.date())


def next_day(member: Member, *, now: datetime) -> date:
    """The day of the next digest, if there is something to say."""
    today = member.practice.today(now)
    is_settled = Digest.objects.filter(member=member, day=today).exists()
    return today + timedelta(days=1) if is_settled else today


def new_unsubscribe_link(member: Member, *, now: datetime) -> str:
    """A link for one mail, which stops those to come without a sign-in."""
    token, link = new_link(
        PURPOSE, practice_id=member.practice_id, object_id=member.pk, expires_at=now + LINK_LASTS
    )
    link.save()
    return settings.SITE_URL + reverse("unsubscribe", args=[token])


def practice_of_link(token: str, *, now: datetime) -> Practice | None:
    """Whose digest the link stops; None for one that opens nothing. Needs no scope."""
    link = live_link(token, PURPOSE, now=now)
    return link.practice if link else None


def unsubscribe(token: str, *, now: datetime) -> Practice | None:
    """No digest from now on; a second time changes nothing. None as `practice_of_link`."""
    link = live_link(token, PURPOSE, now=now)
    if link is None:
        return None
    with link_scope(link.practice_id):
        Member.objects.filter(pk=link.object_id).update(wants_digest=False)
    return link.practice
