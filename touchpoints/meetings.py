"""Meetings: planned, changed, held, cancelled. Each change raises `sequence`, which calendars compare.

A held one is one touchpoint for each provider who was there, or one for the office when no provider was. Their
note is the meeting's in words, so that a correction keeps what was said before, as with any other touchpoint.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Office
from practices.models import Member
from touchpoints.meeting_invitations import send_invitations
from touchpoints.meeting_people import People, field_of, office_for
from touchpoints.models import Attendee, Gift, Meeting, Reminder, Touchpoint
from touchpoints.reminders import remind
from touchpoints.reminders_at_once import ask_again
from touchpoints.touchpoint_log import NotPossible, keep_earlier, lock_practice, settle

State = Meeting.State
MEETING_RULES = ("promised_next_steps", "meetings_tomorrow")


@transaction.atomic
def plan_meeting(
    *, people: People, by: Member, now: datetime, uid: UUID | None = None, **said: Any
) -> Meeting:
    """Put it down for its day. The second press of one form, known by its `uid`, finds the first's meeting.

    `said`: kind, starts_at, ends_at, owner, purpose, office, location, place. Raises NotPossible when nobody of
    theirs and no office is named.
    """
    lock_practice()
    twice = Meeting.objects.filter(uid=uid).first() if uid else None
    if twice and any(getattr(twice, name) != value for name, value in said.items()):
        raise NotPossible(_("It was put down already: change it on its own page."))
    if twice:
        return twice
    meeting = Meeting(uid=uid or uuid4(), created_by=by, changed_at=now, **said)
    _check_whom(meeting, people)
    meeting.save()
    _bring(meeting, people)
    remind(now=now, only=MEETING_RULES)
    return meeting


@transaction.atomic
def log_meeting(
    *,
    people: People,
    by: Member,
    now: datetime,
    uid: UUID | None = None,
    answers: Reminder | None = None,
    next_step_owner: Member | None = None,
    **said: Any,
) -> Meeting:
    """It was held, and nobody had put it down before. `said`: what planning and holding take."""
    meeting = plan_meeting(people=people, by=by, now=now, uid=uid, **said)
    held = hold_meeting(meeting, people=people, by=by, now=now, next_step_owner=next_step_owner, **said)
    if answers:
        settle(answers, by=by, now=now)
    return held


@transaction.atomic
def change_meeting(
    meeting: Meeting,
    *,
    people: People,
    by: Member,
    now: datetime,
    reason: str = "",
    next_step_owner: Member | None = None,
    **said: Any,
) -> Meeting:
    """Move it, or say better what it is; of a held one, say better what it was: its touchpoints follow.

    Raises NotPossible.
    """
    lock_practice()
    row = _locked(meeting)
    if row.state == State.CANCELLED:
        raise NotPossible(_("It was cancelled meanwhile."))
    changed = [name for name, value in said.items() if getattr(row, name) != value]
    is_other_people = People.at(row).keys != people.keys
    if not changed and not is_other_people and _promised_to(row) == next_step_owner:
        return row
    day = row.held_on
    _say(row, said, now=now)
    _check_whom(row, people)
    if is_other_people or row.held_on != day:
        _check_costs(row)
    row.save()
    _bring(row, people)
    if row.state == State.HELD:
        _check_day(row, by=by, now=now)
        _tell(row, people, by=by, now=now, reason=reason, next_step_owner=next_step_owner)
    remind(now=now, only=MEETING_RULES)
    return row


@transaction.atomic
def hold_meeting(
    meeting: Meeting,
    *,
    people: People,
    by: Member,
    now: datetime,
    next_step_owner: Member | None = None,
    **said: Any,
) -> Meeting:
    """It took place, and these people were there. A second press changes nothing.

    `said`: what changed of the plan, intel, materials, feedback_heard, next_step, next_step_on. Raises NotPossible.
    """
    lock_practice()
    row = _locked(meeting)
    if row.state == State.CANCELLED:
        raise NotPossible(_("It was cancelled meanwhile."))
    if row.state == State.HELD:
        if any(getattr(row, name) != value for name, value in said.items()):
            raise NotPossible(_("Somebody said meanwhile how it went: correct it there."))
        return row
    _say(row, said, now=now)
    row.state = State.HELD
    _check_whom(row, people)
    _check_day(row, by=by, now=now)
    row.save()
    _bring(row, people)
    _tell(row, people, by=by, now=now, next_step_owner=next_step_owner)
    remind(now=now, only=MEETING_RULES)
    return row


@transaction.atomic
def cancel_meeting(meeting: Meeting, *, by: Member, now: datetime, reason: str) -> Meeting:
    """It does not take place; or it was said to have been held in error: then its touchpoints are withdrawn.

    Raises NotPossible while costs of it stand in the gift ledger. A second press changes nothing.
    """
    lock_practice()
    row = _locked(meeting)
    if row.state == State.CANCELLED:
        return row
    _check_costs(row)
    _say(row, {"cancelled_reason": reason}, now=now)
    row.state = State.CANCELLED
    row.save()
    told = list(Touchpoint.objects.standing().filter(meeting=row))
    for touchpoint in told:
        _withdraw(touchpoint, by=by, now=now, reason=reason)
    ask_again(now=now, providers=[touchpoint.provider_id for touchpoint in told])
    send_invitations(row, by=by, now=now)  # who was invited is told at once that it is off
    remind(now=now, only=MEETING_RULES)
    return row


def _promised_to(meeting: Meeting) -> Member | None:
    """Who was to do the next step, where it is not who went."""
    told = Touchpoint.objects.standing().filter(meeting=meeting).select_related("next_step_owner").first()
    return told.next_step_owner if told else None


def _say(meeting: Meeting, said: dict[str, Any], *, now: datetime) -> None:
    for name, value in said.items():
        setattr(meeting, name, value)
    meeting.sequence += 1
    meeting.changed_at = now


def _bring(meeting: Meeting, people: People) -> None:
    """Let its attendees be these people; who is among them already keeps their row."""
    rows = meeting.attendees.select_related("provider", "office_contact", "member")
    there = {_whose(row): row for row in rows}
    wanted = {(field_of(person), person.pk): person for person in people}
    meeting.attendees.filter(pk__in=[row.pk for who, row in there.items() if who not in wanted]).delete()
    Attendee.objects.bulk_create(
        Attendee(meeting=meeting, **{field: person})
        for (field, pk), person in wanted.items()
        if (field, pk) not in there
    )


def _whose(row: Attendee) -> tuple[str, int]:
    person: Any = row.person
    return field_of(person), person.pk


def _tell(
    meeting: Meeting,
    people: People,
    *,
    by: Member,
    now: datetime,
    next_step_owner: Member | None,
    reason: str = "",
) -> None:
    """One touchpoint for each provider who was there, otherwise one for the office; what is no longer so, withdrawn."""
    told = {row.provider_id: row for row in Touchpoint.objects.standing().filter(meeting=meeting)}
    words = {**_words(meeting), "next_step_owner": next_step_owner}
    reached: dict[int | None, dict[str, Any]] = {
        provider.pk: {"provider": provider, "office": office_for(provider, meeting)}
        for provider in people.providers
    } or {None: {"provider": None, "office": _office_of(meeting, people)}}
    for provider_id, whom in reached.items():
        if row := told.pop(provider_id, None):
            _correct(row, {**words, **whom}, by=by, now=now, reason=reason)
        else:
            Touchpoint.objects.create(
                kind=Touchpoint.Kind.MEETING, meeting=meeting, logged_at=now, logged_by=by, **words, **whom
            )
    ask_again(now=now, providers=[*reached, *told])
    for row in told.values():
        _withdraw(row, by=by, now=now, reason=reason)


def _words(meeting: Meeting) -> dict[str, Any]:
    return {
        "happened_on": meeting.held_on,
        "member": meeting.owner,
        "note": note_of(meeting),
        "next_step": meeting.next_step,
        "next_step_on": meeting.next_step_on,
    }


def note_of(meeting: Meeting) -> str:
    """The meeting in words, a line for each thing that was written down."""
    lines = [
        (_("Purpose: %s"), meeting.purpose),
        (_("Learned: %s"), meeting.intel),
        (_("Feedback heard: %s"), meeting.feedback_heard),
        (_("Materials left: %s"), meeting.materials),
    ]
    return "\n".join(line % value for line, value in lines if value)


def _correct(row: Touchpoint, said: dict[str, Any], *, by: Member, now: datetime, reason: str) -> None:
    changed = [name for name, value in said.items() if getattr(row, name) != value]
    if not changed:
        return
    keep_earlier(row, by=by, now=now, reason=reason)
    for name in changed:
        setattr(row, name, said[name])
    if "next_step_on" in changed:
        row.next_step_done_at = None
    row.save()


def _withdraw(row: Touchpoint, *, by: Member, now: datetime, reason: str) -> None:
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now, by, reason
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])


def _office_of(meeting: Meeting, people: People) -> Office | None:
    return meeting.office or next((contact.office for contact in people.contacts), None)


def _check_whom(meeting: Meeting, people: People) -> None:
    if not people.theirs and meeting.office is None:
        raise NotPossible(_("Say with whom, or at least which office."))


def _check_day(meeting: Meeting, *, by: Member, now: datetime) -> None:
    if meeting.held_on > by.practice.today(now):
        raise NotPossible(_("It can't have been held in the future."))


def _check_costs(meeting: Meeting) -> None:
    if Gift.objects.standing().filter(meeting=meeting).exists():
        raise NotPossible(
            _("Costs of it stand in the gift ledger, divided by who was there that day: withdraw them first.")
        )


def _locked(meeting: Meeting) -> Meeting:
    rows: Any = Meeting.objects.select_for_update(of=("self",))
    return rows.select_related("owner__user", "office", "location", "practice").get(pk=meeting.pk)
