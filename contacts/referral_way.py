"""A referral's way, enforced in this one place: logged, moved, reported back, taken back, withdrawn.

received → contacted → scheduled → seen → closed; later steps may be taken directly. No-show, cancelled and
unreachable may go back to contacted or scheduled. Declined, unreachable and no-show also owe the referrer word.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from contacts.changes import changed
from contacts.merging import standing_for
from contacts.models import Referral, ReferralStep
from contacts.models.referrals import NextAction, Status, Urgency
from practices.business_days import add_business_days
from practices.models import Member, Practice

Act = ReferralStep.Act

WAY: dict[str, frozenset[str]] = {
    Status.RECEIVED: frozenset({"contacted", "scheduled", "seen", "declined", "unreachable", "cancelled"}),
    Status.CONTACTED: frozenset({"scheduled", "seen", "declined", "unreachable", "cancelled"}),
    Status.SCHEDULED: frozenset({"scheduled", "seen", "no_show", "declined", "cancelled"}),
    Status.SEEN: frozenset(),
    Status.CLOSED: frozenset(),
    Status.DECLINED: frozenset(),
    Status.UNREACHABLE: frozenset({"contacted", "scheduled", "seen", "declined", "cancelled"}),
    Status.NO_SHOW: frozenset({"contacted", "scheduled", "seen", "declined", "unreachable", "cancelled"}),
    Status.CANCELLED: frozenset({"contacted", "scheduled", "seen"}),
}
ATTEMPTED_FROM = frozenset({Status.RECEIVED, Status.CONTACTED, Status.NO_SHOW, Status.CANCELLED})
RESTORED = (
    "status",
    "contact_attempts",
    "appointment_at",
    "seen_on",
    "reported_back_at",
    "reported_back_by_id",
)


class NotOnTheWay(Exception):
    """The step can't be taken from where the referral stands; says why in a sentence."""


@transaction.atomic
def log_referral(*, by: Member, now: datetime, submission_key: UUID | None = None, **fields: Any) -> Referral:
    """Log a referral with its first step; the same submission twice gives the first one's referral.

    Raises ValueError when `received_on` lies in the practice's future.
    """
    if submission_key:
        twice = Referral.objects.filter(submission_key=submission_key).first()
        if twice:
            return twice
    if fields["received_on"] > by.practice.today(now):
        raise ValueError("received_on lies in the future")
    fields |= _standing_senders(fields)
    referral = Referral(submission_key=submission_key, logged_at=now, logged_by=by, **fields)
    set_next_action(referral, practice=by.practice, since=now)
    try:
        with transaction.atomic():
            referral.save()
    except IntegrityError:
        # The same submission at the same moment: whoever came second shows what the first wrote.
        twice = Referral.objects.filter(submission_key=submission_key).exclude(submission_key=None).first()
        if twice is None:
            raise
        return twice
    ReferralStep.objects.create(referral=referral, act=Act.RECEIVED, at=now, by=by)
    changed(now=now, providers=[referral.provider_id], referrals=[referral.pk])
    return referral


@transaction.atomic
def edit(referral: Referral, *, by: Member, now: datetime, **fields: Any) -> Referral:
    """Correct what was logged. The step says which fields changed, never their values.

    Raises NotOnTheWay once it is withdrawn, ValueError when `received_on` lies in the practice's future
    or after `seen_on`.
    """
    fields |= _standing_senders(fields)  # before the referral, in the order in which a merge takes its locks
    row = _locked(referral)
    _may_change(row)
    wrong = sorted(name for name, value in fields.items() if getattr(row, name) != value)
    if not wrong:
        return row
    if fields.get("received_on", row.received_on) > by.practice.today(now):
        raise ValueError("received_on lies in the future")
    if row.seen_on and fields.get("received_on", row.received_on) > row.seen_on:
        raise ValueError("received_on lies after seen_on")
    sender_id = row.provider_id
    for name in wrong:
        setattr(row, name, fields[name])
    set_next_action(row, practice=by.practice, since=_since(row))
    row.save()
    ReferralStep.objects.create(referral=row, act=Act.EDITED, at=now, by=by, before={"fields": wrong})
    changed(now=now, providers=[sender_id, row.provider_id], referrals=[row.pk])
    return row


