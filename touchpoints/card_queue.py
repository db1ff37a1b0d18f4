"""The card queue: every card on its way from `to write` to `mailed`, across physicians and weeks."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from practices.addresses import page_url, row_url
from practices.models import Member
from practices.pages import KeyPage, key_page
from touchpoints.models import ThankYou
from touchpoints.printing.cards import Card
from touchpoints.suggestions import RowFacts, add_referrals, queue_facts_of, with_office_and_count
from touchpoints.thank_you_rows import may_decide, may_write, sees_patients

State = ThankYou.State
WAITING = (State.TO_WRITE, State.WRITTEN)
STAGES = {
    State.TO_WRITE: gettext_lazy("To write"),
    State.WRITTEN: gettext_lazy("To mail"),
    State.MAILED: gettext_lazy("Mailed"),
}
SHOWN = 30  # at once: a sheet of labels
MARKED = 100  # at most by one act: a week's list may have more chosen than the queue shows
MAILED_SINCE = timedelta(days=28)


@dataclass(frozen=True)
class StageTab:
    """One stage and how many cards stand there."""

    label: str
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True)
class QueueLine:
    """One card as its line shows it to one member."""

    row: ThankYou
    card: Card
    may_mark: bool
    may_decide: bool
    sees_patients: bool

    @property
    def withholds_line(self) -> bool:
        """As a row's: what names a patient is not for everybody."""
        return not self.sees_patients and bool(self.card.line_problem)

    @property
    def problem(self) -> str:
        """Why it can't be mailed as it stands; empty when it can."""
        if not self.card.provider.is_active:
            return _("No card is sent: %(state)s.") % {"state": self.card.provider.get_state_display()}
        if self.row.state == State.MAILED or not self.card.missing:
            return ""
        return _("The address is not whole: %(missing)s.") % {"missing": self.card.missing}

    @property
    def mend_url(self) -> str:
        """Where the address is completed."""
        if self.card.office_id:
            return row_url("office_edit", self.card.office_id)
        return row_url("provider_edit", self.card.provider.pk)

    @property
    def address(self) -> str:
        """The postal address in one line, without the provider's name, which stands above."""
        where = self.card.address
        return ", ".join([*where.names[1:], *where.delivery_lines(lambda line: True), where.last_line])

    @property
    def standing(self) -> str:
        """ "For 2 patients, week of November 16; handed over to Ana Reyes", or the day it was mailed."""
        patients = ngettext("For %(n)d patient", "For %(n)d patients", self.card.count)
        week = _("week of %(day)s") % {"day": date_format(self.card.week_starts_on, "F j")}
        said = f"{patients % {'n': self.card.count}}, {week}"
        if self.row.mailed_on:
            mailed = {"said": said, "day": date_format(self.row.mailed_on, "F j")}
            return _("%(said)s; mailed on %(day)s") % mailed
        if self.row.assignee:
            return _("%(said)s; handed over to %(name)s") % {"said": said, "name": self.row.assignee.name}
        return said


@dataclass
class CardQueue:
    """One stage of the queue as one member sees it."""

    stage: State
    tabs: list[StageTab]
    page: KeyPage
    lines: list[QueueLine]

    @property
    def may_mark(self) -> bool:
        return any(line.may_mark for line in self.lines)

    @property
    def may_hand_over(self) -> bool:
        return self.stage in WAITING and self.may_mark

    @property
    def may_decide(self) -> bool:
        return any(line.may_decide for line in self.lines)

    @property
    def is_empty(self) -> bool:
        return not any(tab.count for tab in self.tabs)


def waiting_cards(member: Member) -> QuerySet[ThankYou]:
    """The cards to write or to mail that this member sees."""
    return ThankYou.objects.visible_to(member).filter(state__in=WAITING)


def card_queue(
    request: HttpRequest, member: Member, *, stage: str, physician_id: int | None, today: date
) -> CardQueue:
    """A page of the cards of one stage, one's own errands first, then the oldest; by physician and provider in it.

    Without a stage it is the first that has any.
    """
    rows = _queued(member, today)
    if physician_id:
        rows = rows.filter(list__physician=physician_id)
    counts = rows.aggregate(**{state.value: Count("pk", filter=Q(state=state)) for state in STAGES})
    fallback = next((state for state in STAGES if counts[state.value]), State.TO_WRITE)
    chosen = State(stage) if stage in STAGES else fallback
    ordered = _in_order(with_office_and_count(rows.filter(state=chosen)), member)
    page = key_page(request, ordered, key=_place, after=_after, size=SHOWN)
    found = queue_facts_of(page.rows)
    unseen = [facts for facts in found if facts.row.personal_line and not sees_patients(member, facts.row)]
    if unseen:
        add_referrals(unseen)
    lines = sorted([_line(facts, member) for facts in found], key=_order)
    return CardQueue(chosen, _tabs(counts, chosen, physician_id), page, lines)


def _queued(member: Member, today: date) -> QuerySet[ThankYou]:
    lately = Q(state=State.MAILED, mailed_on__gt=today - MAILED_SINCE)
    return ThankYou.objects.visible_to(member).filter(Q(state__in=WAITING) | lately)


def _tabs(counts: dict[str, int], chosen: State, physician_id: int | None) -> list[StageTab]:
    url, whose = page_url("thank_you_cards"), f"&physician={physician_id}" if physician_id else ""
    return [
        StageTab(str(label), counts[state.value], f"{url}?stage={state}{whose}", state == chosen)
        for state, label in STAGES.items()
    ]


def _in_order(rows: QuerySet[ThankYou], member: Member) -> QuerySet[ThankYou]:
    """One's own errands first, then the oldest; of those mailed the last."""
    rows = rows.annotate(is_others=Case(When(assignee=member, then=Value(0)), default=Value(1)))
    return rows.order_by("-mailed_on", "is_others", "list__week_starts_on", "pk")


def _place(row: Any) -> tuple[Any, ...]:
    return row.mailed_on or "", row.is_others, row.list.week_starts_on, row.pk


def _after(rows: QuerySet[ThankYou], key: list[str]) -> QuerySet[ThankYou]:
    mailed_on, others, monday, pk = key[0], int(key[1]), date.fromisoformat(key[2]), int(key[3])
    if others not in (0, 1):
        raise ValueError(key)
    same_week = Q(is_others=others, list__week_starts_on=monday, pk__gt=pk)
    behind = Q(is_others__gt=others) | Q(is_others=others, list__week_starts_on__gt=monday) | same_week
    if not mailed_on:
        return rows.filter(behind)
    day = date.fromisoformat(mailed_on)
    return rows.filter(Q(mailed_on__lt=day) | Q(behind, mailed_on=day))


def _line(facts: RowFacts, member: Member) -> QueueLine:
    row = facts.row
    may_mark = row.state in WAITING and may_write(member, row)
    return QueueLine(row, Card.of(facts), may_mark, may_decide(member, row), sees_patients(member, row))


def _order(line: QueueLine) -> tuple[Any, ...]:
    provider = line.card.provider
    name = (provider.family_name.casefold(), provider.given_name.casefold())
    return (not line.may_mark, line.card.physician.casefold(), *name, line.card.week_starts_on)
