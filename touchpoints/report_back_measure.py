"""How many patients were seen, of how many the referrer was told, and how soon.

Counted by the day the patient was seen, of what was received since the practice began here; days run from the visit
to the word, both on the practice's calendar.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Func, IntegerField
from django.db.models.functions import JSONObject, TruncDate
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models.referrals import ReferralQuerySet
from practices.models import Practice


class DaysBetween(Func):
    """PostgreSQL's `date - date`, a number of days; Django makes an interval of it, which is dear to group by."""

    arg_joiner = " - "
    template = "(%(expressions)s)"
    output_field = IntegerField()


@dataclass
class Measure:
    """How many were seen, and how many of their referrers were told after so many days."""

    seen: int = 0
    days: Counter[int] = field(default_factory=Counter)

    def add(self, count: int, days: int | None) -> None:
        """Count patients in, told after so many days, or not told."""
        self.seen += count
        if days is not None:
            self.days[max(days, 0)] += count

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


def together(measures: Iterable[Measure]) -> Measure:
    """One measure of all of them."""
    found = Measure()
    for measure in measures:
        found.seen += measure.seen
        found.days += measure.days
    return found


def sentence(measure: Measure, first: date) -> str:
    """ "In October 2026 the referrers of 41 of 48 patients were told, in 3 days as a rule."""
    words = {"month": date_format(first, "F Y"), "told": measure.told, "seen": measure.seen}
    if not measure.seen:
        return _("In %(month)s no patient was seen.") % words
    if not measure.told:
        text = ngettext(
            "In %(month)s %(seen)d patient was seen, and the referrer was not told.",
            "In %(month)s %(seen)d patients were seen, and no referrer was told.",
            measure.seen,
        )
        return text % words
    text = ngettext(
        "In %(month)s the referrer of %(told)d of %(seen)d patients was told, %(as_a_rule)s as a rule.",
        "In %(month)s the referrers of %(told)d of %(seen)d patients were told, %(as_a_rule)s as a rule.",
        measure.told,
    )
    return text % {**words, "as_a_rule": measure.as_a_rule}


def seen_in(rows: ReferralQuerySet, first: date, last: date, *, practice: Practice) -> ReferralQuerySet:
    """The rows seen from the month of `first` through that of `last`, each with the days `after` which word went out."""
    after = DaysBetween(TruncDate("reported_back_at", tzinfo=practice.zone), F("seen_on"))
    span = {"seen_on__gte": first, "seen_on__lt": _following(last)}
    seen = rows.seen().filter(received_on__gte=practice.starts_on, **span)
    return seen.order_by().annotate(after=after)


def counted_by_days(seen: ReferralQuerySet) -> ArraySubquery:
    """How many were told after how many days, to annotate with; `measured` reads it."""
    groups = seen.values("after").annotate(count=Count("pk"))
    return ArraySubquery(groups.values(json=JSONObject(after="after", count="count")))


def measured(found: Iterable[dict[str, Any]]) -> Measure:
    """The measure of what `counted_by_days` found."""
    measure = Measure()
    for group in found:
        measure.add(group["count"], group["after"])
    return measure


def in_month(field_name: str, first: date) -> dict[str, date]:
    """The filter for a month, by its first day."""
    return {f"{field_name}__gte": first, f"{field_name}__lt": _following(first)}


def _following(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
