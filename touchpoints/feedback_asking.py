"""Asking referrers what they think of us: whom, whom not and why, and the mails with their secret links."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.models import Office, Provider
from contacts.senders import with_places
from contacts.standing import Standing, providers_with_rhythm, standing_on
from practices.models import LinkToken, Member
from practices.outbox import queue_mail
from practices.secret_links import new_link, unused_links
from touchpoints.models import FeedbackRequest, Touchpoint
from touchpoints.reminders_at_once import ask_again
from touchpoints.touchpoint_log import lock_practice

PURPOSE = LinkToken.Purpose.FEEDBACK
HALF_A_YEAR = timedelta(days=182)
REFERS = (Standing.NEW, Standing.ACTIVE, Standing.DECLINING)


@dataclass
class Asking:
    """Providers sorted by whether they can be asked; those asked lately carry `asked_at`."""

    reached: list[Any] = field(default_factory=list)
    without_email: list[Any] = field(default_factory=list)
    asked_lately: list[Any] = field(default_factory=list)
    inactive: list[Any] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        return len(self.without_email) + len(self.asked_lately) + len(self.inactive)


def active_referrers(today: date) -> QuerySet[Provider]:
    """Everybody who refers: new, active or declining. A prospect knows nothing of us; the lapsed want a visit."""
    found = providers_with_rhythm(Provider.objects.active(), today)
    refers = [provider.pk for provider, rhythm in found if standing_on(today, rhythm) in REFERS]
    return Provider.objects.filter(pk__in=refers)


def providers_at(office: Office) -> QuerySet[Provider]:
    """Whoever works there."""
    return Provider.objects.current().filter(places__office=office)


def sort_out(
    providers: QuerySet[Provider], *, now: datetime, within: timedelta, known: int | None = None
) -> Asking:
    """Who can be asked. Who was asked `within` that time is left out, but for the request the asker knows of."""
    newest = FeedbackRequest.objects.filter(provider=OuterRef("pk")).order_by("-asked_at", "-pk")
    found = with_places(providers.filter(merged_into=None)).annotate(
        asked_at=Subquery(newest.values("asked_at")[:1]), request_id=Subquery(newest.values("pk")[:1])
    )
    sorted_out = Asking()
    for provider in found.order_by("family_name", "given_name", "pk"):
        if not provider.is_active:
            sorted_out.inactive.append(provider)
        elif provider.asked_at and provider.asked_at > now - within and provider.request_id != known:
            sorted_out.asked_lately.append(provider)
        elif not provider.email:
            sorted_out.without_email.append(provider)
        else:
            sorted_out.reached.append(provider)
    return sorted_out


@transaction.atomic
def ask(
    providers: QuerySet[Provider],
    *,
    by: Member,
    now: datetime,
    within: timedelta,
    office: Office | None = None,
    known: int | None = None,
) -> Asking:
    """Mail each of them a link of their own; each is a touchpoint. A second click finds everybody asked.

    `known` is the request that the asker saw and means to replace: its link is void from now on.
    """
    lock_practice()
    asking = sort_out(providers, now=now, within=within, known=known)
    if known and known in [provider.request_id for provider in asking.reached]:
        unused_links(PURPOSE, practice_id=by.practice_id, object_id=known).delete()
    touchpoints = Touchpoint.objects.bulk_create(
        Touchpoint(
            kind=Touchpoint.Kind.FEEDBACK,
            happened_on=by.practice.today(now),
            provider=provider,
            office=office or _main_office(provider),
            member=by,
            note=_("Asked by e-mail."),
            logged_at=now,
            logged_by=by,
        )
        for provider in asking.reached
    )
    requests = FeedbackRequest.objects.bulk_create(
        FeedbackRequest(
            provider=touchpoint.provider,
            office=touchpoint.office,
            asked_at=now,
            asked_by=by,
            touchpoint=touchpoint,
        )
        for touchpoint in touchpoints
    )
    _send_links(requests, by=by, now=now)
    ask_again(now=now, providers=[provider.pk for provider in asking.reached])
    return asking


def _send_links(requests: Iterable[FeedbackRequest], *, by: Member, now: datetime) -> None:
    rows = []
    for request in requests:
        expires_at = now + FeedbackRequest.LIFETIME
        token, row = new_link(
            PURPOSE, practice_id=by.practice_id, object_id=request.pk, expires_at=expires_at
        )
        rows.append(row)
        link = settings.SITE_URL + reverse("feedback_public", args=[token])
        context = {"provider": request.provider, "practice": by.practice, "link": link, "by": by}
        queue_mail(
            to=request.provider.email,
            subject=_("%(practice)s: how are we doing?") % {"practice": by.practice.name},
            text=render_to_string("touchpoints/email/feedback_request.txt", context),
            html=render_to_string("touchpoints/email/feedback_request.html", context),
            practice=by.practice,
            now=now,
        )
    LinkToken.objects.bulk_create(rows)


def _main_office(provider: Provider) -> Office | None:
    places = list(provider.places.all())  # fetched before, the main one first
    return places[0].office if places else None


def newest_request(provider: Provider) -> FeedbackRequest | None:
    """When this provider was asked last, by whom."""
    rows = FeedbackRequest.objects.filter(provider=provider).select_related("asked_by__user")
    return rows.order_by(F("asked_at").desc(), "-pk").first()
