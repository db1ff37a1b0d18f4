"""Withdrawals and removals that can be taken back for thirty days: each act beside what takes it back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from practices.models import LinkToken, Member, UndoableAct
from practices.roles import ADMINISTERS, MAKES_RETURN_REFERRALS
from practices.undo import CannotUndo, plain, put_back, remember, takes_back, values_of
from touchpoints import gift_ledger, meetings, return_referral_way, touchpoint_log
from touchpoints.models import (
    FeedbackIssue,
    FeedbackRequest,
    Gift,
    GiftLimit,
    GiftReturn,
    GiftShare,
    Meeting,
    ReturnReferral,
    Touchpoint,
)
from touchpoints.reminders import remind
from touchpoints.touchpoint_log import lock_practice

TOUCHPOINT, MEETING, RETURN_REFERRAL = (
    "touchpoint_withdrawn",
    "meeting_cancelled",
    "return_referral_cancelled",
)
GIFT, GIFT_RETURN, GIFT_LIMIT, GIFT_COUNTED = (
    "gift_withdrawn",
    "gift_return_withdrawn",
    "gift_limit",
    "gift_counted",
)
NOT_WITHDRAWN: dict[str, Any] = {"withdrawn_at": None, "withdrawn_by": None, "withdrawn_reason": ""}


@transaction.atomic
def withdraw_touchpoint(row: Touchpoint, *, by: Member, now: datetime, reason: str) -> UndoableAct | None:
    """It was logged in error. None: it was withdrawn already. Raises NotPossible."""
    lock_practice()  # what is remembered is what is withdrawn
    issues = [
        {"pk": issue.pk, "told_at": plain(issue.told_at), "told_by": issue.told_by_id}
        for issue in FeedbackIssue.objects.filter(touchpoint=row)
    ]
    links = [_link(link) for link in _links_of(row)]
    after = touchpoint_log.withdraw(row, by=by, now=now, reason=reason)
    if after.withdrawn_at != now:
        return None
    words = {
        "kind": row.get_kind_display(),
        "day": date_format(row.happened_on, "M j, Y"),
        "whom": _whom(row),
    }
    said = _("Withdrawn: %(kind)s of %(day)s, %(whom)s") % words
    return remember(
        TOUCHPOINT, said=said, by=by, now=now, about=row.pk, row=row.pk, issues=issues, links=links
    )


@takes_back(TOUCHPOINT)
def bring_touchpoint_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """With the issue that it told, and the link that it sent."""
    row = Touchpoint.objects.select_for_update(of=("self",)).get(pk=data["row"])
    if row.withdrawn_at is None or row.corrected_by_id:
        raise CannotUndo(_("It does not stand withdrawn any more."))
    for told in data["issues"]:
        at = FeedbackIssue._meta.get_field("told_at").to_python(told["told_at"])
        found = FeedbackIssue.objects.filter(pk=told["pk"], told_at=None)
        if not found.update(told_at=at, told_by=told["told_by"], touchpoint=row):
            raise CannotUndo(_("The referrer was told anew since."))
    for link in data["links"]:
        _open_again(link, row.practice_id)
    Touchpoint.objects.filter(pk=row.pk).update(**NOT_WITHDRAWN)
    remind(now=now, only=(*touchpoint_log.CALL_RULES, "issues_unresolved"))


@transaction.atomic
def cancel_meeting(meeting: Meeting, *, by: Member, now: datetime, reason: str) -> UndoableAct | None:
    """It does not take place. None: it was cancelled already. Raises NotPossible."""
    lock_practice()
    told = list(Touchpoint.objects.standing().filter(meeting=meeting).values_list("pk", flat=True))
    before = Meeting.objects.get(pk=meeting.pk).state
    after = meetings.cancel_meeting(meeting, by=by, now=now, reason=reason)
    if before == Meeting.State.CANCELLED:
        return None
    words = {"kind": meeting.get_kind_display(), "day": date_format(meeting.held_on, "M j, Y")}
    said = _("Cancelled: %(kind)s of %(day)s") % words
    data = {"row": meeting.pk, "state": before, "touchpoints": told, "sequence": after.sequence}
    return remember(MEETING, said=said, by=by, now=now, about=meeting.pk, **data)


@takes_back(MEETING)
def bring_meeting_back(data: dict[str, Any], *, by: Member, now: datetime) -> str:
    """As it was; nobody is written to."""
    row = Meeting.objects.select_for_update(of=("self",)).get(pk=data["row"])
    if row.state != Meeting.State.CANCELLED or row.sequence != data["sequence"]:
        raise CannotUndo(_("The meeting was changed since."))
    row.state, row.cancelled_reason = data["state"], ""
    row.sequence, row.changed_at = row.sequence + 1, now  # calendars take the higher number
    row.save(update_fields=["state", "cancelled_reason", "sequence", "changed_at"])
    Touchpoint.objects.filter(pk__in=data["touchpoints"]).update(**NOT_WITHDRAWN)
    remind(now=now, only=meetings.MEETING_RULES)
    if row.is_planned and row.ends_at > now:
        return _("Who was told that it is off is not told of this: invite them on its page.")
    return ""


@transaction.atomic
def cancel_return_referral(
    row: ReturnReferral, *, by: Member, now: datetime, reason: str
) -> UndoableAct | None:
    """The patient does not go there. None: it was cancelled already. Raises NotPossible."""
    lock_practice()
    before = ReturnReferral.objects.get(pk=row.pk)
    return_referral_way.cancel(row, by=by, now=now, reason=reason)
    if before.state == ReturnReferral.State.CANCELLED:
        return None
    said = _("%(reference)s cancelled") % {"reference": row.reference}
    data = {"row": row.pk, "state": before.state, "touchpoint": before.touchpoint_id}
    return remember(RETURN_REFERRAL, said=said, by=by, now=now, about=row.pk, **data)


@takes_back(RETURN_REFERRAL, roles=MAKES_RETURN_REFERRALS)
def bring_return_referral_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """Where it stood, with the touchpoint that sending made."""
    rows = ReturnReferral.objects.visible_to(by).select_for_update(of=("self",))
    row = rows.filter(pk=data["row"], state=ReturnReferral.State.CANCELLED).first()
    if row is None:
        raise CannotUndo(_("It does not stand cancelled any more."))
    row.state, row.touchpoint_id = data["state"], data["touchpoint"]
    row.cancelled_at, row.cancelled_by, row.cancelled_reason = None, None, ""
    row.save(update_fields=["state", "touchpoint", "cancelled_at", "cancelled_by", "cancelled_reason"])
    Touchpoint.objects.filter(pk=data["touchpoint"]).update(**NOT_WITHDRAWN)


def withdraw_gift(gift: Gift, *, by: Member, now: datetime, reason: str) -> UndoableAct | None:
    """It was recorded in error. None: it was withdrawn already."""
    after = gift_ledger.withdraw_gift(gift, by=by, now=now, reason=reason)
    if after.withdrawn_at != now:
        return None
    words = {"what": gift.description, "day": date_format(gift.given_on, "M j, Y")}
    said = _("Withdrawn from the gift ledger: %(what)s, %(day)s") % words
    return remember(GIFT, said=said, by=by, now=now, about=gift.pk, row=gift.pk)


@takes_back(GIFT)
def bring_gift_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """It counts again, unless the year has moved on."""
    gift = Gift.objects.select_related("meeting").get(pk=data["row"])
    if gift.withdrawn_at is None:
        raise CannotUndo(_("It does not stand withdrawn any more."))
    if gift.meeting and not gift.meeting.is_held:
        raise CannotUndo(_("Its meeting was cancelled since."))
    people = [share.provider for share in gift_ledger.shares_of(gift) if share.provider]
    returned = GiftReturn.objects.filter(provider__in=people, year=gift.year, withdrawn_at=None)
    if returned.filter(logged_at__gt=gift.withdrawn_at).exists():
        raise CannotUndo(_("An excess of that year was returned since: record it anew."))
    Gift.objects.filter(pk=gift.pk).update(**NOT_WITHDRAWN)
    accounts = gift_ledger.accounts(gift.year, providers=people) if people else []
    if any(account.limit is None for account in accounts if account.entries):
        raise CannotUndo(_("The limit of that year is not entered any more."))
    if any(account.is_over for account in accounts) and not gift.over_limit_reason:
        raise CannotUndo(_("It would go over the limit by now: record it anew, with the reason."))


def take_gift_return_back(back: GiftReturn, *, by: Member, now: datetime, reason: str) -> UndoableAct | None:
    """The return was recorded in error. None: it was taken back already."""
    after = gift_ledger.take_return_back(back, by=by, now=now, reason=reason)
    if after.withdrawn_at != now:
        return None
    said = _("A returned excess of %(year)d taken back: %(name)s") % {
        "year": back.year,
        "name": back.provider,
    }
    return remember(GIFT_RETURN, said=said, by=by, now=now, about=back.pk, row=back.pk)


@takes_back(GIFT_RETURN, roles=ADMINISTERS)
def record_gift_return_again(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """As it was recorded, unless another came in its place."""
    back = GiftReturn.objects.get(pk=data["row"])
    same = GiftReturn.objects.filter(provider=back.provider_id, year=back.year, withdrawn_at=None)
    if back.withdrawn_at is None or same.exists():
        raise CannotUndo(_("Another return was recorded since."))
    GiftReturn.objects.filter(pk=back.pk).update(**NOT_WITHDRAWN)


@transaction.atomic
def remove_gift_limit(limit: GiftLimit, *, by: Member, now: datetime) -> UndoableAct:
    """It was entered in error. Raises NotPossible while something stands on it."""
    kept = values_of(limit)
    gift_ledger.remove_limit(limit)
    said = _("The gift limit of %(year)d removed") % {"year": limit.year}
    return remember(GIFT_LIMIT, said=said, by=by, now=now, row=kept)


@takes_back(GIFT_LIMIT, roles=ADMINISTERS)
def enter_gift_limit_again(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """Unless the year has another by now."""
    if GiftLimit.objects.filter(year=data["row"]["values"]["year"]).exists():
        raise CannotUndo(_("The limit of that year was entered anew since."))
    put_back(data["row"])


@transaction.atomic
def count_gifts(provider: Any, *, year: int, by: Member, now: datetime) -> UndoableAct:
    """What was recorded before they were known as a physician counts. Raises NotPossible."""
    lock_practice()
    shares = GiftShare.objects.filter(provider=provider, gift__given_on__year=year, gift__withdrawn_at=None)
    counted = list(shares.filter(counts=False).values_list("pk", flat=True))
    gift_ledger.count_earlier(provider, year=year)
    said = _("Earlier gifts of %(year)d counted: %(name)s") % {"year": year, "name": provider}
    return remember(GIFT_COUNTED, said=said, by=by, now=now, about=provider.pk, shares=counted)


@takes_back(GIFT_COUNTED, roles=ADMINISTERS)
def count_gifts_no_more(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """They are shown as uncounted again."""
    GiftShare.objects.filter(pk__in=data["shares"]).update(counts=False)


def _whom(row: Touchpoint) -> str:
    return str(row.provider or row.office or "")


def _links_of(row: Touchpoint) -> list[LinkToken]:
    asked = FeedbackRequest.objects.filter(touchpoint=row).values_list("pk", flat=True)
    return list(
        LinkToken.objects.filter(
            practice=row.practice_id,
            purpose=LinkToken.Purpose.FEEDBACK,
            object_id__in=list(asked),
            used_at=None,
        )
    )


def _link(link: LinkToken) -> dict[str, Any]:
    """What is kept of a secret anyway: its hash."""
    return {
        "hash": bytes(link.token_hash).hex(),
        "about": link.object_id,
        "expires_at": plain(link.expires_at),
    }


def _open_again(link: dict[str, Any], practice_id: int | None) -> None:
    LinkToken.objects.create(
        token_hash=bytes.fromhex(link["hash"]),
        practice_id=practice_id,
        purpose=LinkToken.Purpose.FEEDBACK,
        object_id=link["about"],
        expires_at=link["expires_at"],
    )
