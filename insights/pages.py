"""What the pages of figures show, put together from the tables each is made of."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from insights import outreach_figures, referral_figures, sender_figures
from insights.charts import MonthChart
from insights.forms import FiguresForm
from insights.models import Counting
from insights.referral_figures import By, Counts
from insights.scope import Scope
from insights.sender_figures import SHOWN, Kind
from insights.tables import Table
from practices.models import Location, Member
from practices.pages import KeyPage, key_page
from practices.periods import Period
from touchpoints.models import Touchpoint


@dataclass
class Desk:
    """Who reads which figures on what day, and what several tables are made of."""

    reader: Member
    form: FiguresForm
    scope: Scope
    period: Period
    today: date
    members: dict[int, str]
    locations: dict[int, str]
    counted_at: datetime | None  # when the figures kept ahead were; none before the first time
    most: int | None = SHOWN  # of a long table; None: all of it

    @classmethod
    def of(cls, reader: Member, asked: Any, *, now: datetime) -> "Desk":
        """What the address asks for, as far as the reader may."""
        members = list(_members_of_practice())
        locations = {one["id"]: one["name"] for one in members[0].locations or []}
        form = FiguresForm(asked, reader=reader, members=members, locations=locations)
        today = reader.practice.today(now)
        return cls(
            reader=reader,
            form=form,
            scope=form.scope(),
            period=form.period_of(today),
            today=today,
            members={member.pk: member.name for member in members},
            locations=locations,
            counted_at=members[0].counted_at,
        )

    @property
    def query(self) -> str:
        """The filters, for a link to the same figures elsewhere."""
        return f"?{urlencode(self.form.chosen)}" if self.form.is_narrowed else ""

    @cached_property
    def _territory(self) -> dict[tuple[date, str], Counts]:
        return referral_figures.territory_days(self.scope, today=self.today)

    @cached_property
    def days(self) -> referral_figures.Days:
        if self.scope.territory is not None:
            return _added((day, counts) for (day, _channel), counts in self._territory.items())
        return referral_figures.days_of(self.scope, today=self.today)

    @cached_property
    def months(self) -> Any:
        return referral_figures.month_counts(self.days, self.today)

    @cached_property
    def broken_down(self) -> list[Table]:
        """By physician, channel, location."""
        return referral_figures.broken_down_tables(
            self._parts(),
            self.scope,
            self.period,
            physicians={str(pk): name for pk, name in self.members.items()},
            locations={str(pk): name for pk, name in self.locations.items()},
        )

    def _parts(self) -> Mapping[By, Mapping[str, Counts]]:
        if self.scope.territory is None:
            return referral_figures.broken_down(self.scope, self.period)
        year_before = self.period.year_before
        by_channel = [
            (channel, counts if day in self.period else Counts(before=counts.received))
            for (day, channel), counts in self._territory.items()
            if day in self.period or day in year_before
        ]
        return {By.PHYSICIAN: {}, By.LOCATION: {}, By.CHANNEL: _added(by_channel)}

    @cached_property
    def made(self) -> outreach_figures.Made:
        return outreach_figures.made_in_months(self.whose, self.today)

    @property
    def whose(self) -> int | None:
        return outreach_figures.whose(self.reader, self.scope)


def _added(found: Iterable[tuple[Any, Counts]]) -> dict[Any, Counts]:
    """What has the same key, added up."""
    sums: dict[Any, Counts] = defaultdict(Counts)
    for key, counts in found:
        sums[key] += counts
    return sums


def _members_of_practice() -> QuerySet[Any]:
    """All that have or had a seat; with each our locations, and when the figures were counted: one query for three."""
    named = JSONObject(id="pk", name="name")
    ours = (
        Location.objects.order_by().values("practice").annotate(json=JSONBAgg(named, order_by=["name", "pk"]))
    )
    counted_at = Counting.objects.values("counted_at")
    rows: Any = Member.objects.select_related("user").order_by("user__name", "pk")
    found: QuerySet[Any] = rows.annotate(
        locations=Subquery(ours.values("json")), counted_at=Subquery(counted_at)
    )
    return found


def _compared(desk: Desk) -> Table:
    return referral_figures.comparison_table(desk.days, desk.scope, desk.today)


def _months(desk: Desk) -> Table:
    return referral_figures.month_table(desk.months, desk.scope)


def _conversion(desk: Desk) -> Table:
    total = referral_figures.total_of(desk.days, desk.period)
    return referral_figures.conversion_table(total, desk.scope, desk.period)


def _standings(desk: Desk) -> Table:
    return sender_figures.standing_table(desk.scope)


def _providers(desk: Desk) -> Table:
    sent = sender_figures.most_first(Kind.PROVIDER, desk.scope, today=desk.today, most=desk.most)
    return sender_figures.provider_table(sent, desk.scope, today=desk.today)


def _offices(desk: Desk) -> Table:
    sent = sender_figures.most_first(Kind.OFFICE, desk.scope, today=desk.today, most=desk.most)
    return sender_figures.office_table(sent, desk.scope, today=desk.today)


def _thank_yous(desk: Desk) -> Table:
    return outreach_figures.thank_you_table(desk.made, desk.reader, desk.scope, desk.today)


def _members(desk: Desk) -> Table:
    return outreach_figures.member_table(desk.made, desk.members, desk.today)


def _touchpoint_months(desk: Desk) -> Table:
    return outreach_figures.touchpoint_month_table(desk.made, desk.whose, desk.today)


# Each table by the name that its file bears.
TABLES: dict[str, Callable[[Desk], Table]] = {
    "compared": _compared,
    "months": _months,
    "conversion": _conversion,
    "physician": lambda desk: desk.broken_down[0],
    "channel": lambda desk: desk.broken_down[1],
    "location": lambda desk: desk.broken_down[2],
    "standings": _standings,
    "providers": _providers,
    "offices": _offices,
    "thank-yous": _thank_yous,
    "members": _members,
    "touchpoint-months": _touchpoint_months,
}


# Which filters say whose and which figures a table holds: its file is named by them.
OF_PERIOD = ("period", "physician", "location")
FILTERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("compared", "months", "providers", "offices"), ("physician", "location")),
    **dict.fromkeys(("conversion", "physician", "channel", "location"), OF_PERIOD),
    **dict.fromkeys(("thank-yous", "members", "touchpoint-months"), ("physician",)),
    "standings": (),
}


@dataclass(frozen=True)
class Shown:
    """A page of figures: a chart with the table behind it, and what stands beside and below."""

    desk: Desk
    lead: list[Table]
    chart: MonthChart | None
    chart_table: Table | None
    tables: list[Table]
    filters: tuple[str, ...]
    sentence: str = ""

    @property
    def fields(self) -> list[Any]:
        return self.desk.form.shown(*self.filters)

    @property
    def in_words(self) -> str:
        return self.desk.form.in_words(*self.filters)


def referral_page(desk: Desk) -> Shown:
    """Referrals against last year, month by month, how far they came, and by whom, how and where."""
    chart, table = _month_by_month(desk)
    return Shown(
        desk=desk,
        lead=[_compared(desk)],
        chart=chart,
        chart_table=table,
        tables=[_conversion(desk), *desk.broken_down],
        filters=OF_PERIOD,
    )


def _month_by_month(desk: Desk) -> tuple[MonthChart, Table]:
    if desk.scope.territory is not None:
        sent = sender_figures.territory_months(desk.scope, today=desk.today)
        return referral_figures.month_chart(sent, {}), sender_figures.territory_table(sent, desk.scope)
    counts = {first: now.received for first, (now, _before) in desk.months.items()}
    before = {first: was.received for first, (_now, was) in desk.months.items() if was.received}
    return referral_figures.month_chart(counts, before), _months(desk)


def sender_page(desk: Desk) -> Shown:
    """How referrers stand, and who sent most."""
    return Shown(
        desk=desk,
        lead=[_standings(desk)],
        chart=None,
        chart_table=None,
        tables=[_providers(desk), _offices(desk)],
        filters=("physician", "location"),
    )


def outreach_page(desk: Desk) -> Shown:
    """Thank-yous and touchpoints."""
    return Shown(
        desk=desk,
        lead=[_thank_yous(desk)],
        chart=outreach_figures.touchpoint_chart(desk.made, desk.today),
        chart_table=_touchpoint_months(desk),
        tables=[_members(desk)],
        filters=("physician",),
        sentence=outreach_figures.streak_sentence(outreach_figures.weeks_finished(desk.reader, desk.scope)),
    )


def tabs_of(desk: Desk, current: str) -> list[dict[str, Any]]:
    """The three pages of figures, with the filters taken along."""
    pages = [
        ("insights", _("Referrals")),
        ("insights_senders", _("Referrers")),
        ("insights_outreach", _("Thank-yous and touchpoints")),
    ]
    return [
        {"label": label, "url": reverse(name) + desk.query, "is_current": name == current}
        for name, label in pages
    ]


def touchpoint_page(request: HttpRequest, *, chosen: Mapping[str, Any]) -> KeyPage:
    """The touchpoints that a figure counted, the newest first: by member, kind and days."""
    lookups = {"happened_from": "happened_on__gte", "happened_until": "happened_on__lte"}
    asked = {lookups.get(name, name): value for name, value in chosen.items()}
    rows = Touchpoint.objects.standing().filter(**asked).select_related("provider", "office", "member__user")
    listed = rows.order_by("-happened_on", "-pk")
    return key_page(request, listed, key=lambda row: (row.happened_on, row.pk), after=_after)


def _after(rows: QuerySet, key: list[str]) -> QuerySet:
    day, number = date.fromisoformat(key[0]), int(key[1][:18])
    return rows.filter(happened_on__lte=day).exclude(happened_on=day, pk__gte=number)
