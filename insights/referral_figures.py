"""Figures of referrals: against last year, month by month, and by physician, channel and location."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models.referrals import Channel, Status
from insights.charts import MonthChart
from insights.models import DailyFigures
from insights.scope import Scope, spans_of
from insights.tables import Cell, Row, Table, share_cell
from practices.periods import Period, Span, months_until

By = DailyFigures.By
CAME_AS_FAR = {
    "received": Q(),
    "seen": Q(status__in=[Status.SEEN, Status.CLOSED]),
    "told": Q(status=Status.CLOSED),
}
COUNTS: dict[str, Any] = {f"n_{name}": Count("pk", filter=as_far) for name, as_far in CAME_AS_FAR.items()}
BROKEN_DOWN = (By.PHYSICIAN, By.LOCATION, By.CHANNEL)


@dataclass(frozen=True)
class Counts:
    """How many came, how many of them were seen by now, of how many of these the referrer knows; and, of a
    period, how many came in as many days a year before."""

    received: int = 0
    seen: int = 0
    told: int = 0
    before: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.seen + other.seen,
            self.told + other.told,
            self.before + other.before,
        )


Days = Mapping[date, Counts]


def territory_days(scope: Scope, *, today: date) -> dict[tuple[date, str], Counts]:
    """The counts of each day and channel that a territory's page needs, from one query for all of its tables."""
    rows: Any = scope.rows().filter(_days_needed(scope, today)).order_by().values("received_on", "channel")
    found = rows.annotate(**COUNTS).values_list("received_on", "channel", *COUNTS)
    return {(day, channel): Counts(*counts) for day, channel, *counts in found}


def days_of(scope: Scope, *, today: date) -> Days:
    """The counts of each day that the page needs; for the whole practice those kept ahead."""
    if scope.is_whole:
        rows: Any = DailyFigures.objects.filter(by=By.ALL, day__gte=since_when(today))
        found = rows.values_list("day", "received", "seen", "told")
    else:
        rows = scope.rows().filter(_days_needed(scope, today)).order_by()
        found = rows.values("received_on").annotate(**COUNTS).values_list("received_on", *COUNTS)
    return {day: Counts(*counts) for day, *counts in found}


def broken_down(scope: Scope, period: Period) -> dict[By, dict[str, Counts]]:
    """The counts of a period by physician, location and channel."""
    found: dict[By, dict[str, Counts]] = {by: defaultdict(Counts) for by in BROKEN_DOWN}
    for by, key, counts in _groups(scope, period):
        found[by][key] += counts
    return found


def parts_of(scope: Scope) -> tuple[By, ...]:
    """What the counts are told apart by; who of us and where is no matter of a territory."""
    return (By.CHANNEL,) if scope.territory is not None else BROKEN_DOWN


def is_compared(period: Period) -> bool:
    """Whether parts stand beside themselves of a year before: of a week and a month, whose days are few."""
    return period.span != Span.YEAR


def _groups(scope: Scope, period: Period) -> Iterable[tuple[By, str, Counts]]:
    """From one query over the period and, where it is compared, the same days a year before."""
    field = "day" if scope.is_whole else "received_on"
    now, before = _within(field, period), _within(field, period.year_before)
    both, of_now = (now | before, now) if is_compared(period) else (now, Q())
    if scope.is_whole:
        sums = {f"n_{name}": Sum(name, filter=of_now, default=0) for name in CAME_AS_FAR}
        if is_compared(period):
            sums["n_before"] = Sum("received", filter=before, default=0)
        rows: Any = DailyFigures.objects.filter(both, by__in=BROKEN_DOWN)
        for by, key, *counts in rows.values("by", "key").annotate(**sums).values_list("by", "key", *sums):
            yield By(by), key, Counts(*counts)
        return
    parts = parts_of(scope)
    together = [part.value for part in parts]
    counted = {f"n_{name}": Count("pk", filter=of_now & as_far) for name, as_far in CAME_AS_FAR.items()}
    if is_compared(period):
        counted["n_before"] = Count("pk", filter=before)
    rows = scope.rows().filter(both).order_by().values(*together)
    for found in rows.annotate(**counted).values_list(*together, *counted):
        for by, key in zip(parts, found, strict=False):
            yield by, str(key or ""), Counts(*found[len(parts) :])


def _within(field: str, period: Period) -> Q:
    return Q(**{f"{field}__range": (period.first, period.last)})


def _days_needed(scope: Scope, today: date) -> Q:
    if Span.YEAR in spans_of(scope):
        return Q(received_on__gte=since_when(today))
    needed = Q()
    for period in (Period.of(span, today) for span in spans_of(scope)):
        for days in (period, period.year_before):
            needed |= Q(received_on__range=(days.first, days.last))
    return needed


def since_when(today: date) -> date:
    """The first day that the comparisons and the chart read."""
    return Period.of(Span.YEAR, today).year_before.first - timedelta(days=7)


def total_of(days: Days, period: Period) -> Counts:
    """What a period's days add up to."""
    return sum((counts for day, counts in days.items() if day in period), Counts())


def comparison_table(days: Days, scope: Scope, today: date) -> Table:
    """This week, this month and twelve months, each against as many days a year before."""
    rows = []
    for span in spans_of(scope):
        period = Period.of(span, today)
        now, before = total_of(days, period).received, total_of(days, period.year_before).received
        cells = [
            Cell(now, scope.referrals_url(period)),
            Cell(before, scope.referrals_url(period.year_before)),
            Cell(difference(now, before)),
        ]
        rows.append(Row(Cell(period.label), cells))
    columns = [_("Until today"), _("Referrals"), _("A year before"), _("Difference")]
    sentence = _("Each is held against as many days of the year before.")
    return Table("compared", _("Against last year"), columns, rows, sentence)


