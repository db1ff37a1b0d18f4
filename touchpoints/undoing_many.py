"""Acts on many rows that can be taken back for thirty days: each beside what takes it back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import ReferralStep
from contacts.referral_way import NotOnTheWay
from practices.members import come_back, leave
from practices.models import Member, UndoableAct
from practices.roles import ADMINISTERS, MOVES_REFERRALS
from practices.undo import CannotUndo, remember, takes_back
from touchpoints import leaving, reminder_acts, thank_you_acts
from touchpoints.models import FeedbackIssue, Meeting, Reminder, ThankYou, Touchpoint
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_pages import in_reach_of
from touchpoints.reminders import remind
from touchpoints.report_back_board import rows_of
from touchpoints.reporting_back import Told, take_back_telling
from touchpoints.thank_you_rows import may_write
from touchpoints.touchpoint_log import NotPossible

REMINDERS, CARDS_MARKED, CARDS_HANDED, TOLD, LEFT = (
    "reminders",
    "cards_marked",
    "cards_handed",
    "told",
    "member_left",
)


def remember_reminders(rows: ReminderQuerySet, *, said: str, by: Member, now: datetime) -> UndoableAct | None:
    """What was done with these at `now`; None: nothing was."""
    done = [row.pk for row in rows if reminder_acts.last_act_at(row) == now]
    if not done:
        return None
    said = _("Reminders: %(said)s") % {"said": said}
    return remember(REMINDERS, said=said, by=by, now=now, rows=done, at=now.isoformat())


@takes_back(REMINDERS)
def undo_reminders(data: dict[str, Any], *, by: Member, now: datetime) -> str:
    """What was closed, put off or handed over with them at that moment; what has changed since stays as it is."""
    at, rows = datetime.fromisoformat(data["at"]), in_reach_of(by).filter(pk__in=data["rows"])
    count = reminder_acts.undo(rows, at=at, by=by, now=now)
    if not count:
        raise CannotUndo(_("They have all changed since then."))
    return _stayed(len(data["rows"]) - count)


def remember_marked(rows: Iterable[ThankYou], *, said: str, by: Member, now: datetime) -> UndoableAct:
    """Cards that were written or mailed in one act; the rows are as they stood before."""
    before = [[row.pk, row.state] for row in rows]
    return remember(CARDS_MARKED, said=said, by=by, now=now, rows=before)


@takes_back(CARDS_MARKED)
def put_cards_back(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """Each to where it stood; all or none."""
    for pk, state in data["rows"]:
        row = _card(pk, by)
        try:
            thank_you_acts.put_back(row, to=ThankYou.State(state), by=by, now=now)
        except thank_you_acts.NotPossible as refusal:
            raise CannotUndo(f"{row.provider.short_name}: {refusal}") from refusal


@transaction.atomic
def hand_cards_over(
    rows: Iterable[ThankYou], to: dict[int, Member | None], *, said: str, by: Member, now: datetime
) -> UndoableAct:
    """Give each card to whom it goes to; None: its physician."""
    before = []
    for row in rows:
        whom = to[row.pk]
        before.append([row.pk, row.assignee_id, whom.pk if whom else None])
        thank_you_acts.hand_over(row, to=whom)
    return remember(CARDS_HANDED, said=said, by=by, now=now, rows=before)


@takes_back(CARDS_HANDED)
def take_cards_back(data: dict[str, Any], *, by: Member, now: datetime) -> str:
    """To whom each was with before; what was handed on since stays there."""
    moved = 0
    for pk, before, became in data["rows"]:
        rows = ThankYou.objects.filter(
            pk=pk, assignee=became, state__in=[ThankYou.State.TO_WRITE, ThankYou.State.WRITTEN]
        )
        moved += rows.update(assignee=before)
    if not moved:
        raise CannotUndo(_("They have all changed since then."))
    return _stayed(len(data["rows"]) - moved)


def remember_told(found: Told, *, said: str, by: Member, now: datetime) -> UndoableAct | None:
    """Referrers who were told of several patients in one act; None: nobody was."""
    if not found.steps:
        return None
    steps = [step.pk for step in found.steps]
    return remember(TOLD, said=said, by=by, now=now, steps=steps, call=found.call.pk if found.call else None)


@takes_back(TOLD, roles=MOVES_REFERRALS)
def tell_no_more(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """Word is owed again, and the call withdrawn; all or none."""
    seen = rows_of(by, by.practice.today(now)).order_by().values("pk")
    steps = list(
        ReferralStep.objects.filter(pk__in=data["steps"], referral__in=seen).select_related("referral")
    )
    if len(steps) < len(data["steps"]):
        raise CannotUndo(_("These referrals are not all among those you see any more."))
    call = Touchpoint.objects.standing().filter(pk=data["call"]).first()
    try:
        take_back_telling(Told(steps, call), by=by, now=now)
    except (NotOnTheWay, NotPossible) as refusal:
        raise CannotUndo(str(refusal)) from refusal


@transaction.atomic
def leave_with(seat: Member, *, to: Member | None, by: Member, now: datetime) -> UndoableAct:
    """Close a seat, and hand over what its holder still owns. Raises LastManager."""
    owned = leaving.owned_rows(seat)
    leave(seat, now=now)
    if to and any(owned.values()):
        leaving.hand_over_all(seat, to=to, by=by, now=now)
    said = _("%(name)s has left") % {"name": seat.name}
    data = {"member": seat.pk, "to": to.pk if to else None, "at": now.isoformat(), **owned}
    return remember(LEFT, said=said, by=by, now=now, about=seat.pk, **data)


@takes_back(LEFT, roles=ADMINISTERS)
def bring_member_back(data: dict[str, Any], *, by: Member, now: datetime) -> str:
    """The seat is open again, and theirs what was handed over and not handed on; their sessions stay ended."""
    seat = Member.objects.select_for_update(of=("self",)).get(pk=data["member"])
    if seat.left_at is None:
        raise CannotUndo(_("Their seat was opened again already."))
    come_back(seat)
    to = data["to"]
    if to is None:
        return ""
    FeedbackIssue.objects.filter(pk__in=data["issues"], owner=to).update(owner=seat)
    for meeting in Meeting.objects.filter(pk__in=data["meetings"], owner=to):
        meeting.owner, meeting.sequence, meeting.changed_at = seat, meeting.sequence + 1, now
        meeting.save(update_fields=["owner", "sequence", "changed_at"])
    for pk, owner in data["next_steps"]:
        Touchpoint.objects.filter(pk=pk, next_step_owner=to).update(next_step_owner=owner)
    rows = Reminder.objects.filter(pk__in=data["reminders"])
    reminder_acts.undo(rows, at=datetime.fromisoformat(data["at"]), by=by, now=now)
    remind(now=now, only=leaving.RULES)
    return ""


def _card(pk: int, by: Member) -> ThankYou:
    rows = ThankYou.objects.visible_to(by).select_related("provider", "list__physician__user")
    row = rows.filter(pk=pk).first()
    if row is None or not may_write(by, row):
        raise CannotUndo(_("These cards are not all yours any more."))
    return row


def _stayed(count: int) -> str:
    if not count:
        return ""
    text = ngettext(
        "%(n)d was changed since, and stayed as it is.",
        "%(n)d were changed since, and stayed as they are.",
        count,
    )
    return text % {"n": count}
