"""What referrers think of us: their own answer through the link, or taken down after a call or visit.

A low score or a complaint opens an issue that somebody owns (touchpoints/feedback_issues.py).
"""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Office, Provider
from contacts.senders import main_office
from practices.isolation import link_scope
from practices.models import LinkToken, Member
from practices.secret_links import live_link
from touchpoints.feedback_issues import open_issue
from touchpoints.models import Feedback, FeedbackRequest, Touchpoint
from touchpoints.reminders_at_once import ask_again
from touchpoints.touchpoint_log import SECOND_PRESS, NotPossible, lock_practice

PURPOSE = LinkToken.Purpose.FEEDBACK
SAID = ("overall", *Feedback.PARTS, "words", "is_complaint", "physician_id")


def answer(token: str, *, now: datetime, **said: Any) -> Feedback | None:
    """Keep their own answer and use the link up; None when it does not open, or was used meanwhile.

    `said`: overall, scheduling, communication, care, words, is_complaint, physician_id.
    """
    link = live_link(token, PURPOSE, now=now)
    if link is None:
        return None
    with link_scope(link.practice_id):
        lock_practice()
        if live_link(token, PURPOSE, now=now, lock=True) is None:
            return None
        LinkToken.objects.filter(pk=link.pk).update(used_at=now)
        request = FeedbackRequest.objects.get(pk=link.object_id)
        request.answered_at = now
        request.save(update_fields=["answered_at"])
        given = Feedback.objects.create(
            provider_id=request.provider_id,
            office_id=request.office_id,
            request=request,
            source=Feedback.Source.PAGE,
            given_on=link.practice.today(now),
            recorded_at=now,
            touchpoint=_touchpoint(request, on=link.practice.today(now), now=now),
            **said,
        )
        open_issue(given, now=now)
        ask_again(now=now, providers=[given.provider_id])
    return given


@transaction.atomic
def take_down(
    *,
    provider: Provider,
    source: str,
    given_on: date,
    by: Member,
    now: datetime,
    office: Office | None = None,
    **said: Any,
) -> Feedback:
    """Keep what a referrer said in a call or visit; it is a touchpoint. The second press of the same finds the first.

    Raises NotPossible for a day to come.
    """
    lock_practice()
    if given_on > by.practice.today(now):
        raise NotPossible(_("It can't have been in the future."))
    found = Provider.objects.select_related("merged_into").get(pk=provider.pk)
    provider = found.merged_into or found  # merged while the form was filled in
    row = Feedback(
        provider=provider,
        office=office or main_office(provider),
        source=source,
        given_on=given_on,
        recorded_at=now,
        recorded_by=by,
        **said,
    )
    if twice := _pressed_before(row, now):
        return twice
    row.touchpoint = Touchpoint.objects.create(
        kind=Touchpoint.Kind.FEEDBACK,
        happened_on=given_on,
        provider=provider,
        office=row.office,
        member=by,
        note=f"{row.get_source_display()}.".capitalize(),
        logged_at=now,
        logged_by=by,
    )
    row.save()
    open_issue(row, now=now)
    ask_again(now=now, providers=[provider.pk])
    return row


def _touchpoint(request: FeedbackRequest, *, on: date, now: datetime) -> Touchpoint:
    """Their answer has a day of its own, and stands whatever becomes of the asking."""
    return Touchpoint.objects.create(
        kind=Touchpoint.Kind.FEEDBACK,
        happened_on=on,
        provider_id=request.provider_id,
        office_id=request.office_id,
        member_id=request.asked_by_id,
        note=_("Answered through the link."),
        logged_at=now,
        logged_by_id=request.asked_by_id,
    )


def _pressed_before(row: Feedback, now: datetime) -> Feedback | None:
    lately = Feedback.objects.standing().filter(
        recorded_by=row.recorded_by, recorded_at__gt=now - SECOND_PRESS, provider=row.provider
    )
    same = (*SAID, "source", "given_on")  # encrypted words can't be compared in the database
    return next((old for old in lately if all(getattr(old, f) == getattr(row, f) for f in same)), None)