@transaction.atomic
def move(
    referral: Referral,
    *,
    to: str,
    by: Member,
    now: datetime,
    appointment_at: datetime | None = None,
    seen_on: date | None = None,
    note: str = "",
) -> Referral:
    """Take a step of the way. A second click finds it taken and changes nothing.

    Raises NotOnTheWay when the step does not follow, or lacks its appointment (aware) or its day.
    """
    row = _locked(referral)
    if row.status == to and (to != Status.SCHEDULED or appointment_at in (None, row.appointment_at)):
        return row
    _may_move(row, to, appointment_at=appointment_at, seen_on=seen_on, today=by.practice.today(now))
    before = _standing(row)
    row.status = to
    # The referrer was told of an end that was none: what comes of it now is owed anew.
    row.reported_back_at = row.reported_back_by = None
    if to == Status.SCHEDULED:
        row.appointment_at = appointment_at
    if to == Status.SEEN:
        row.seen_on = seen_on
    if to == Status.CONTACTED:
        row.appointment_at = None
        row.contact_attempts += 1
    return _take(row, act=to, before=before, by=by, now=now, note=note)


@transaction.atomic
def record_attempt(
    referral: Referral, *, by: Member, now: datetime, note: str = "", known: int | None = None
) -> Referral:
    """Somebody tried to reach the patient and did not. Raises NotOnTheWay once that no longer matters.

    `known` is the number of attempts they knew of: a second click finds its own beyond it and adds none.
    """
    row = _locked(referral)
    _may_change(row)
    newest = newest_step(row)
    if (
        known is not None
        and row.contact_attempts > known
        and newest.by_id == by.pk
        and newest.act == Act.ATTEMPTED
    ):
        return row
    if row.status not in ATTEMPTED_FROM:
        raise NotOnTheWay(
            _("There is nobody to reach: this referral is %(status)s.") % {"status": row.get_status_display()}
        )
    before = _standing(row)
    row.contact_attempts += 1
    return _take(row, act=Act.ATTEMPTED, before=before, by=by, now=now, note=note)


@transaction.atomic
def report_back(
    referral: Referral,
    *,
    by: Member,
    now: datetime,
    note: str = "",
    note_channel: str = "",
    was_called: bool = False,
) -> Referral:
    """The referrer was told what we found, or that nothing came of it. A second click changes nothing.

    `note_channel` is how the consult note was sent, if it was; `was_called` that they were told by telephone.
    """
    row = _locked(referral)
    if row.reported_back_at:
        return row
    if not row.owes_word:
        raise NotOnTheWay(
            _("There is nothing to report yet: this referral is %(status)s.")
            % {"status": row.get_status_display()}
        )
    before = _standing(row)
    row.reported_back_at, row.reported_back_by = now, by
    if row.status == Status.SEEN:
        row.status = Status.CLOSED
    how = {"note_channel": note_channel, "was_called": was_called}
    return _take(row, act=Act.REPORTED_BACK, before=before, by=by, now=now, note=note, **how)


@transaction.atomic
def take_back(referral: Referral, *, step_id: int, by: Member, now: datetime, reason: str) -> Referral:
    """Undo the last step, which stays on the record with the reason. A second click changes nothing.

    Raises NotOnTheWay when another step has followed, or there is none.
    """
    row = _locked(referral)
    step = row.steps.filter(pk=step_id).first()
    if step and step.taken_back_at:
        return row
    if step is None or step != last_step(row):
        raise NotOnTheWay(_("Only the last step can be taken back, and another has followed."))
    if step.act == Act.WITHDRAWN:
        row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = None, None, ""
    for name, value in step.before.items():
        field: Any = Referral._meta.get_field(name)
        setattr(row, field.attname, field.to_python(value))
    step.taken_back_at, step.taken_back_by, step.taken_back_reason = now, by, reason
    step.save(update_fields=["taken_back_at", "taken_back_by", "taken_back_reason"])
    set_next_action(row, practice=by.practice, since=_since(row))
    row.save()
    changed(now=now, providers=[row.provider_id], referrals=[row.pk])
    return row


