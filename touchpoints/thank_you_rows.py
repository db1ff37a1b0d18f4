"""One row of a thank-you list as its line shows it: who, why, which patients, and what may be done now."""

from dataclasses import dataclass, field
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Referral
from contacts.models.referrals import Status
from contacts.referral_rows import TONES as REFERRAL_TONES
from practices.addresses import row_url
from practices.models import Member
from practices.roles import SEES_ALL_PATIENTS, Role
from touchpoints.models import ThankYou, Touchpoint
from touchpoints.own_line import line_problem
from touchpoints.suggestions import RowFacts, Suggestion

State = ThankYou.State
TONES = {
    State.UNDECIDED: "neutral",
    State.TO_WRITE: "due",
    State.WRITTEN: "due",
    State.MAILED: "done",
    State.CALLED: "done",
    State.SKIPPED: "quiet",
    State.CARRIED: "quiet",
}
# What a referral's status means to the physician who is about to thank for it.
STATUS_WORDS = {
    Status.SEEN: gettext_lazy("seen, report due"),
    Status.CLOSED: gettext_lazy("seen, reported back"),
}


ASK_FOR_CALL = (Suggestion.CALL, Suggestion.CARD_AND_CALL)
# Label, letter, view, whether it asks for something first.
ACTS = {
    "card": (gettext_lazy("Write a card"), "c", "thank_you_card", False),
    "call": (gettext_lazy("Call"), "l", "thank_you_call", True),
    "carry": (gettext_lazy("To the next card"), "n", "thank_you_carry", False),
    "skip": (gettext_lazy("Skip"), "s", "thank_you_skip", True),
    "line": (gettext_lazy("Add a line"), "a", "thank_you_card", True),
    "hand_over": (gettext_lazy("Hand over"), "h", "thank_you_hand_over", True),
    "written": (gettext_lazy("Written"), "w", "thank_you_written", False),
    "mailed": (gettext_lazy("Mailed today"), "m", "thank_you_mailed", False),
    "mailed_on": (gettext_lazy("Mailed on …"), "o", "thank_you_mailed", True),
    "take_back": (gettext_lazy("Take back"), "u", "thank_you_take_back", False),
}


def may_decide(member: Member, row: ThankYou) -> bool:
    """The physician whose list it is, and the manager."""
    return member.role == Role.MANAGER or (member.is_physician and row.list.physician_id == member.pk)


def may_write(member: Member, row: ThankYou) -> bool:
    """Who decides, and whom it was handed over to."""
    return may_decide(member, row) or row.assignee_id == member.pk


def sees_patients(member: Member, row: ThankYou) -> bool:
    """Who works with all patients, and the physician they were sent to."""
    return member.role in SEES_ALL_PATIENTS or row.list.physician_id == member.pk


def may_pass_on(member: Member, row: ThankYou, *, to: Member | None) -> bool:
    """Who decides may hand a card to anybody; who was handed it may give it back to the physician."""
    return may_decide(member, row) or (row.assignee_id == member.pk and to is None)


@dataclass(frozen=True)
class PatientLine:
    """One patient of a row, as far as this reader may know."""

    label: str
    status: str
    tone: str
    url: str


@dataclass(frozen=True)
class RowAct:
    """A button of a row: it acts at once, or (`is_form`) asks for something first."""

    name: str
    label: str
    key: str
    url: str
    is_form: bool
    is_primary: bool


