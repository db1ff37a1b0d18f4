"""What the pages of return referrals show, put together before the template."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from contacts.distances import is_known
from contacts.models.referrals import Urgency
from practices.models import Member
from touchpoints.fit import Fit
from touchpoints.models import ReturnReferral
from touchpoints.return_referral_forms import ListForm, StepForm

State = ReturnReferral.State
TONES = {
    State.SUGGESTED: "open",
    State.SENT: "open",
    State.SEEN: "due",
    State.REPORT_RECEIVED: "done",
    State.CANCELLED: "neutral",
}
SHOWN_WITH = ("provider", "office", "physician__user", "specialty")
FIRST = 8  # as many of those who fit stand open on the page


@dataclass(frozen=True)
class ReturnReferralRow:
    """One return referral in a list."""

    row: ReturnReferral
    who: str
    state: str
    tone: str
    to: str


def listed(member: Member, chosen: dict[str, Any]) -> QuerySet[ReturnReferral]:
    """Those that this member may see and the filter asks for, the newest first."""
    rows = ReturnReferral.objects.visible_to(member).select_related(*SHOWN_WITH)
    state = chosen.get("state", "")
    if state == ListForm.OPEN:
        rows = rows.exclude(state__in=[State.REPORT_RECEIVED, State.CANCELLED])
    else:
        rows = rows.filter(state=state) if state else rows.standing()
    if "sent_from" in chosen:
        rows = rows.on_their_way(since=chosen["sent_from"])
    for name in ("physician", "provider"):
        if name in chosen:
            rows = rows.filter(**{name: chosen[name]})
    return rows.order_by("-suggested_at", "-pk")


def list_rows(rows: Iterable[ReturnReferral], *, names: bool) -> list[ReturnReferralRow]:
    """As the list shows them: by initials, or by name where somebody asked for names."""
    return [
        ReturnReferralRow(
            row=row,
            who=(row.patient_name if names else row.patient_initials) or row.reference,
            state=capfirst(row.get_state_display()),
            tone=TONES[State(row.state)],
            to=str(row.provider) if row.provider else "",
        )
        for row in rows
    ]


@dataclass(frozen=True)
class WayPoint:
    """A step of the way: taken, the present one, or to come."""

    label: str
    on: date | datetime | None
    is_done: bool
    is_current: bool


def way_of(row: ReturnReferral) -> list[WayPoint]:
    """Suggested, sent, seen, report received."""
    taken: dict[State, date | datetime | None] = {
        State.SUGGESTED: row.suggested_at,
        State.SENT: row.sent_at,
        State.SEEN: row.seen_on,
        State.REPORT_RECEIVED: row.report_received_on,
    }
    return [
        WayPoint(
            label=str(capfirst(state.label)),
            on=moment,
            is_done=moment is not None and (row.state != state or state == State.REPORT_RECEIVED),
            is_current=row.state == state,
        )
        for state, moment in taken.items()
    ]


@dataclass(frozen=True)
class Fits:
    """Whom the patient may choose from: the best first, the others one click away."""

    first: list[Fit]
    others: list[Fit]
    note: str


def fits_of(row: ReturnReferral, offered: list[Fit]) -> Fits:
    """The ranking in two parts, with what could not be told."""
    is_odd = bool(row.zip_code) and not is_known(row.zip_code)
    note = _("There is no ZIP code %(code)s on our map, so distances are not known.") if is_odd else ""
    return Fits(offered[:FIRST], offered[FIRST:], note % {"code": row.zip_code})


NEXT = {State.SUGGESTED: ("send",), State.SENT: ("seen", "report"), State.SEEN: ("report",)}


def steps_of(row: ReturnReferral, *, today: date, failed: StepForm | None = None) -> dict[str, StepForm]:
    """A form for each act that is possible now; the one that failed keeps what was typed."""
    acts: tuple[str, ...] = NEXT.get(State(row.state), ())
    if row.state == State.SUGGESTED and not row.provider_id:
        acts = ()
    if row.state in (State.SUGGESTED, State.SENT):
        acts = (*acts, "cancel")
    if row.state != State.SUGGESTED:
        acts = (*acts, "take_back")
    forms = {act: StepForm(act=act, today=today, initial={"known": row.state}) for act in acts}
    if failed is not None and (act := failed.data.get("act", "")) in forms:
        forms[act] = failed
    return forms


def need_in_words(row: ReturnReferral) -> list[tuple[str, str]]:
    """What was asked for, label and value; what was not said is left out."""
    urgency = "" if row.urgency == Urgency.ROUTINE else capfirst(row.get_urgency_display())
    said = [
        (_("Specialty"), str(row.specialty)),
        (_("Urgency"), urgency),
        (_("ZIP code"), row.zip_code),
        (_("Language"), row.language),
        (_("Payer"), row.payer),
        (_("Our physician"), row.physician.name),
    ]
    return [(label, value) for label, value in said if value]
