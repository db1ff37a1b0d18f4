"""Touchpoints a person logs: a call, a card sent by hand; corrected, withdrawn, their next step done.

Nothing is deleted. A correction keeps the row, so that what points at it stays true, and leaves a copy of what it
said before: withdrawn, with the reason, and pointing at the row that says it right.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contacts import referral_way
from contacts.models import Office, Provider, Referral
from contacts.senders import main_office
from practices.business_days import add_business_days
from practices.isolation import entered_practice_id
from practices.models import LinkToken, Member, Practice
from practices.secret_links import unused_links
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest, Reminder, ThankYou, Touchpoint
from touchpoints.reminder_rules.asked import About
from touchpoints.reminder_rules.calls import cause_of
from touchpoints.reminders import close, number_of, remind, reopen, snooze
from touchpoints.reminders_at_once import ask_again

Outcome = Touchpoint.CallOutcome
SECOND_PRESS = timedelta(minutes=1)
CALL_RULES = ("promised_next_steps", "unreached_calls")
CONTACT_RULES = ("in_touch", "new_referrers")
GO_ONCE_REACHED = (*CONTACT_RULES, "unreached_calls")


class NotPossible(Exception):
    """The touchpoint can't be changed so; says why in a sentence."""


@transaction.atomic
def log_call(
    *,
    outcome: str,
    by: Member,
    now: datetime,
    provider: Provider | None = None,
    office: Office | None = None,
    referral: Referral | None = None,
    answers: Iterable[Reminder] = (),
    reports_back: bool = False,
    **said: Any,
) -> Touchpoint:
    """They were called, or somebody tried. `reports_back` tells the referrer what became of the referral.

    `answers` are the reminders that the call settles: of those to report back, the referrer was told. If nobody was
    reached they wait until it is time to call again.

    `said`: happened_on, note, is_thanks, next_step, next_step_on, next_step_owner. Raises NotOnTheWay when there is
    nothing to report back, NotPossible when it was in the future or nobody was told.
    """
    if reports_back and outcome != Outcome.REACHED:
        raise NotPossible(_("Nobody was told: they were not reached."))
    if outcome == Outcome.NO_ANSWER:
        said["is_thanks"] = False
    about: dict[str, Any] = {"provider": provider, "office": office, "referral": referral}
    call = _log(Touchpoint.Kind.CALL, by=by, now=now, call_outcome=outcome, **about, **said)
    if reports_back and referral:
        referral_way.report_back(referral, by=by, now=now, was_called=True)
    for reminder in sorted(answers, key=lambda row: row.pk):
        _settle(reminder, outcome, by=by, now=now)
    remind(now=now, only=CALL_RULES)
    if provider and outcome == Outcome.REACHED:
        remind(now=now, only=CONTACT_RULES, about=About.of(providers=[provider.pk]))
    return call


def _settle(reminder: Reminder, outcome: str, *, by: Member, now: datetime) -> None:
    if outcome != Outcome.REACHED and reminder.rule != "unreached_calls":
        days = number_of("unreached_calls", "days")
        snooze(reminder, until=add_business_days(by.practice.today(now), days, by.practice.state), now=now)
    elif reminder.rule == "report_backs" and reminder.referral:
        referral_way.report_back(reminder.referral, by=by, now=now, was_called=True)
        remind(now=now, only=["report_backs"])  # by its rule, so that it comes back if that is taken back
    else:
        settle(reminder, by=by, now=now)


def settle(reminder: Reminder, *, by: Member, now: datetime) -> None:
    """The touchpoint just logged does it.

    By its own rule where that looks at touchpoints: so it speaks again if this one is withdrawn, or was too long ago.
    """
    if reminder.rule in GO_ONCE_REACHED:
        about = About.of(providers=[reminder.provider_id]) if reminder.provider_id else None
        remind(now=now, only=[reminder.rule], about=about)
    else:
        close(reminder, by=by, now=now)


@transaction.atomic
def log_card(*, provider: Provider, by: Member, now: datetime, **said: Any) -> Touchpoint:
    """A thank-you card was sent by hand, beside the lists. `said`: happened_on, note. Raises NotPossible."""
    return _log(Touchpoint.Kind.CARD, by=by, now=now, provider=provider, is_thanks=True, **said)


@transaction.atomic
def correct(touchpoint: Touchpoint, *, by: Member, now: datetime, reason: str, **said: Any) -> Touchpoint:
    """Say it right; what it said before is kept. Raises NotPossible once it is withdrawn."""
    lock_practice()
    row = _locked(touchpoint)
    if row.withdrawn_at:
        raise NotPossible(_("It was withdrawn meanwhile."))
    _refuse_return_referral(row)
    changed = [name for name, value in said.items() if getattr(row, name) != value]
    if not changed:
        return row
    keep_earlier(row, by=by, now=now, reason=reason)
    for name in changed:
        setattr(row, name, said[name])
    if "next_step_on" in changed:
        row.next_step_done_at = None
    _check_day(row, by=by, now=now)
    row.save(update_fields=[*changed, "next_step_done_at"])
    if "call_outcome" in changed and row.call_outcome != Outcome.REACHED:
        _unsettle(row)
    _remind_of(row, CALL_RULES, now)
    return row


