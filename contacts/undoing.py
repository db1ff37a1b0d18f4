"""Removals of this app that can be taken back for thirty days: each act beside what takes it back."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from contacts import merging, referral_way
from contacts.merging import standing_for
from contacts.models import Merge, NotADouble, OfficeContact, Referral
from contacts.referral_way import NotOnTheWay
from practices.models import Member, UndoableAct
from practices.roles import MERGES, MOVES_REFERRALS
from practices.undo import CannotUndo, put_back, remember, takes_back, values_of

PERSON, REFERRAL, MERGED, TOLD_APART = "person_removed", "referral_withdrawn", "merged", "told_apart"


def remove_person(person: OfficeContact, *, by: Member, now: datetime) -> UndoableAct:
    """Take a person off an office. Raises ProtectedError for whom something on the record names."""
    kept = values_of(person)
    said = _("%(name)s removed from %(office)s") % {"name": person.name, "office": person.office}
    person.delete()
    return remember(PERSON, said=said, by=by, now=now, row=kept)


@takes_back(PERSON)
def bring_person_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """At the office that stands for theirs by now."""
    person: Any = put_back(data["row"])
    office = standing_for(person.office)
    if office != person.office:
        person.office = office
        person.save(update_fields=["office"])


def withdraw_referral(referral: Referral, *, by: Member, now: datetime, reason: str) -> UndoableAct | None:
    """It was logged in error. None: it was withdrawn already."""
    row = referral_way.withdraw(referral, by=by, now=now, reason=reason)
    if row.withdrawn_at != now:
        return None
    step: Any = referral_way.last_step(row)
    said = _("%(reference)s withdrawn") % {"reference": row.reference}
    return remember(REFERRAL, said=said, by=by, now=now, about=row.pk, referral=row.pk, step=step.pk)


@takes_back(REFERRAL, roles=MOVES_REFERRALS)
def take_withdrawal_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """As its own page does, for whom the referral is shown to."""
    seen = Referral.objects.visible_to(by, day=by.practice.today(now))
    row = seen.filter(pk=data["referral"]).first()
    if row is None:
        raise CannotUndo(_("This referral is not among those you see any more."))
    try:
        referral_way.take_back(row, step_id=data["step"], by=by, now=now, reason=_("undone"))
    except NotOnTheWay as refusal:
        raise CannotUndo(str(refusal)) from refusal


def remember_merge(merge: Merge, *, by: Member, now: datetime) -> UndoableAct:
    """The merge keeps by itself what it takes to take it apart."""
    words = {"dropped": merge.dropped, "kept": merge.kept}
    said = _("%(dropped)s merged into %(kept)s") % words
    return remember(MERGED, said=said, by=by, now=now, about=merge.pk, merge=merge.pk)


@takes_back(MERGED, roles=MERGES)
def take_merge_apart(data: dict[str, Any], *, by: Member, now: datetime) -> str:
    """What somebody changed since stays as they left it."""
    left = merging.undo_merge(Merge.objects.get(pk=data["merge"]), by=by, now=now)
    return _("What was changed since stayed as it is.") if left else ""


def remember_told_apart(pair: NotADouble, *, said: str, by: Member, now: datetime) -> UndoableAct:
    """Two were said to be two."""
    return remember(TOLD_APART, said=said, by=by, now=now, about=pair.pk, pair=pair.pk)


@takes_back(TOLD_APART, roles=MERGES)
def doubt_again(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """The two may be listed as likely doubles again."""
    NotADouble.objects.filter(pk=data["pair"]).delete()
