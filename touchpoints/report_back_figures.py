"""How many patients were seen, how many of their referrers were told, and how soon: by month and by physician.

Counted by the day the patient was seen, of what was received since the practice began here.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F
from django.db.models.functions import TruncDate, TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models.referrals import ReferralQuerySet
from practices.formulas import as_text
from practices.models import Practice
from touchpoints.report_back_board import in_month, query_of, step_url

ANYBODY = object()


@dataclass
class Measure:
    """How many were seen, of how many the referrer was told, and after how many days."""

    seen: int = 0
    days: Counter[int] = field(default_factory=Counter)

    def add(self, count: int, days: int | None) -> None:
        """Count patients in, told after so many days, or not told."""
        self.seen += count
        if days is not None:
            self.days[days] += count

    @property
    def told(self) -> int:
        return self.days.total()

    @property
    def waiting(self) -> int:
        return self.seen - self.told

    @property
    def share(self) -> int | None:
        """Told of those seen, in percent."""
        return round(100 * self.told / self.seen) if self.seen else None

    @property
    def median_days(self) -> float | None:
        return median(sorted(self.days.elements())) if self.days else None

    @property
    def as_a_rule(self) -> str:
        """ "in 3 days"; "on the same day"; nothing before anybody was told."""
        if self.median_days is None:
            return ""
        if self.median_days == 0:
            return _("on the same day")
        days = f"{self.median_days:g}"
        return ngettext("in %(days)s day", "in %(days)s days", 1 if days == "1" else 2) % {"days": days}


@dataclass(frozen=True)
class Line:
    """A measure with its name; each address is empty where there is no list of just these rows."""

    name: str
    measure: Measure
    url: str = ""
    told_url: str = ""
    waiting_url: str = ""


class Figures:
    """The measures of the last twelve months; `measures` by first day of the month and physician."""

    def __init__(
        self, measures: dict[tuple[date, int | None], Measure], names: dict[int | None, str]
    ) -> None:
        self.measures, self.names = measures, names

    def of(self, *, month: date | None = None, physician: Any = ANYBODY) -> Measure:
        """All of them together, or those of a month, or of a physician."""
        return _together(
            measure
            for (first, who), measure in self.measures.items()
            if month in (None, first) and physician in (ANYBODY, who)
        )

    def by_month(self, months: Iterable[date], **chosen: Any) -> list[Line]:
        """A line for each month, newest first."""
        return [
            _line(date_format(first, "F Y"), self.of(month=first), **{**chosen, "month": f"{first:%Y-%m}"})
            for first in sorted(months, reverse=True)
        ]

    def by_physician(self, of_month: date | None, **chosen: Any) -> list[Line]:
        """A line for each physician with patients seen in the month, or in all of them, by name."""
        lines = []
        for who in sorted(self.names, key=lambda who: (who is None, self.names[who])):
            measure = self.of(month=of_month, physician=who)
            if measure.seen and who and of_month:
                lines.append(_line(self.names[who], measure, **{**chosen, "physician": who}))
            elif measure.seen:
                url = query_of(**{**chosen, "physician": who}) if who else ""
                lines.append(Line(self.names[who], measure, url))
        return lines


def figures(rows: ReferralQuerySet, *, practice: Practice, months: list[date]) -> Figures:
    """Measure the patients seen in these months, from one query over the rows a member may see."""
    after = ExpressionWrapper(
        TruncDate("reported_back_at", tzinfo=practice.zone) - F("seen_on"), output_field=DurationField()
    )
    span = {**in_month("seen_on", months[-1]), "seen_on__gte": months[0]}
    seen = rows.select_related(None).seen().filter(received_on__gte=practice.starts_on, **span)
    groups = seen.order_by().annotate(month=TruncMonth("seen_on"), after=after)
    measures: dict[tuple[date, int | None], Measure] = {}
    names: dict[int | None, str] = {}
    for month, who, name, delay, count in groups.values_list(
        "month", "physician", "physician__user__name", "after"
    ).annotate(count=Count("pk")):
        names[who] = name or _("no physician yet")
        measures.setdefault((month, who), Measure()).add(count, _days(delay))
    return Figures(measures, names)


def sentence(measure: Measure, first: date) -> str:
    """ "In October 2026 the referrers of 41 of 48 patients were told, in 3 days as a rule."""
    words = {"month": date_format(first, "F Y"), "told": measure.told, "seen": measure.seen}
    if not measure.seen:
        return _("In %(month)s no patient was seen.") % words
    if not measure.told:
        return _("In %(month)s no referrer was told of %(seen)d patients seen.") % words
    text = ngettext(
        "In %(month)s the referrer of %(told)d of %(seen)d patients was told, %(as_a_rule)s as a rule.",
        "In %(month)s the referrers of %(told)d of %(seen)d patients were told, %(as_a_rule)s as a rule.",
        measure.told,
    )
    return text % {**words, "as_a_rule": measure.as_a_rule}


def figures_csv(found: Figures) -> bytes:
    """A line for each month and physician, newest first, in UTF-8 with the mark that Excel asks for."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([_("Month"), _("Physician"), _("Seen"), _("Told"), _("Told, %"), _("Median days")])
    order = sorted(found.measures, key=lambda key: (-key[0].toordinal(), key[1] is None, found.names[key[1]]))
    for month, who in order:
        measure = found.measures[month, who]
        days = "" if measure.median_days is None else f"{measure.median_days:g}"
        cells = [
            f"{month:%Y-%m}",
            found.names[who],
            str(measure.seen),
            str(measure.told),
            str(measure.share),
            days,
        ]
        lines.writerow([as_text(cell) for cell in cells])
    return "\ufeff".encode() + text.getvalue().encode()


def _together(measures: Iterable[Measure]) -> Measure:
    found = Measure()
    for measure in measures:
        found.seen += measure.seen
        found.days += measure.days
    return found


def _line(name: str, measure: Measure, **chosen: Any) -> Line:
    return Line(name, measure, query_of(**chosen), step_url("told", **chosen), step_url("seen", **chosen))


def _days(delay: timedelta | None) -> int | None:
    return None if delay is None else max(delay.days, 0)
