"""What a list shows of a referral, made before the template: initials or a reference, what is next, which acts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from contacts.models import Referral
from contacts.models.referrals import Channel, NextAction, Status, Urgency
from contacts.referral_way import stand_of
from practices.addresses import row_url
from practices.models import Member
from practices.roles import MOVES_REFERRALS

TONES = {
    Status.RECEIVED: "open",
    Status.CONTACTED: "open",
    Status.SCHEDULED: "open",
    Status.SEEN: "due",
    Status.CLOSED: "done",
    Status.DECLINED: "neutral",
    Status.UNREACHABLE: "quiet",
    Status.NO_SHOW: "due",
    Status.CANCELLED: "neutral",
}


@dataclass(frozen=True)
class RowAct:
    """A step taken from the list with one press."""

    act: str
    label: str
    key: str
    seen_on: str = ""


@dataclass(frozen=True)
class ReferralRow:
    """One referral in a list, fit for whom it is shown to."""

    referral: Referral
    url: str
    who: str
    sender: str
    place: str
    came: str
    status: str
    tone: str
    urgency: str = ""
    physician: str = ""
    next_action: str = ""
    due_at: datetime | None = None
    is_overdue: bool = False
    owner: str = ""
    appointment_at: datetime | None = None
    acts: list[RowAct] = field(default_factory=list)
    stand: str = ""

    @cached_property
    def step_url(self) -> str:
        """Where its acts are sent."""
        return row_url("referral_step", self.referral.pk)

    @property
    def origin(self) -> str:
        """The sender and, where that says more, the office."""
        return ", ".join(filter(None, [self.sender, self.place]))


def referral_rows(
    referrals: Iterable[Referral], *, member: Member, now: datetime, names_shown: bool = False
) -> list[ReferralRow]:
    """Rows for this member, of referrals `with_what_a_row_shows`."""
    return [referral_row(row, member=member, now=now, names_shown=names_shown) for row in referrals]


def referral_row(
    referral: Referral, *, member: Member, now: datetime, names_shown: bool = False
) -> ReferralRow:
    """One row. A liaison's has the reference and the status, and nothing the patient could be known by."""
    common: dict[str, Any] = {
        "referral": referral,
        "url": row_url("referral", referral.pk),
        "sender": sender_of(referral),
        "place": str(referral.office) if referral.provider and referral.office else "",
        "came": str(Channel(referral.channel).label),
        "status": capfirst(_("withdrawn") if referral.withdrawn_at else str(Status(referral.status).label)),
        "tone": "neutral" if referral.withdrawn_at else TONES[Status(referral.status)],
    }
    if not referral.patient_is_shown_to(member):
        return ReferralRow(who=referral.reference, **common)
    return ReferralRow(
        who=patient_of(referral, names_shown=names_shown),
        urgency="" if referral.urgency == Urgency.ROUTINE else capfirst(str(Urgency(referral.urgency).label)),
        physician=referral.physician.name if referral.physician else "",
        next_action=capfirst(str(NextAction(referral.next_action).label)) if referral.next_action else "",
        due_at=referral.next_action_due_at,
        is_overdue=referral.is_overdue(now),
        owner=referral.next_action_owner.name if referral.next_action_owner else "",
        appointment_at=referral.appointment_at if referral.status == Status.SCHEDULED else None,
        acts=acts_of(referral, member=member, now=now),
        stand=stand_of(referral),
        **common,
    )


def sender_of(referral: Referral) -> str:
    """The provider, or the office alone: "somebody at Lakeside"."""
    if referral.provider:
        return str(referral.provider)
    return _("Somebody at %(office)s") % {"office": referral.office}


def patient_of(referral: Referral, *, names_shown: bool) -> str:
    """The patient's name or initials; the reference where a liaison logged none."""
    name = referral.patient_name if names_shown else referral.patient_initials
    return name or referral.reference


def acts_of(referral: Referral, *, member: Member, now: datetime) -> list[RowAct]:
    """What can be done with one press, by what is next."""
    if member.role not in MOVES_REFERRALS or referral.withdrawn_at:
        return []
    if referral.next_action == NextAction.CONTACT:
        return [RowAct("contacted", _("Contacted"), "c"), RowAct("attempted", _("Not reached"), "n")]
    if (
        referral.next_action == NextAction.RECORD_OUTCOME
        and referral.appointment_at
        and referral.appointment_at <= now
    ):
        day = member.practice.today(referral.appointment_at).isoformat()
        return [RowAct("seen", _("Seen"), "s", seen_on=day), RowAct("no_show", _("No-show"), "n")]
    if referral.next_action == NextAction.REPORT_BACK:
        return [RowAct("report_back", _("Told the referrer"), "b")]
    return []