@transaction.atomic
def withdraw(referral: Referral, *, by: Member, now: datetime, reason: str) -> Referral:
    """It was logged in error: it leaves every count and list, and stays on the record with the reason."""
    row = _locked(referral)
    if row.withdrawn_at:
        return row
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now, by, reason
    set_next_action(row, practice=by.practice, since=now)
    row.save()
    ReferralStep.objects.create(referral=row, act=Act.WITHDRAWN, at=now, by=by, note=reason)
    changed(now=now, providers=[row.provider_id], referrals=[row.pk])
    return row


def stand_of(referral: Referral) -> str:
    """Where it stands on its way, in one word, so that an act can say which stand it was made for."""
    row = referral
    moments = (row.appointment_at, row.seen_on, row.reported_back_at, row.withdrawn_at)
    told = [moment.strftime("%Y%m%d%H%M%S") if moment else "" for moment in moments]
    return "-".join([row.status, str(row.contact_attempts), *told])


def refuse_stale(referral: Referral, *, stand: str, by: Member) -> None:
    """Lock the referral; raise NotOnTheWay when somebody else has moved it since it was shown as `stand`.

    Who presses twice finds their own step, and is not asked about it.
    """
    row = _locked(referral)
    if stand in ("", stand_of(row)):
        return
    who, act, at = _last_mover(row)
    if who == by:
        return
    words = {"who": who.name, "act": act, "at": date_format(localtime(at), "M j, g:i A")}
    raise NotOnTheWay(
        _("%(who)s was here before you: %(act)s, %(at)s. Nothing was changed; this is how it stands now.")
        % words
    )


def newest_step(referral: Referral) -> ReferralStep:
    """What happened last, corrections and what was taken back included."""
    return referral.steps.order_by("-at", "-id").select_related("by__user")[0]


def last_step(referral: Referral) -> ReferralStep | None:
    """The step that may be taken back."""
    steps = referral.steps.filter(taken_back_at=None).exclude(act__in=[Act.RECEIVED, Act.EDITED])
    return steps.order_by("-at", "-id").first()


def moves_from(referral: Referral) -> list[Status]:
    """The steps that may be taken now, in the order of the way."""
    return [] if referral.withdrawn_at else [status for status in Status if status in WAY[referral.status]]


def may_attempt(referral: Referral) -> bool:
    """Whether there is still somebody to reach."""
    return referral.status in ATTEMPTED_FROM and not referral.withdrawn_at


def set_next_action(referral: Referral, *, practice: Practice, since: datetime) -> None:
    """Who has to do what next, and by when; nothing once the referral has ended and the referrer knows.

    `since` is when it came to where it stands.
    """
    action, due_at, owner = _next_action(referral, practice, since)
    referral.next_action, referral.next_action_due_at, referral.next_action_owner_id = action, due_at, owner


def _next_action(
    referral: Referral, practice: Practice, since: datetime
) -> tuple[str, datetime | None, int | None]:
    is_history = referral.received_on < practice.starts_on
    if referral.withdrawn_at or is_history:
        return "", None, None
    if referral.status == Status.RECEIVED:
        return NextAction.CONTACT, _contact_by(referral, practice), None
    if referral.status == Status.CONTACTED:
        return NextAction.SCHEDULE, _end_of_business_day(since, 3, practice), None
    if referral.status == Status.SCHEDULED and referral.appointment_at:
        day = practice.today(referral.appointment_at) + timedelta(days=1)
        return NextAction.RECORD_OUTCOME, _end_of(day, practice), None
    if referral.owes_word:
        return NextAction.REPORT_BACK, _report_by(referral, practice, since), referral.physician_id
    return "", None, None