@transaction.atomic
def withdraw(touchpoint: Touchpoint, *, by: Member, now: datetime, reason: str) -> Touchpoint:
    """It was logged in error: it leaves every count and story, and stays on the record with the reason.

    Raises NotPossible for what a thank-you list or a meeting holds, and for a referrer's own answer. A second click changes nothing.
    """
    lock_practice()
    row = _locked(touchpoint)
    if row.withdrawn_at:
        return row
    _refuse_return_referral(row)
    if thank_you_of(row):
        raise NotPossible(_("It stands on a thank-you list: take it back there."))
    if row.meeting_id:
        raise NotPossible(_("It is part of a meeting: correct that."))
    if Feedback.objects.filter(touchpoint=row, source=Feedback.Source.PAGE).exists():
        raise NotPossible(_("It is their own answer: it stays."))
    _close_links_of(row)
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now, by, reason
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    told = FeedbackIssue.objects.filter(touchpoint=row)
    told.update(told_at=None, told_by=None, touchpoint=None)  # they were not told after all
    _unsettle(row)
    _remind_of(row, (*CALL_RULES, "issues_unresolved"), now)
    return row


def _unsettle(row: Touchpoint) -> None:
    """What was said to be done by it, at the same moment, is due again: nobody was reached after all."""
    same = {"closed_at": row.logged_at, "closed_by": row.logged_by}
    about = {"provider": row.provider} if row.provider_id else {"office": row.office}
    for reminder in Reminder.objects.filter(state=Reminder.State.DONE, **same, **about):
        reopen(reminder)


def _remind_of(row: Touchpoint, rules: Iterable[str], now: datetime) -> None:
    """What its change makes due, and what it does away with."""
    remind(now=now, only=rules)
    if row.provider_id:
        remind(now=now, only=CONTACT_RULES, about=About.of(providers=[row.provider_id]))
    ask_again(now=now, providers=[row.provider_id])


@transaction.atomic
def finish_next_step(touchpoint: Touchpoint, *, by: Member, now: datetime) -> Touchpoint:
    """What was promised is done, and its reminder with it. A second click changes nothing."""
    lock_practice()
    promised = Reminder.objects.open().filter(rule="promised_next_steps", cause=cause_of(touchpoint))
    for reminder in promised:
        close(reminder, by=by, now=now)
    row = _locked(touchpoint)
    if row.next_step_done_at is None:
        row.next_step_done_at = now
        row.save(update_fields=["next_step_done_at"])
    return row


def thank_you_of(touchpoint: Touchpoint) -> ThankYou | None:
    """The row of a thank-you list that this card or call belongs to."""
    rows = ThankYou.objects.select_related("list__physician__user")
    return rows.filter(Q(card=touchpoint) | Q(call=touchpoint)).first()


def _log(
    kind: Touchpoint.Kind, *, by: Member, now: datetime, happened_on: date | None = None, **said: Any
) -> Touchpoint:
    """One touchpoint; the second press of the same finds the first."""
    lock_practice()
    provider = said.get("provider")
    if provider and not said.get("office"):
        said["office"] = main_office(provider)
    row = Touchpoint(
        kind=kind,
        happened_on=happened_on or by.practice.today(now),
        member=by,
        logged_at=now,
        logged_by=by,
        **said,
    )
    _check_day(row, by=by, now=now)
    twice = _pressed_before(row, now)
    if twice is None:
        row.save()
        ask_again(now=now, providers=[row.provider_id])
    return twice or row


def _pressed_before(row: Touchpoint, now: datetime) -> Touchpoint | None:
    same = ("kind", "happened_on", "provider_id", "office_id", "referral_id", "call_outcome")
    lately = Touchpoint.objects.standing().filter(logged_by=row.logged_by, logged_at__gt=now - SECOND_PRESS)
    rows = lately.filter(**{name: getattr(row, name) for name in same})
    words = (
        "note",
        "next_step",
        "next_step_on",
        "is_thanks",
    )  # encrypted ones can't be compared in the database
    return next((old for old in rows if all(getattr(old, w) == getattr(row, w) for w in words)), None)


def _close_links_of(row: Touchpoint) -> None:
    """Who was asked for feedback in error finds the link closed, like a used one."""
    for request in FeedbackRequest.objects.filter(touchpoint=row):
        links = unused_links(LinkToken.Purpose.FEEDBACK, practice_id=row.practice_id, object_id=request.pk)
        links.delete()


def _refuse_return_referral(row: Touchpoint) -> None:
    if row.kind == Touchpoint.Kind.RETURN_REFERRAL:
        raise NotPossible(_("It was made by sending a patient: it is taken back or cancelled there."))


def _check_day(row: Touchpoint, *, by: Member, now: datetime) -> None:
    if row.happened_on > by.practice.today(now):
        raise NotPossible(_("It can't have been in the future."))


def keep_earlier(row: Touchpoint, *, by: Member, now: datetime, reason: str) -> None:
    """Leave a copy of what the row says, withdrawn, that points at the row."""
    earlier = Touchpoint.objects.get(pk=row.pk)
    earlier.pk, earlier._state.adding = None, True
    earlier.withdrawn_at, earlier.withdrawn_by, earlier.withdrawn_reason = now, by, reason
    earlier.corrected_by = row
    earlier.save()


def lock_practice() -> None:
    """First of all: the reminders are made under the same lock, and merges too, so that none waits for the other."""
    Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())


def _locked(touchpoint: Touchpoint) -> Touchpoint:
    return Touchpoint.objects.select_for_update(of=("self",)).get(pk=touchpoint.pk)
