"""The board of referrals from received to told: what waits at each step, for how long, and what is over the limit.

It holds what came since the practice began here: of history nothing is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Referral, ReferralStep
from contacts.models.referrals import OWES_WORD, ReferralQuerySet, Status
from contacts.referral_rows import ReferralRow, referral_row
from practices.addresses import page_url
from practices.business_days import add_business_days, business_days_before, shift_business_days
from practices.models import Member, Practice
from practices.roles import SEES_PATIENTS
from touchpoints.reminder_rules.referrals import REPORT_WITHIN
from touchpoints.reminders import number_of
from touchpoints.report_back_measure import Measure, counted_by_days, in_month, measured, seen_in

CAP = 1000
SHOWN = 5
LATELY = timedelta(days=30)
DUE_HOUR = 17


@dataclass(frozen=True)
class Step:
    """One step of the board; `status` is where its referrals stand, `order` what its list goes by."""

    key: str
    label: Any
    status: str
    since: Any
    order: str = "next_action_due_at"

    @property
    def owes_word(self) -> bool:
        return self.status in OWES_WORD

    @property
    def is_told(self) -> bool:
        return self.status == Status.CLOSED


STEPS = {
    step.key: step
    for step in (
        Step("received", gettext_lazy("Received"), Status.RECEIVED, gettext_lazy("received %(ago)s")),
        Step("contacted", gettext_lazy("Contacted"), Status.CONTACTED, gettext_lazy("contacted %(ago)s")),
        Step("scheduled", gettext_lazy("Scheduled"), Status.SCHEDULED, gettext_lazy("appointment %(ago)s")),
        Step("seen", gettext_lazy("Seen, not told"), Status.SEEN, gettext_lazy("seen %(ago)s")),
        Step("told", gettext_lazy("Told"), Status.CLOSED, gettext_lazy("told %(ago)s"), "-reported_back_at"),
        Step("no_show", gettext_lazy("Did not come"), Status.NO_SHOW, gettext_lazy("did not come %(ago)s")),
        Step("declined", gettext_lazy("Declined"), Status.DECLINED, gettext_lazy("declined %(ago)s")),
        Step(
            "unreachable", gettext_lazy("Unreachable"), Status.UNREACHABLE, gettext_lazy("given up %(ago)s")
        ),
    )
}
WAS_SEEN = Step("was_seen", gettext_lazy("Seen, told or not"), "", "", "-seen_on")
LISTS = {**STEPS, WAS_SEEN.key: WAS_SEEN}
WAY = ("received", "contacted", "scheduled", "seen", "told")
ENDS = ("no_show", "declined", "unreachable")


@dataclass(frozen=True)
class BoardRow:
    """A referral on the board: how long it has stood there, and whether that is over the limit.

    `caution` is the state of a referrer who is not to be written to as if nothing were: retired, deceased, …
    """

    row: ReferralRow
    age: str
    over: str
    caution: str

    @property
    def pk(self) -> int:
        return self.row.referral.pk


@dataclass(frozen=True)
class Column:
    """A step with how many stand there, and those that are due first."""

    step: Step
    number: int
    over: int
    rows: list[BoardRow]
    url: str

    @property
    def has_more(self) -> bool:
        return self.number > len(self.rows)

    @property
    def count(self) -> str:
        return capped(self.number)

    @property
    def over_words(self) -> str:
        """ "3 over the limit"; nothing when none is."""
        words = {"n": capped(self.over)}
        return (
            ngettext("%(n)s over the limit", "%(n)s over the limit", self.over) % words if self.over else ""
        )


class CountOf(Subquery):
    """How many rows a query finds; a sliced one stops counting at its end."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