@dataclass
class RowLine:
    """A row as its line shows it to one member."""

    facts: RowFacts
    member: Member
    today: date
    shows_names: bool = False
    patients: list[PatientLine] = field(default_factory=list)
    owed: list[PatientLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row = self.facts.row
        self.provider = self.row.provider
        self.may_decide = may_decide(self.member, self.row)
        self.may_write = may_write(self.member, self.row)
        self.is_own = self.row.list.physician_id == self.member.pk
        self.sees_patients = sees_patients(self.member, self.row)
        if self.sees_patients:
            here = {referral.pk for referral in self.facts.referrals}
            self.patients = [self._patient(referral) for referral in self.facts.referrals]
            self.owed = [self._patient(one) for one in self.facts.reports_due if one.pk not in here]

    @property
    def shown_ids(self) -> list[int]:
        """The referrals whose patients stand in this line."""
        return list({one.pk for one in [*self.facts.referrals, *self.facts.reports_due]})

    @property
    def withholds_line(self) -> bool:
        """The line of its own names a patient, as far as one can tell, and this member may not know of any."""
        return not self.sees_patients and bool(line_problem(self.row, self.facts.patients))

    @property
    def tone(self) -> str:
        return TONES[State(self.row.state)]

    @property
    def office(self) -> str:
        found = self.facts.office
        return ", ".join(filter(None, [found.get("name"), found.get("city")]))

    @property
    def postal_address(self) -> str:
        """Where the card goes."""
        found = self.facts.office
        street = " ".join(filter(None, [found.get("street"), found.get("suite")]))
        town = " ".join(
            filter(
                None,
                [", ".join(filter(None, [found.get("city"), found.get("state")])), found.get("zip_code")],
            )
        )
        return ", ".join(filter(None, [found.get("name"), street, town]))

    @property
    def phone(self) -> str:
        return self.provider.phone or self.facts.office.get("phone", "")

    @property
    def is_waiting_for_card(self) -> bool:
        return self.row.state in (State.TO_WRITE, State.WRITTEN)

    @property
    def thanked(self) -> str:
        """ "Last thanked 12 days ago by Ana Reyes (thank-you card)."""
        last = self.facts.last_thanks
        if last is None:
            return _("Not thanked before.")
        days = (self.today - last.on).days
        ago = ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days} if days else _("today")
        kind = Touchpoint.Kind(last.kind).label
        return _("Last thanked %(ago)s by %(name)s (%(kind)s).") % {"ago": ago, "name": last.by, "kind": kind}

    @property
    def carried(self) -> str:
        count = self.facts.carried_count
        text = ngettext(
            "%(count)d patient carried from earlier weeks.",
            "%(count)d patients carried from earlier weeks.",
            count,
        )
        return text % {"count": count} if count else ""

    @property
    def what_was_done(self) -> str:
        """The decision in a sentence, once there is one."""
        row = self.row
        if row.state == State.UNDECIDED:
            return ""
        by = row.decided_by.user.name if row.decided_by else ""
        words = {
            State.TO_WRITE: _("%(name)s decided for a card."),
            State.WRITTEN: _("The card is written and waits to be mailed."),
            State.MAILED: _("The card was mailed on %(day)s."),
            State.CALLED: _("%(name)s called."),
            State.SKIPPED: _("%(name)s skipped this."),
            State.CARRIED: _("%(name)s carried these patients to the next card."),
        }[State(row.state)]
        day = date_format(row.mailed_on, "F j") if row.mailed_on else ""
        said = [words % {"name": by, "day": day}]
        if row.call and row.state != State.CALLED:
            said.append(_("They were called on %(day)s.") % {"day": date_format(row.call.happened_on, "F j")})
        elif self.may_decide and not row.call_id and self.facts.suggestion in ASK_FOR_CALL:
            said.append(_("A call is suggested too."))
        if row.skip_reason and self.may_decide:
            said.append(row.skip_reason)
        return " ".join(said)

    @property
    def assignee(self) -> str:
        return self.row.assignee.user.name if self.row.assignee else ""

    @cached_property
    def acts(self) -> list[RowAct]:
        """What may be done now, the suggested first."""
        names = self._decisions() if self.may_decide else self._errands() if self.may_write else []
        return [self._act(name, is_primary=not place) for place, name in enumerate(names)]

    @property
    def is_primary_a_suggestion(self) -> bool:
        return self.may_decide and self.row.state == State.UNDECIDED

    def _errands(self) -> list[str]:
        return {State.TO_WRITE: ["written", "mailed"], State.WRITTEN: ["mailed", "mailed_on"]}.get(
            State(self.row.state), []
        )

    def _decisions(self) -> list[str]:
        call = [] if self.row.call_id else ["call"]
        if self.row.state == State.UNDECIDED:
            first = {Suggestion.CALL: "call", Suggestion.CARRY: "carry"}.get(self.facts.suggestion, "card")
            rest = [name for name in ("card", "call", "carry", "skip", "line", "hand_over") if name != first]
            return [first, *rest]
        if self.row.state in (State.TO_WRITE, State.WRITTEN):
            return [*self._errands(), *call, "line", "hand_over", "take_back"]
        if self.row.state == State.MAILED:
            return [*call, "take_back"]
        return ["card", *(call if self.row.state != State.CALLED else []), "take_back"]

    def _act(self, name: str, *, is_primary: bool) -> RowAct:
        label, key, view, is_form = ACTS[name]
        is_primary = is_primary and self.row.state != State.MAILED
        return RowAct(name, str(label), key, row_url(view, self.row.pk), is_form, is_primary)

    def _patient(self, referral: Referral) -> PatientLine:
        label = referral.patient_name if self.shows_names else referral.patient_initials
        status = Status(referral.status)
        words = str(STATUS_WORDS.get(status, status.label))
        if status == Status.SCHEDULED and referral.appointment_at:
            words = _("scheduled for %(day)s") % {
                "day": date_format(localtime(referral.appointment_at), "F j")
            }
        return PatientLine(
            label=label or _("Patient not named yet"),
            status=words,
            tone=REFERRAL_TONES[status],
            url=row_url("referral", referral.pk),
        )