def difference(now: int, before: int) -> str:
    """ "3 more", "2 fewer", "the same"."""
    if now == before:
        return _("the same")
    words = _("%(n)s more") if now > before else _("%(n)s fewer")
    return words % {"n": f"{abs(now - before):,}"}


def month_counts(days: Days, today: date) -> dict[date, tuple[Counts, Counts]]:
    """Each of the last twelve months with the same month a year before, oldest first."""
    by_month: dict[tuple[int, int], Counts] = defaultdict(Counts)
    for day, counts in days.items():
        by_month[day.year, day.month] += counts
    return {
        first: (by_month[first.year, first.month], by_month[first.year - 1, first.month])
        for first in months_until(today)
    }


def month_chart(counts: Mapping[date, int], before: Mapping[date, int]) -> MonthChart:
    """The referrals of twelve months, with a line where the year before stood."""
    total = sum(counts.values())
    words: dict[str, Any] = {
        "referrals": ngettext("%(n)s referral", "%(n)s referrals", total) % {"n": f"{total:,}"}
    }
    if not total:
        return MonthChart(counts, before, _("No referral in twelve months."))
    best = max(counts, key=lambda first: counts[first])
    words |= {"month": date_format(best, "F Y"), "best": f"{counts[best]:,}"}
    sentence = _("%(referrals)s in twelve months; most in %(month)s, with %(best)s.") % words
    return MonthChart(counts, before, sentence)


def month_table(months: Mapping[date, tuple[Counts, Counts]], scope: Scope) -> Table:
    """The chart's months as rows, newest first."""
    rows = []
    for first, (now, before) in reversed(list(months.items())):
        month = Period.month(first)
        cells = [
            *_cells(now, scope, month),
            Cell(before.received, scope.referrals_url(Period.month(first.replace(year=first.year - 1)))),
        ]
        rows.append(Row(Cell(date_format(first, "F Y")), cells))
    columns = [_("Month"), *_columns(), _("Referrals a year before")]
    return Table("months", _("Month by month"), columns, rows)


def conversion_table(total: Counts, scope: Scope, period: Period) -> Table:
    """Received, seen, told: how many came as far."""
    rows = [
        Row(
            Cell(_("Received")),
            [Cell(total.received, scope.referrals_url(period)), share_cell(total.received, total.received)],
        ),
        Row(
            Cell(_("Seen")),
            [
                Cell(total.seen, scope.referrals_url(period, status="was_seen")),
                share_cell(total.seen, total.received),
            ],
        ),
        Row(
            Cell(_("Seen, and the referrer told")),
            [
                Cell(total.told, scope.referrals_url(period, status="closed")),
                share_cell(total.told, total.received),
            ],
        ),
    ]
    columns = [_("How far they came"), _("Referrals"), _("Of those received")]
    return Table("conversion", _("Received, seen, told"), columns, rows, conversion_sentence(total))


def conversion_sentence(total: Counts) -> str:
    """ "30 of 48 patients were seen; of 28 the referrer was told."""
    if not total.received:
        return _("No referral in this period.")
    words = {name: f"{getattr(total, name):,}" for name in ("received", "seen", "told")}
    return _("%(seen)s of %(received)s patients were seen, and of %(told)s the referrer was told.") % words


@dataclass(frozen=True)
class Broken:
    """How a table by something names its rows and opens them."""

    by: By
    title: str
    column: str
    names: Mapping[str, str]
    filter_name: str
    without: str = ""
    without_filter: Mapping[str, str] | None = None


def broken_down_tables(
    found: Mapping[By, Mapping[str, Counts]],
    scope: Scope,
    period: Period,
    *,
    physicians: Mapping[str, str],
    locations: Mapping[str, str],
) -> list[Table]:
    """By physician, by channel, by location; most first."""
    channels = {value: str(capfirst(label)) for value, label in Channel.choices}
    nobody, nowhere = {"awaiting": "physician"}, {"location": "none"}
    parts = [
        Broken(
            By.PHYSICIAN, _("By physician"), _("Physician"), physicians, "physician", _("Nobody yet"), nobody
        ),
        Broken(By.CHANNEL, _("By channel"), _("Came by"), channels, "channel"),
        Broken(By.LOCATION, _("By location"), _("Location"), locations, "location", _("None yet"), nowhere),
    ]
    wanted = parts_of(scope)
    return [_broken_table(part, found[part.by], scope, period) for part in parts if part.by in wanted]


def _broken_table(part: Broken, counts: Mapping[str, Counts], scope: Scope, period: Period) -> Table:
    rows = []
    for key, found in sorted(counts.items(), key=lambda item: (-item[1].received, item[0])):
        asked = {part.filter_name: key} if key else dict(part.without_filter or {})
        name = part.names.get(key, _("No longer here")) if key else part.without
        cells = _cells(found, scope, period, **asked)
        if is_compared(period):
            cells.append(Cell(found.before, scope.referrals_url(period.year_before, **asked)))
        rows.append(Row(Cell(name), cells))
    columns = [part.column, *_columns(), *([_("Same days a year before")] if is_compared(period) else [])]
    return Table(part.by.value, part.title, columns, rows)


def _columns() -> list[str]:
    return [_("Referrals"), _("Seen"), _("Seen and told")]


def _cells(counts: Counts, scope: Scope, period: Period, **asked: Any) -> list[Cell]:
    return [
        Cell(counts.received, scope.referrals_url(period, **asked)),
        Cell(counts.seen, scope.referrals_url(period, **asked, status="was_seen")),
        Cell(counts.told, scope.referrals_url(period, **asked, status="closed")),
    ]
