"""A referral's way as its page tells it: where it stands, what was done when and by whom, what may be done now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import referral_way
from contacts.models import Referral, ReferralStep
from contacts.models.referrals import NextAction, NoteChannel, Status

MAIN = [Status.RECEIVED, Status.CONTACTED, Status.SCHEDULED, Status.SEEN, Status.CLOSED]
ENDS = [Status.DECLINED, Status.UNREACHABLE, Status.CANCELLED]
ACT_OF = {Status.CLOSED: ReferralStep.Act.REPORTED_BACK}
ICONS = {
    "received": "plus-lg",
    "attempted": "telephone",
    "contacted": "telephone",
    "scheduled": "calendar-event",
    "seen": "check-lg",
    "reported_back": "envelope-paper",
    "edited": "pencil",
    "withdrawn": "archive",
}

END_LABELS = {
    Status.DECLINED: gettext_lazy("Patient declined"),
    Status.UNREACHABLE: gettext_lazy("Could not be reached"),
    Status.CANCELLED: gettext_lazy("Cancelled"),
}
ORDER = {
    "": ["scheduled", "quick", "seen", "ends"],
    NextAction.CONTACT: ["quick", "scheduled", "seen", "ends"],
    NextAction.SCHEDULE: ["scheduled", "quick", "seen", "ends"],
    NextAction.RECORD_OUTCOME: ["seen", "quick", "scheduled", "ends"],
    NextAction.REPORT_BACK: ["quick", "scheduled", "seen", "ends"],
}


@dataclass(frozen=True)
class WayPoint:
    """One point of the way, reached or not."""

    label: str
    at: datetime | None
    is_done: bool
    is_current: bool


@dataclass(frozen=True)
class StoryLine:
    """One step as a sentence, with its note."""

    step: ReferralStep
    icon: str
    text: str
    note: str


@dataclass(frozen=True)
class ActGroup:
    """Steps that share a form: `name` is the form's, `acts` its buttons."""

    name: str
    title: str
    acts: list[tuple[str, str]]


def way_of(referral: Referral, steps: Iterable[ReferralStep]) -> list[WayPoint]:
    """The five points of the way; an end that came instead stands where it came."""
    taken = {step.act: step.at for step in steps if not step.taken_back_at}
    status = Status(referral.status)
    if status in MAIN:
        place = MAIN.index(status)
        return [
            _point(point, taken, is_done=MAIN.index(point) < place or point == Status.CLOSED, status=status)
            for point in MAIN
        ]
    reached = [point for point in MAIN[:3] if _act(point) in taken]
    told = WayPoint(
        _("referrer told"),
        referral.reported_back_at,
        is_done=bool(referral.reported_back_at),
        is_current=False,
    )
    return [
        *[_point(point, taken, is_done=True, status=status) for point in reached],
        _point(status, taken, is_done=False, status=status),
        *([told] if referral.owes_word or referral.reported_back_at else []),
    ]


def _point(point: Status, taken: dict[str, datetime], *, is_done: bool, status: Status) -> WayPoint:
    at = taken.get(_act(point)) if is_done or point == status else None
    return WayPoint(str(point.label), at, is_done=is_done and at is not None, is_current=point == status)


def _act(point: Status) -> str:
    return ACT_OF.get(point, point.value)


def story_of(steps: Iterable[ReferralStep]) -> list[StoryLine]:
    """Every step in order, corrections and what was taken back included."""
    return [
        StoryLine(step=step, icon=ICONS.get(step.act, "x-lg"), text=_sentence(step), note=step.note)
        for step in steps
    ]


def _sentence(step: ReferralStep) -> str:
    if step.act != ReferralStep.Act.EDITED:
        how = how_told(step)
        act = f"{step.get_act_display()} ({how})" if how else step.get_act_display()
        return _("%(who)s: %(act)s") % {"who": step.by.name, "act": act}
    names = [label_of(name) for name in step.before.get("fields", [])]
    return _("%(who)s corrected: %(fields)s") % {"who": step.by.name, "fields": ", ".join(names)}


def how_told(step: ReferralStep) -> str:
    """ "consult note by fax, and a call"; nothing where nobody said how."""
    note = _("consult note by %(channel)s") % {"channel": step.get_note_channel_display()}
    if step.note_channel == NoteChannel.IN_PERSON:
        note = _("consult note in person")
    if step.note_channel and step.was_called:
        return _("%(note)s, and a call") % {"note": note}
    return note if step.note_channel else _("a call") if step.was_called else ""


def label_of(name: str) -> str:
    """What people call a referral's field."""
    field: Any = Referral._meta.get_field(name)
    return str(field.verbose_name)


def act_groups(referral: Referral) -> list[ActGroup]:
    """What may be done now, the next action's own first."""
    moves = referral_way.moves_from(referral)
    quick = [
        ("report_back", _("Told the referrer"), referral.owes_word),
        ("contacted", _("Contacted the patient"), Status.CONTACTED in moves),
        ("attempted", _("Tried, not reached"), referral_way.may_attempt(referral)),
        ("no_show", _("Did not come"), Status.NO_SHOW in moves),
    ]
    is_again = referral.status == Status.SCHEDULED
    groups = {
        "quick": ActGroup(
            "quick", _quick_title(referral), [(act, label) for act, label, may in quick if may]
        ),
        "scheduled": ActGroup(
            "scheduled",
            _("Another appointment") if is_again else _("An appointment was made"),
            [("scheduled", _("Reschedule") if is_again else _("Schedule"))]
            if Status.SCHEDULED in moves
            else [],
        ),
        "seen": ActGroup(
            "seen", _("The patient was seen"), [("seen", _("Seen"))] if Status.SEEN in moves else []
        ),
        "ends": ActGroup(
            "ends", _("Nothing came of it"), [(end, str(END_LABELS[end])) for end in ENDS if end in moves]
        ),
    }
    return [groups[name] for name in ORDER.get(referral.next_action, ORDER[""]) if groups[name].acts]


def _quick_title(referral: Referral) -> str:
    if referral.owes_word:
        return _("Was the referrer told?")
    return _("Did not come?") if referral.status == Status.SCHEDULED else _("Was the patient reached?")


def group_of(act: str) -> str:
    """The form an act belongs to."""
    if act in (Status.SCHEDULED, Status.SEEN):
        return act
    return "ends" if act in ENDS else "quick"
