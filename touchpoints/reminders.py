"""Reminders: each rule yields what is due, under a key; the tick makes what is new and closes what is gone.

A rule is one function over the open practice, here or in `reminder_rules`. To add one: write it, name it in
RULES, test it.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices.business_days import add_business_days
from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from practices.weeks import Week
from touchpoints.models import Reminder, ThankYou, ThankYouList
from touchpoints.reminder_rules.calls import promised_next_steps, promises_of, unreached_calls
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.feedback import issues_unresolved
from touchpoints.reminder_rules.meetings import meetings_tomorrow

State = Reminder.State
REVIEW_WITHIN, WRITE_WITHIN, MAIL_WITHIN = 4, 3, 2  # business days


def lists_to_review(practice: Practice) -> Iterable[Due]:
    """A physician's list that has undecided rows, four business days after it was made."""
    lists = ThankYouList.objects.to_review().annotate(left=Count("rows", filter=Q(rows__state="undecided")))
    for found in lists:
        text = ngettext(
            "%(count)d row of the thank-you list of %(week)s is undecided.",
            "%(count)d rows of the thank-you list of %(week)s are undecided.",
            found.left,
        )
        yield Due(
            cause=f"list {found.pk}",
            member_id=found.physician_id,
            due_on=add_business_days(practice.today(found.made_at), REVIEW_WITHIN),
            reason=text % {"count": found.left, "week": week_in_words(found.week)},
            thank_you_list_id=found.pk,
        )


def cards_to_write(practice: Practice) -> Iterable[Due]:
    """A card decided on and not written, three business days later."""
    for row in _waiting(ThankYou.objects.to_write()):
        reason = _("The card to %(name)s is not written yet.") % {"name": row.provider.short_name}
        yield _card_due(practice, row, since=row.decided_at, within=WRITE_WITHIN, reason=reason)


def cards_to_mail(practice: Practice) -> Iterable[Due]:
    """A card written and not mailed, two business days later."""
    for row in _waiting(ThankYou.objects.written()):
        reason = _("The card to %(name)s is written and not mailed yet.") % {"name": row.provider.short_name}
        yield _card_due(practice, row, since=row.written_at, within=MAIL_WITHIN, reason=reason)


RULES: dict[str, Callable[[Practice], Iterable[Due]]] = {
    "lists_to_review": lists_to_review,
    "cards_to_write": cards_to_write,
    "cards_to_mail": cards_to_mail,
    "promised_next_steps": promised_next_steps,
    "unreached_calls": unreached_calls,
    "issues_unresolved": issues_unresolved,
    "meetings_tomorrow": meetings_tomorrow,
}


@transaction.atomic
def remind(*, now: datetime, only: Iterable[str] = ()) -> None:
    """Bring the practice's reminders up to date. Running it twice, late or at once changes nothing more.

    `only` names the rules that what was just done concerns; none: all of them.
    """
    practice = Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())
    for rule in only or RULES:
        _apply(rule, {due.cause: due for due in RULES[rule](practice)}, now)


def _apply(rule: str, due: dict[str, Due], now: datetime) -> None:
    known = {reminder.cause: reminder for reminder in Reminder.objects.filter(rule=rule, cause__in=due)}
    Reminder.objects.bulk_create(
        [Reminder(rule=rule, made_at=now, **vars(due[cause])) for cause in due if cause not in known]
    )
    changed = [reminder for cause, reminder in known.items() if _follows(reminder, due[cause])]
    Reminder.objects.bulk_update(changed, ["state", "closed_at", "member_id", "due_on", "reason"])
    gone = Reminder.objects.open().filter(rule=rule).exclude(cause__in=due)
    gone.update(state=State.GONE, closed_at=now)


def _follows(reminder: Reminder, due: Due) -> bool:
    """Let an open reminder say what is true now; one that went by itself comes back with its cause."""
    if reminder.state in (State.DONE, State.DISMISSED):
        return False
    before = (reminder.state, reminder.member_id, reminder.due_on, reminder.reason)
    if reminder.state == State.GONE:
        reminder.state, reminder.closed_at, reminder.snoozed_at = State.OPEN, None, None
    reminder.member_id, reminder.reason = due.member_id, due.reason
    if reminder.snoozed_at is None:
        reminder.due_on = due.due_on
    return before != (reminder.state, reminder.member_id, reminder.due_on, reminder.reason)


@transaction.atomic
def close(reminder: Reminder, *, by: Member, now: datetime) -> Reminder:
    """It is done. A second click changes nothing."""
    return _close(reminder, State.DONE, by=by, now=now)


@transaction.atomic
def dismiss(reminder: Reminder, *, by: Member, now: datetime, reason: str) -> Reminder:
    """It need not be done, for a reason; the same cause brings it back never again."""
    return _close(reminder, State.DISMISSED, by=by, now=now, reason=reason)


@transaction.atomic
def reopen(reminder: Reminder) -> Reminder:
    """It was closed by mistake: it is due again."""
    row = Reminder.objects.select_for_update().get(pk=reminder.pk)
    if row.state in (State.DONE, State.DISMISSED):
        row.state, row.closed_at, row.closed_by, row.dismissed_reason = State.OPEN, None, None, ""
        row.save(update_fields=["state", "closed_at", "closed_by", "dismissed_reason"])
        promises_of(row).update(next_step_done_at=None)
    return row


@transaction.atomic
def snooze(reminder: Reminder, *, until: date, now: datetime) -> Reminder:
    """Ask again on that day (the practice's date)."""
    row = Reminder.objects.select_for_update().get(pk=reminder.pk)
    if row.state == State.OPEN:
        row.due_on, row.snoozed_at = until, now
        row.save(update_fields=["due_on", "snoozed_at"])
    return row


def week_in_words(week: Week) -> str:
    """ "November 16–22"."""
    last = date_format(week.sunday, "j" if week.monday.month == week.sunday.month else "F j")
    return f"{date_format(week.monday, 'F j')}–{last}"


def _waiting(rows: QuerySet[ThankYou]) -> QuerySet[ThankYou]:
    return rows.select_related("provider", "list").order_by("pk")


def _card_due(practice: Practice, row: ThankYou, *, since: datetime | None, within: int, reason: str) -> Due:
    return Due(
        cause=f"row {row.pk}",
        member_id=row.assignee_id or row.list.physician_id,
        due_on=add_business_days(practice.today(since), within),
        reason=reason,
        provider_id=row.provider_id,
        thank_you_list_id=row.list_id,
    )


def _close(reminder: Reminder, state: State, *, by: Member, now: datetime, reason: str = "") -> Reminder:
    row = Reminder.objects.select_for_update().get(pk=reminder.pk)
    if row.state == State.OPEN:
        row.state, row.closed_at, row.closed_by, row.dismissed_reason = state, now, by, reason
        row.save(update_fields=["state", "closed_at", "closed_by", "dismissed_reason"])
        if state == State.DONE:
            promises_of(row).update(next_step_done_at=now)
    return row
