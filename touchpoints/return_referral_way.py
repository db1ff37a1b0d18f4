"""The way of a patient whom we send to the network: suggested, sent, seen, report received; or cancelled.

Sending makes a touchpoint, and cancelling or taking the sending back withdraws it. A second click finds the first
one's work and changes nothing.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Office, Provider
from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from touchpoints.models import ReturnReferral, Touchpoint
from touchpoints.reminders_at_once import ask_again
from touchpoints.touchpoint_log import NotPossible

State = ReturnReferral.State
SECOND_PRESS = timedelta(days=1)
OFFERED = 50  # as many of the ranked are kept with the choice
NEED = (
    "patient_family_name",
    "patient_given_name",
    "patient_born_on",
    "patient_phone",
    "physician",
    "specialty",
    "zip_code",
    "language",
    "payer",
    "urgency",
)
FIT_RESTS_ON = ("specialty", "zip_code", "language", "payer", "urgency")


@transaction.atomic
def suggest(*, by: Member, now: datetime, **need: Any) -> ReturnReferral:
    """A patient of ours needs somebody. `need`: the fields of NEED. The same again, not sent yet, is the same row."""
    lock_practice()
    row = ReturnReferral(suggested_at=now, suggested_by=by, **need)
    twice = _pressed_before(row, now)
    if twice is None:
        row.save()
    return twice or row


@transaction.atomic
def change_need(row: ReturnReferral, *, now: datetime, **need: Any) -> ReturnReferral:
    """Say the need right, before the patient is sent. Raises NotPossible.

    The patient chose from those who fitted the earlier need: with another one they are asked again.
    """
    row = _locked(row)
    _must_be_suggested(row)
    if any(name in need and getattr(row, name) != need[name] for name in FIT_RESTS_ON):
        row.provider, row.office, row.is_patients_choice, row.offered = None, None, False, []
    for name, value in need.items():
        setattr(row, name, value)
    row.save()
    return row


@transaction.atomic
def choose(
    row: ReturnReferral,
    *,
    provider: Provider,
    office: Office | None,
    clinical_reason: str,
    is_patients_choice: bool,
    offered: Iterable[int],
    known: int | None,
) -> ReturnReferral:
    """The patient chose this provider, and why they are sent. Raises NotPossible.

    `offered`: the providers named to the patient, in rank; `known`: whom the form knew as chosen before.
    """
    row = _locked(row)
    _must_be_suggested(row)
    if not is_patients_choice:
        raise NotPossible(_("The patient chooses, not we."))
    if known and row.provider_id is None:
        raise NotPossible(_("The need was changed meanwhile: ask the patient again."))
    if row.provider_id not in (known, provider.pk):
        raise NotPossible(_("%(name)s was chosen meanwhile. Look again.") % {"name": row.provider})
    row.provider, row.office = provider, office
    row.clinical_reason, row.is_patients_choice = clinical_reason, True
    row.offered = list(offered)[:OFFERED]
    row.save(update_fields=["provider", "office", "clinical_reason", "is_patients_choice", "offered"])
    return row


@transaction.atomic
def send(row: ReturnReferral, *, by: Member, now: datetime, on: date | None = None) -> ReturnReferral:
    """The patient is on the way to the provider since that day, today where none is said. Raises NotPossible.

    The provider is reached out to by it.
    """
    row = _locked(row)
    if row.state in (State.SENT, State.SEEN, State.REPORT_RECEIVED):
        return row
    _must_be_suggested(row)
    if row.provider is None or not row.is_patients_choice:
        raise NotPossible(_("Say first whom the patient chose."))
    if not row.provider.is_active or row.provider.merged_into_id:
        state = row.provider.get_state_display()
        raise NotPossible(_("%(name)s is %(state)s. Choose again.") % {"name": row.provider, "state": state})
    on = on or by.practice.today(now)
    _check_day(row, on, by=by, now=now)
    row.touchpoint = Touchpoint.objects.create(
        kind=Touchpoint.Kind.RETURN_REFERRAL,
        happened_on=on,
        provider=row.provider,
        office=row.office,
        member=by,
        logged_at=now,
        logged_by=by,
    )
    row.state, row.sent_at, row.sent_by = State.SENT, _moment_on(on, row, by=by, now=now), by
    row.save(update_fields=["state", "sent_at", "sent_by", "touchpoint"])
    ask_again(now=now, providers=[row.provider_id])
    return row


@transaction.atomic
def record_seen(row: ReturnReferral, *, on: date, by: Member, now: datetime) -> ReturnReferral:
    """The provider saw the patient on that day. Raises NotPossible."""
    row = _locked(row)
    if row.state in (State.SEEN, State.REPORT_RECEIVED):
        return row
    _must_be_sent(row)
    _check_day(row, on, by=by, now=now)
    row.state, row.seen_on = State.SEEN, on
    row.save(update_fields=["state", "seen_on"])
    return row


@transaction.atomic
def record_report(row: ReturnReferral, *, on: date, by: Member, now: datetime) -> ReturnReferral:
    """Their report came on that day; that the patient was seen need not have been said. Raises NotPossible."""
    row = _locked(row)
    if row.state == State.REPORT_RECEIVED:
        return row
    _must_be_sent(row)
    _check_day(row, on, by=by, now=now)
    if row.seen_on and on < row.seen_on:
        raise NotPossible(_("The report can't be older than the visit."))
    row.state, row.report_received_on = State.REPORT_RECEIVED, on
    row.save(update_fields=["state", "report_received_on"])
    return row


@transaction.atomic
def cancel(row: ReturnReferral, *, by: Member, now: datetime, reason: str) -> ReturnReferral:
    """The patient does not go there, for that reason. Raises NotPossible once they were seen."""
    row = _locked(row)
    if row.state == State.CANCELLED:
        return row
    if row.state not in (State.SUGGESTED, State.SENT):
        raise NotPossible(_("The patient was seen: there is nothing to cancel."))
    _withdraw_touchpoint(row, by=by, now=now)
    row.state, row.cancelled_at, row.cancelled_by, row.cancelled_reason = State.CANCELLED, now, by, reason
    row.save(update_fields=["state", "cancelled_at", "cancelled_by", "cancelled_reason", "touchpoint"])
    return row


@transaction.atomic
def take_back(row: ReturnReferral, *, known: str, by: Member, now: datetime) -> ReturnReferral:
    """The last step was taken in error. `known`: the state the form saw; another's, and nothing happens."""
    row = _locked(row)
    if row.state != known:
        return row
    if row.state == State.REPORT_RECEIVED:
        row.report_received_on, row.state = None, State.SEEN if row.seen_on else State.SENT
    elif row.state == State.SEEN:
        row.seen_on, row.state = None, State.SENT
    elif row.state in (State.SENT, State.CANCELLED):
        _withdraw_touchpoint(row, by=by, now=now)
        row.sent_at = row.sent_by = row.cancelled_at = row.cancelled_by = None
        row.cancelled_reason, row.state = "", State.SUGGESTED
    row.save()
    return row