def _contact_by(referral: Referral, practice: Practice) -> datetime:
    """Stat 2 hours, urgent 1 business day, routine 3; counted from when it was logged."""
    if referral.urgency == Urgency.STAT:
        return referral.logged_at + timedelta(hours=2)
    return _end_of_business_day(referral.logged_at, 1 if referral.urgency == Urgency.URGENT else 3, practice)


def _report_by(referral: Referral, practice: Practice, since: datetime) -> datetime:
    seen_on = referral.seen_on if referral.status == Status.SEEN else None
    return _end_of(add_business_days(seen_on or practice.today(since), 2, practice.state), practice)


def _end_of_business_day(since: datetime, count: int, practice: Practice) -> datetime:
    return _end_of(add_business_days(practice.today(since), count, practice.state), practice)


def _end_of(day: date, practice: Practice) -> datetime:
    """17:00 on the practice's clock."""
    return datetime.combine(day, time(17), practice.zone)


def _may_move(
    row: Referral, to: str, *, appointment_at: datetime | None, seen_on: date | None, today: date
) -> None:
    _may_change(row)
    if to not in WAY[row.status]:
        raise NotOnTheWay(
            _("A referral that is %(now)s can't become %(then)s. Take the last step back first.")
            % {"now": row.get_status_display(), "then": Status(to).label}
        )
    if to == Status.SCHEDULED and appointment_at is None:
        raise NotOnTheWay(_("Say when the appointment is."))
    if to == Status.SEEN and (seen_on is None or seen_on > today):
        raise NotOnTheWay(_("Say on which day the patient was seen; it can't be in the future."))
    if to == Status.SEEN and seen_on and seen_on < row.received_on:
        raise NotOnTheWay(seen_too_early(row.received_on))


def seen_too_early(received_on: date) -> str:
    """Why a patient can't have been seen on an earlier day."""
    return _("The referral was received on %(day)s: the patient can't have been seen before that.") % {
        "day": date_format(received_on, "M j, Y")
    }


def _may_change(row: Referral) -> None:
    if row.withdrawn_at:
        raise NotOnTheWay(_("This referral was withdrawn."))


def _standing_senders(fields: dict[str, Any]) -> dict[str, Any]:
    """Whoever was chosen before a merge took them away is by now somebody else."""
    return {name: standing_for(fields[name]) for name in ("office", "provider") if fields.get(name)}


def _since(row: Referral) -> datetime:
    step = last_step(row)
    return step.at if step else row.logged_at


def _take(
    row: Referral, *, act: str, before: dict[str, Any], by: Member, now: datetime, note: str, **how: Any
) -> Referral:
    set_next_action(row, practice=by.practice, since=now)
    row.save()
    ReferralStep.objects.create(referral=row, act=act, at=now, by=by, note=note, before=before, **how)
    changed(now=now, providers=[row.provider_id], referrals=[row.pk])
    return row


def _last_mover(row: Referral) -> tuple[Member, str, datetime]:
    """Who last took a step or took one back, what it was, and when."""
    moves = []
    for step in row.steps.exclude(act=Act.EDITED).select_related("by__user", "taken_back_by__user"):
        moves.append((step.by, str(step.get_act_display()), step.at))
        if step.taken_back_by and step.taken_back_at:
            text = _("took back “%(act)s”") % {"act": step.get_act_display()}
            moves.append((step.taken_back_by, text, step.taken_back_at))
    return max(moves, key=lambda move: move[2])


def _locked(referral: Referral) -> Referral:
    return Referral.objects.select_for_update().get(pk=referral.pk)


def _standing(row: Referral) -> dict[str, Any]:
    values = {name: getattr(row, Referral._meta.get_field(name).attname) for name in RESTORED}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
