"""What is done with a row of a thank-you list: decide, write, mail, call, skip, carry, hand over, take back.

Each act locks its row; a second click finds it done and changes nothing. A mailed card is one touchpoint, dated
when mailed; a call is one; other acts are none.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from contacts import referral_way
from contacts.models import Referral
from practices.models import Member, Practice
from touchpoints.models import ThankYou, ThankYouList, Touchpoint
from touchpoints.reminders_at_once import ask_again

State = ThankYou.State
DECIDED_BEFORE_A_CARD = (State.UNDECIDED, State.CALLED, State.SKIPPED, State.CARRIED)


class NotPossible(Exception):
    """The act does not follow from where the row stands; says why in a sentence."""


@transaction.atomic
def write_card(
    row: ThankYou,
    *,
    by: Member,
    now: datetime,
    personal_line: str | None = None,
    means_others: str = "",
) -> ThankYou:
    """Decide for a card; `means_others`: the names on its line that are a patient's too and mean somebody else.

    A call that was made stays.
    """
    row = _locked(row)
    if personal_line is not None:
        row.personal_line, row.line_means_others = personal_line, means_others
    if row.state in DECIDED_BEFORE_A_CARD:
        _decide(row, State.TO_WRITE, by=by, now=now)
        row.skip_reason = ""
    return _settle(row, now=now)


@transaction.atomic
def mark_written(row: ThankYou, *, by: Member, now: datetime) -> ThankYou:
    """The card is written and waits to be mailed. Raises NotPossible when none was decided on."""
    row = _locked(row)
    if row.state in (State.WRITTEN, State.MAILED):
        return row
    if row.state != State.TO_WRITE:
        raise NotPossible(_("No card was decided on for this row."))
    row.state, row.written_at, row.written_by = State.WRITTEN, now, by
    return _settle(row, now=now)


@transaction.atomic
def mark_mailed(row: ThankYou, *, by: Member, now: datetime, on: date | None = None) -> ThankYou:
    """The card is on its way: one touchpoint, dated `on` (default today). Raises NotPossible for another day."""
    row = _locked(row)
    today = by.practice.today(now)
    if row.state == State.MAILED:
        return row
    if row.state not in (State.TO_WRITE, State.WRITTEN):
        raise NotPossible(_("No card was decided on for this row."))
    if on and on > today:
        raise NotPossible(_("A card can't have been mailed in the future."))
    if on and on < earliest_mailing(row, by.practice):
        raise NotPossible(_("A card can't have been mailed before it was decided on and written."))
    if row.state == State.TO_WRITE:
        row.written_at, row.written_by = now, by
    row.mailed_on = on or today
    row.card = _touchpoint(row, Touchpoint.Kind.CARD, on=row.mailed_on, by=by, now=now)
    row.state = State.MAILED
    return _settle(row, now=now)


def earliest_mailing(row: ThankYou, practice: Practice) -> date:
    """The day from which the card can have been mailed: its week had begun, it was decided on, and written."""
    moments = [moment for moment in (row.decided_at, row.written_at) if moment]
    return max([row.list.week.monday, *(practice.today(moment) for moment in moments)])


@transaction.atomic
def record_call(
    row: ThankYou,
    *,
    by: Member,
    now: datetime,
    note: str = "",
    is_thanks: bool = True,
    reported_on: Iterable[Referral] = (),
) -> ThankYou:
    """They were called: one touchpoint, with what was said; it also reports back the referrals named."""
    row = _locked(row)
    if row.call_id is None:
        today = by.practice.today(now)
        row.call = _touchpoint(
            row, Touchpoint.Kind.CALL, on=today, by=by, now=now, note=note, is_thanks=is_thanks
        )
        if row.state in (State.UNDECIDED, State.SKIPPED, State.CARRIED):
            _decide(row, State.CALLED, by=by, now=now)
    for referral in reported_on:
        referral_way.report_back(referral, by=by, now=now, was_called=True)
    return _settle(row, now=now)


@transaction.atomic
def skip(row: ThankYou, *, by: Member, now: datetime, reason: str) -> ThankYou:
    """No thanks this time, for a reason. Raises NotPossible once a card is written or a call was made."""
    return _set_aside(row, State.SKIPPED, by=by, now=now, reason=reason)


@transaction.atomic
def carry(row: ThankYou, *, by: Member, now: datetime) -> ThankYou:
    """These patients go with the next card. Raises NotPossible as `skip` does."""
    return _set_aside(row, State.CARRIED, by=by, now=now)


@transaction.atomic
def hand_over(row: ThankYou, *, to: Member | None) -> ThankYou:
    """Somebody else writes or mails it; it stays on its list. None gives it back to the physician."""
    row = _locked(row)
    row.assignee = to
    row.save(update_fields=["assignee"])
    return row


@transaction.atomic
def add_line(row: ThankYou, *, text: str) -> ThankYou:
    """The physician's own line for the card."""
    row = _locked(row)
    row.personal_line, row.line_means_others = text, ""
    row.save(update_fields=["personal_line", "line_means_others"])
    return row