def _pressed_before(row: ReturnReferral, now: datetime) -> ReturnReferral | None:
    lately = ReturnReferral.objects.filter(
        suggested_by=row.suggested_by, suggested_at__gt=now - SECOND_PRESS, state=State.SUGGESTED
    )
    names = [ReturnReferral._meta.get_field(name).attname for name in NEED]  # encrypted: compared here
    return next((old for old in lately if all(getattr(old, n) == getattr(row, n) for n in names)), None)


def _must_be_suggested(row: ReturnReferral) -> None:
    if row.state == State.CANCELLED:
        raise NotPossible(_("It was cancelled meanwhile."))
    if row.state != State.SUGGESTED:
        raise NotPossible(_("The patient was sent meanwhile."))


def _must_be_sent(row: ReturnReferral) -> None:
    if row.state == State.CANCELLED:
        raise NotPossible(_("It was cancelled meanwhile."))
    if row.state == State.SUGGESTED:
        raise NotPossible(_("The patient was not sent yet."))


def _check_day(row: ReturnReferral, on: date, *, by: Member, now: datetime) -> None:
    if on > by.practice.today(now):
        raise NotPossible(_("It can't have been in the future."))
    if row.state == State.SUGGESTED and on < by.practice.today(row.suggested_at):
        raise NotPossible(_("It can't have been before anybody asked for it."))
    if row.sent_at and on < by.practice.today(row.sent_at):
        raise NotPossible(_("It can't have been before the patient was sent."))


def _moment_on(on: date, row: ReturnReferral, *, by: Member, now: datetime) -> datetime:
    """Now, for today; for an earlier day its noon, yet not before it was suggested."""
    if on == by.practice.today(now):
        return now
    return max(datetime.combine(on, time(12), tzinfo=by.practice.zone), row.suggested_at)


def _withdraw_touchpoint(row: ReturnReferral, *, by: Member, now: datetime) -> None:
    """The provider was not reached after all. Why the patient does not go is not for the provider's story."""
    if row.touchpoint is None:
        return
    touchpoint, row.touchpoint = row.touchpoint, None
    touchpoint.withdrawn_at, touchpoint.withdrawn_by = now, by
    touchpoint.withdrawn_reason = _("The return referral was taken back or cancelled.")
    touchpoint.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    ask_again(now=now, providers=[touchpoint.provider_id])


def lock_practice() -> None:
    """First of all: merges and reminders take the same lock, so that none waits for the other."""
    Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())


def _locked(row: ReturnReferral) -> ReturnReferral:
    lock_practice()
    rows = ReturnReferral.objects.select_for_update(of=("self",)).select_related("provider", "touchpoint")
    return rows.get(pk=row.pk)
