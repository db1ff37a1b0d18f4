"""Reminders: each rule says what is due, under a key; the tick makes what is new and closes what is gone.

A rule is one function over the open practice (`reminder_rules`), with the practice's own settings where it has any.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from touchpoints.models import Reminder, RuleSetting
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_rules.asked import About, Asked, Round
from touchpoints.reminder_rules.calls import promises_of
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Rule

State = Reminder.State
FOLLOWED = ["state", "closed_at", "member", "due_on", "reason"]


@dataclass
class Changes:
    """What a round makes, lets come back, brings up to date and closes."""

    made: list[Reminder] = field(default_factory=list)
    back: list[Reminder] = field(default_factory=list)
    moved: list[Reminder] = field(default_factory=list)
    gone: list[Reminder] = field(default_factory=list)

    @property
    def all_made(self) -> list[Reminder]:
        return [*self.made, *self.back]


@transaction.atomic
def remind(*, now: datetime, only: Iterable[str] = (), about: About | None = None) -> Changes:
    """Bring the practice's reminders up to date. Running it twice, late or at once changes nothing more.

    `only` names the rules that what was just done concerns; none: all of them. `about` narrows them to what it was
    about.
    """
    practice = _locked_practice()
    changes = what_changes(Round(practice, now, about=about), only or RULES, settings_of_rules())
    Reminder.objects.bulk_create(changes.made)
    Reminder.objects.bulk_update([*changes.back, *changes.moved], FOLLOWED)
    if changes.gone:
        Reminder.objects.filter(pk__in=[row.pk for row in changes.gone]).update(
            state=State.GONE, closed_at=now
        )
    return changes


def settings_of_rules() -> dict[str, RuleSetting]:
    """How the open practice has each rule; one that was never set is as it comes."""
    known = {setting.rule: setting for setting in RuleSetting.objects.all()}
    return {key: known.get(key) or RuleSetting(rule=key) for key in RULES}


def number_of(rule: str, name: str) -> int:
    """A rule's number in the open practice."""
    return RULES[rule].numbers_of(settings_of_rules()[rule].numbers)[name]


def what_changes(asked_at: Round, keys: Iterable[str], settings: dict[str, RuleSetting]) -> Changes:
    """What the reminders of these rules would become under these settings. Writes nothing."""
    keys = list(keys)
    due = {(key, one.cause): one for key in keys for one in _due(RULES[key], asked_at, settings[key])}
    open_ones = Reminder.objects.open().filter(rule__in=keys)
    if asked_at.about:
        open_ones = open_ones.filter(asked_at.about.reminders)
    known = {(row.rule, row.cause): row for row in open_ones.defer("dismissed_reason")}
    gone = [row for key, row in known.items() if key not in due]
    known |= _closed(due.keys() - known.keys())
    changes = Changes(gone=gone)
    for key, one in due.items():
        if key not in known:
            changes.made.append(Reminder(rule=key[0], made_at=asked_at.now, **_fields(one)))
            continue
        was_gone = known[key].state == State.GONE
        if _follows(known[key], one, asked_at):
            (changes.back if was_gone else changes.moved).append(known[key])
    return changes


def _due(rule: Rule, asked_at: Round, setting: RuleSetting) -> Iterator[Due]:
    """What the rule finds, if it is on; a practice that everybody has left is reminded of nothing."""
    if not setting.is_on or not asked_at.roles:
        return
    asked = Asked(asked_at, rule.numbers_of(setting.numbers), setting.owner_id, rule.owners)
    yield from rule.find(asked)


def _closed(causes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Reminder]:
    """The closed reminders of these causes: as many as are due at most, however many there ever were."""
    by_rule: dict[str, list[str]] = {}
    for rule, cause in causes:
        by_rule.setdefault(rule, []).append(cause)
    if not by_rule:
        return {}
    wanted = Q()
    for rule, of_rule in by_rule.items():
        wanted |= Q(rule=rule, cause__in=of_rule)
    return {(row.rule, row.cause): row for row in Reminder.objects.filter(wanted).defer("dismissed_reason")}


def _fields(one: Due) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__slots__}


def _follows(reminder: Reminder, due: Due, asked_at: Round) -> bool:
    """Let an open reminder say what is true now.

    One that went by itself comes back with its cause, put off and handed over as it was.
    """
    if reminder.state in (State.DONE, State.DISMISSED):
        return False
    before = (reminder.state, reminder.member_id, reminder.due_on, reminder.reason)
    if reminder.state == State.GONE:
        reminder.state, reminder.closed_at = State.OPEN, None
    is_in_hand = reminder.handed_over_at and reminder.member_id in asked_at.roles
    if due.member_id and not is_in_hand:
        reminder.member_id = due.member_id
    reminder.reason = due.reason
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
    row = _locked(reminder)
    if row.state in (State.DONE, State.DISMISSED):
        row.state, row.closed_at, row.closed_by, row.dismissed_reason = State.OPEN, None, None, ""
        row.save(update_fields=["state", "closed_at", "closed_by", "dismissed_reason"])
        promises_of(row).update(next_step_done_at=None)
    return row


@transaction.atomic
def snooze(reminder: Reminder, *, until: date, now: datetime) -> Reminder:
    """Ask again on that day (the practice's date)."""
    row = _locked(reminder)
    if row.state == State.OPEN:
        row.due_on, row.snoozed_at = until, now
        row.save(update_fields=["due_on", "snoozed_at"])
    return row


@transaction.atomic
def hand_over(reminder: Reminder, *, to: Member, by: Member, now: datetime) -> Reminder:
    """Another member has it from now on, until it is closed or they leave."""
    row = _locked(reminder)
    if row.state == State.OPEN and row.member_id != to.pk:
        row.handed_over_from, row.member = row.member, to
        row.handed_over_at, row.handed_over_by, row.handed_over_until = now, by, None
        row.save(
            update_fields=[
                "member",
                "handed_over_at",
                "handed_over_by",
                "handed_over_from",
                "handed_over_until",
            ]
        )
    return row


def _close(reminder: Reminder, state: State, *, by: Member, now: datetime, reason: str = "") -> Reminder:
    row = _locked(reminder)
    if row.state == State.OPEN:
        row.state, row.closed_at, row.closed_by, row.dismissed_reason = state, now, by, reason
        row.save(update_fields=["state", "closed_at", "closed_by", "dismissed_reason"])
        if state == State.DONE:
            promises_of(row).update(next_step_done_at=now)
    return row


def _locked(reminder: Reminder) -> Reminder:
    """The row as it stands, while no round runs: what somebody closes now must not be written over."""
    _locked_practice()
    return Reminder.objects.select_for_update(of=("self",)).get(pk=reminder.pk)


def _locked_practice() -> Practice:
    return Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())