@transaction.atomic
def put_back(row: ThankYou, *, to: State, by: Member, now: datetime) -> ThankYou:
    """Undo the card's last steps alone: mailed → written → to write → called, where a call was made.

    Raises NotPossible when the row does not come from there.
    """
    row = _locked(row)
    steps = [State.CALLED, State.TO_WRITE, State.WRITTEN, State.MAILED]
    if row.state == to:
        return row
    comes_from_there = {to, row.state} <= set(steps) and steps.index(to) < steps.index(State(row.state))
    if not comes_from_there or (to == State.CALLED and row.call_id is None):
        raise NotPossible(
            _("This row is %(state)s by now; nothing was changed.") % {"state": row.get_state_display()}
        )
    card, row.card, row.mailed_on, row.state = row.card, None, None, to
    if to != State.WRITTEN:
        row.written_at = row.written_by = None
    _settle(row, now=now)
    if card:
        _withdraw(card, by=by, now=now)
    return row


@transaction.atomic
def take_back(row: ThankYou, *, by: Member, now: datetime, reason: str = "") -> ThankYou:
    """Back to undecided. The card's and the call's touchpoints are withdrawn, not deleted."""
    row = _locked(row)
    touchpoints = Touchpoint.objects.standing().filter(pk__in=[pk for pk in (row.card_id, row.call_id) if pk])
    row.state = State.UNDECIDED
    row.card = row.call = row.mailed_on = row.written_at = row.written_by = row.decided_at = (
        row.decided_by
    ) = None
    row.skip_reason = ""
    _settle(row, now=now)
    for touchpoint in touchpoints:
        _withdraw(touchpoint, by=by, now=now, reason=reason)
    return row


def settle_lists(lists: QuerySet[ThankYouList], *, now: datetime) -> None:
    """Say of each list whether it is reviewed (all decided) and finished (nothing left to write or mail).

    A list that lost its last row goes: no referrals, no list.
    """
    rows = ThankYou.objects.filter(list=OuterRef("pk"))
    states = lists.annotate(
        has_rows=Exists(rows),
        has_undecided=Exists(rows.undecided()),
        has_waiting=Exists(rows.filter(state__in=[State.TO_WRITE, State.WRITTEN])),
    )
    for found in states:
        if found.has_rows:
            _settle_list(found, is_reviewed=not found.has_undecided, is_waiting=found.has_waiting, now=now)
        else:
            found.delete()


def _settle_list(found: ThankYouList, *, is_reviewed: bool, is_waiting: bool, now: datetime) -> None:
    last = found.rows.exclude(decided_at=None).order_by("-decided_at").first() if is_reviewed else None
    if not is_reviewed:
        found.reviewed_at = found.reviewed_by = None
    elif found.reviewed_at is None and last:
        found.reviewed_at, found.reviewed_by_id = now, last.decided_by_id
    is_finished = is_reviewed and not is_waiting
    found.finished_at = (found.finished_at or now) if is_finished else None
    found.save(update_fields=["reviewed_at", "reviewed_by", "finished_at"])


def _set_aside(row: ThankYou, state: State, *, by: Member, now: datetime, reason: str = "") -> ThankYou:
    row = _locked(row)
    if row.state == state:
        return row
    if row.state in (State.WRITTEN, State.MAILED, State.CALLED) or row.call_id:
        raise NotPossible(
            _("This row has been %(state)s. Take that back first.") % {"state": row.get_state_display()}
        )
    _decide(row, state, by=by, now=now)
    row.skip_reason = reason
    return _settle(row, now=now)


def _decide(row: ThankYou, state: State, *, by: Member, now: datetime) -> None:
    row.state, row.decided_at, row.decided_by = state, now, by


def _touchpoint(
    row: ThankYou,
    kind: Touchpoint.Kind,
    *,
    on: date,
    by: Member,
    now: datetime,
    note: str = "",
    is_thanks: bool = True,
) -> Touchpoint:
    """In the physician's name, whoever wrote or dialled; the office is the provider's main one."""
    provider = row.provider.merged_into or row.provider
    main = provider.places.filter(is_main=True).first()
    return Touchpoint.objects.create(
        kind=kind,
        happened_on=on,
        provider=provider,
        office_id=main.office_id if main else None,
        member_id=row.list.physician_id,
        is_thanks=is_thanks,
        call_outcome=Touchpoint.CallOutcome.REACHED if kind == Touchpoint.Kind.CALL else "",
        note=note,
        logged_at=now,
        logged_by=by,
    )


def _withdraw(touchpoint: Touchpoint, *, by: Member, now: datetime, reason: str = "") -> None:
    touchpoint.withdrawn_at, touchpoint.withdrawn_by = now, by
    touchpoint.withdrawn_reason = reason or _("Taken back on the thank-you list")
    touchpoint.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])


def _settle(row: ThankYou, *, now: datetime) -> ThankYou:
    row.save()
    settle_lists(ThankYouList.objects.filter(pk=row.list_id), now=now)
    ask_again(now=now, providers=[row.provider_id, row.provider.merged_into_id], lists=[row.list_id])
    return row


def _locked(row: ThankYou) -> ThankYou:
    """The list before the row: two last decisions at once must see each other to call the list reviewed."""
    ThankYouList.objects.select_for_update().get(pk=row.list_id)
    return ThankYou.objects.select_for_update(of=("self",)).select_related("list", "provider").get(pk=row.pk)
