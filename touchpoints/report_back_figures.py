"""The measure of reports back by month and by physician, over twelve months, and as a file for a spreadsheet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.models.referrals import ReferralQuerySet
from practices.models import Practice
from touchpoints.report_back_board import query_of, step_url
from touchpoints.report_back_measure import Measure, seen_in, together

ANYBODY = object()


@dataclass(frozen=True)
class Line:
    """A measure with its name; each address is empty where there is no list of just these rows."""

    name: str
    measure: Measure
    url: str = ""
    seen_url: str = ""
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
        return together(
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
    seen = seen_in(rows, months[0], months[-1], practice=practice).annotate(month=TruncMonth("seen_on"))
    groups = seen.values_list("month", "physician", "physician__user__name", "after")
    measures: dict[tuple[date, int | None], Measure] = {}
    names: dict[int | None, str] = {}
    for month, who, name, after, count in groups.annotate(count=Count("pk")):
        names[who] = name or _("no physician yet")
        measures.setdefault((month, who), Measure()).add(count, after)
    return Figures(measures, names)


def figures_lines(found: Figures) -> list[list[Any]]:
    """For a spreadsheet: the header, then a line for each month and physician, newest first."""
    lines: list[list[Any]] = [
        [_("Month"), _("Physician"), _("Seen"), _("Told"), _("Told, %"), _("Median days")]
    ]
    order = sorted(found.measures, key=lambda key: (-key[0].toordinal(), key[1] is None, found.names[key[1]]))
    for month, who in order:
        measure = found.measures[month, who]
        days = measure.median_days
        cells = [measure.seen, measure.told, measure.share, int(days) if days == int(days or 0) else days]
        lines.append([f"{month:%Y-%m}", found.names[who], *cells])
    return lines


def _line(name: str, measure: Measure, **chosen: Any) -> Line:
    lists = [step_url(key, **chosen) for key in ("was_seen", "told", "seen")]
    return Line(name, measure, query_of(**chosen), *lists)