class Board:
    """What a member sees of the board, under the filters chosen."""

    def __init__(
        self, member: Member, chosen: dict[str, Any], now: datetime, *, names_shown: bool = False
    ) -> None:
        self.member, self.chosen, self.now, self.names_shown = member, chosen, now, names_shown
        self.practice: Practice = member.practice
        self.today = self.practice.today(now)

    @cached_property
    def limit(self) -> int:
        """Business days within which this practice reports back."""
        return number_of("report_backs", "days")

    def rows(self, step: Step) -> ReferralQuerySet:
        """Those that stand at the step: what is due longest first, or who was told or seen last."""
        rows = rows_of(self.member, self.today).filter(**self._asked())
        if step.is_told:
            rows = self._told(rows)
        elif step == WAS_SEEN:
            rows = self._seen(rows)
        else:
            rows = self._waiting(rows, step)
        return rows.order_by(step.order, "-pk" if step.order.startswith("-") else "pk")

    def counted(self, query: dict[str, Any], *, month: date) -> tuple[list[Column], Measure]:
        """Every step with its counts and first rows, and the measure of a month, from two queries.

        `query` is how an address says the filters.
        """
        found = self._count(month)
        shown: dict[str, list[BoardRow]] = {key: [] for key in STEPS}
        for line in self.lines(self._first_rows()):
            shown[_step_of(line.row.referral).key].append(line)
        columns = [
            Column(step, found[key], found.get(f"{key}_over", 0), shown[key], step_url(key, **query))
            for key, step in STEPS.items()
        ]
        return columns, measured(found["measure"])

    def lines(self, referrals: Iterable[Referral]) -> list[BoardRow]:
        """The rows as this member may see them, in the order given."""
        return [self._line(referral) for referral in referrals]

    def over_before(self, step: Step) -> datetime:
        """What was due before this is over the limit; a practice may give itself more than the rule's own days."""
        local = self.now.astimezone(self.practice.zone)
        if not step.owes_word or self.limit == REPORT_WITHIN:
            return self.now
        passed = local.date() if local.time() > time(DUE_HOUR) else local.date() - timedelta(days=1)
        more = self.limit - REPORT_WITHIN
        state = self.practice.state
        if more > 0:
            last = business_days_before(passed, more, state)
        else:
            last = add_business_days(passed, -more, state)
        return datetime.combine(last + timedelta(days=1), time(), self.practice.zone)

    def _asked(self) -> dict[str, Any]:
        return {
            name: self.chosen[name] for name in ("physician", "location", "provider") if name in self.chosen
        }

    def _waiting(self, rows: ReferralQuerySet, step: Step) -> ReferralQuerySet:
        rows = rows.filter(status=step.status, next_action_due_at__isnull=False)
        if month := self.chosen.get("month"):
            return rows.filter(**in_month("seen_on" if step.status == Status.SEEN else "received_on", month))
        return rows

    def _told(self, rows: ReferralQuerySet) -> ReferralQuerySet:
        rows = rows.filter(received_on__gte=self.practice.starts_on, reported_back_at__isnull=False)
        if month := self.chosen.get("month"):
            return rows.filter(status=Status.CLOSED, **in_month("seen_on", month))
        return rows.filter(reported_back_at__gt=self.now - LATELY)

    def _seen(self, rows: ReferralQuerySet) -> ReferralQuerySet:
        rows = rows.seen().filter(received_on__gte=self.practice.starts_on)
        month = self.chosen.get("month")
        span = in_month("seen_on", month) if month else {"seen_on__gt": self.today - LATELY}
        return rows.filter(**span)

    def _count(self, month: date) -> dict[str, Any]:
        """How many stand at each step, and how many of them are over the limit, counted up to a cap; one query."""
        asked: dict[str, Any] = {}
        for key, step in STEPS.items():
            rows = self.rows(step)
            asked[key] = _number(rows)
            if not step.is_told:
                asked[f"{key}_over"] = _number(rows.filter(next_action_due_at__lt=self.over_before(step)))
        rows = rows_of(self.member, self.today).filter(**self._asked())
        asked["measure"] = counted_by_days(seen_in(rows, month, month, practice=self.practice))
        found = Practice.objects.filter(pk=self.practice.pk).values(**{f"n_{k}": v for k, v in asked.items()})
        return {name.removeprefix("n_"): value for name, value in found.get().items()}

    def _first_rows(self) -> list[Referral]:
        """The first few of each step, from one query."""
        first, *others = (self.rows(step).values("pk")[:SHOWN] for step in STEPS.values())
        rows = as_shown(Referral.objects.filter(pk__in=first.union(*others, all=True)), self.member)
        told, waiting = [], []
        for row in rows.order_by("next_action_due_at", "-reported_back_at", "pk"):
            (told if row.reported_back_at else waiting).append(row)
        return waiting + told

    def _line(self, referral: Any) -> BoardRow:
        row = referral_row(referral, member=self.member, now=self.now, names_shown=self.names_shown)
        caution = caution_of(referral)
        if self.member.role not in SEES_PATIENTS:
            age = _("received %(ago)s") % {"ago": days_ago(referral.received_on, self.today)}
            return BoardRow(row, age, "", caution)
        step = _step_of(referral)
        came_on = self.practice.today(referral.came_at) if referral.came_at else referral.received_on
        age = str(step.since) % {"ago": days_ago(_since(referral, came_on), self.today)}
        due_at = referral.next_action_due_at
        is_over = due_at is not None and due_at < self.over_before(step)
        return BoardRow(row, age, self._over(step, due_at) if due_at and is_over else "", caution)

    def _over(self, step: Step, due_at: datetime) -> str:
        day = self.practice.today(due_at)
        if step.owes_word:
            day = shift_business_days(day, self.limit - REPORT_WITHIN, self.practice.state)
        return _("over the limit, due %(day)s") % {"day": date_format(day, "M j")}


def rows_of(member: Member, day: date) -> ReferralQuerySet:
    """What this member may see."""
    return Referral.objects.standing().visible_to(member, day=day)


def as_shown(rows: ReferralQuerySet, member: Member) -> ReferralQuerySet:
    """The rows with what is shown of them to this member, and when each came to where it stands."""
    steps = ReferralStep.objects.filter(referral=OuterRef("pk"), act=OuterRef("status"), taken_back_at=None)
    rows = rows.with_what_a_row_shows().annotate(
        came_at=Subquery(steps.order_by("-at", "-pk").values("at")[:1])
    )
    return rows if member.role in SEES_PATIENTS else rows.without_patient()


def waiting_in_words(columns: Iterable[Column], limit: int) -> str:
    """ "12 referrers wait for word, 3 of them longer than 2 business days."""
    owed = [column for column in columns if column.step.owes_word]
    number, over = sum(column.number for column in owed), sum(column.over for column in owed)
    if not number:
        return _("Every referrer knows what became of their patients.")
    wait = ngettext("%(n)s referrer waits for word", "%(n)s referrers wait for word", number)
    late = ngettext(
        "%(n)s longer than %(limit)d business day", "%(n)s longer than %(limit)d business days", limit
    )
    parts = [wait % {"n": capped(number)}, *([late % {"n": capped(over), "limit": limit}] if over else [])]
    return f"{', '.join(parts)}."


def caution_of(referral: Referral) -> str:
    """The state of a referrer who is no longer active."""
    provider = referral.provider
    return capfirst(provider.get_state_display()) if provider and not provider.is_active else ""


def days_ago(day: date, today: date) -> str:
    """ "today", "yesterday", "5 days ago"; a day to come by its date."""
    days = (today - day).days
    if days < 0:
        return _("on %(day)s") % {"day": date_format(day, "M j")}
    if days < 2:
        return _("yesterday") if days else _("today")
    return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}


def step_url(key: str, **chosen: Any) -> str:
    """The list of a step, under these filters."""
    return page_url("report_back") + query_of(step=key, **chosen)


def query_of(**chosen: Any) -> str:
    """The filters as an address has them."""
    return "?" + urlencode({name: value for name, value in chosen.items() if value})


def capped(count: int) -> str:
    """ "37", or "1,000+" beyond the cap."""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"


def _number(rows: QuerySet[Referral]) -> CountOf:
    return CountOf(rows.order_by().values("pk")[: CAP + 1])


def _step_of(referral: Referral) -> Step:
    """What ended otherwise and was told stands with the told."""
    return STEPS["told"] if referral.reported_back_at else _BY_STATUS[referral.status]


_BY_STATUS = {step.status: step for step in STEPS.values()}


def _since(referral: Referral, came_on: date) -> date:
    """The day from which its age at this step counts."""
    if referral.reported_back_at:
        return localtime(referral.reported_back_at).date()
    if referral.status == Status.SCHEDULED and referral.appointment_at:
        return localtime(referral.appointment_at).date()
    if referral.status == Status.SEEN and referral.seen_on:
        return referral.seen_on
    return referral.received_on if referral.status == Status.RECEIVED else came_on
