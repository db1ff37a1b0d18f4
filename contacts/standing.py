"""How a provider's referring stands against their own habit. One small module, so that a better detector fits in."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Referral

WINDOW = timedelta(days=730)
NEW_FOR_DAYS = 90
FEWEST_GAPS = 5


class Standing(StrEnum):
    PROSPECT = "prospect"
    NEW = "new"
    ACTIVE = "active"
    DECLINING = "declining"
    LAPSED = "lapsed"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {
    Standing.PROSPECT: gettext_lazy("prospect"),
    Standing.NEW: gettext_lazy("new"),
    Standing.ACTIVE: gettext_lazy("active"),
    Standing.DECLINING: gettext_lazy("declining"),
    Standing.LAPSED: gettext_lazy("lapsed"),
}
# As templates/_status.html colours and shapes them.
TONES = {
    Standing.PROSPECT: "neutral",
    Standing.NEW: "open",
    Standing.ACTIVE: "done",
    Standing.DECLINING: "due",
    Standing.LAPSED: "quiet",
}


@dataclass(frozen=True)
class Rhythm:
    """When a provider referred: first ever, and within the window the first, the last and how many days."""

    first_ever_on: date | None = None
    first_on: date | None = None
    last_on: date | None = None
    days: int = 0

    @property
    def mean_gap(self) -> float | None:
        """Mean days between days with referrals, or None with fewer than two."""
        if self.days < 2 or not self.first_on or not self.last_on:
            return None
        return (self.last_on - self.first_on).days / (self.days - 1)


def standing_on(day: date, rhythm: Rhythm) -> Standing:
    """The standing, in the order of the rules; 4.6 gaps is what a random rhythm passes 1 % of the time."""
    if rhythm.first_ever_on is None:
        return Standing.PROSPECT
    if (day - rhythm.first_ever_on).days < NEW_FOR_DAYS:
        return Standing.NEW
    if rhythm.last_on is None:
        return Standing.LAPSED
    since, gap = (day - rhythm.last_on).days, rhythm.mean_gap
    if gap is None or rhythm.days - 1 < FEWEST_GAPS:
        return Standing.LAPSED if since > 365 else Standing.ACTIVE
    if since > max(180, 10 * gap):
        return Standing.LAPSED
    return Standing.DECLINING if since > 4.6 * gap else Standing.ACTIVE


def stands_so_since(day: date, rhythm: Rhythm) -> date | None:
    """The day since which the standing is what it is on `day`, nobody having referred meanwhile; None: unknown."""
    if rhythm.last_on is None:
        return None
    now, first, last = standing_on(day, rhythm), rhythm.last_on, day
    while first < last:  # it changes one way only as days pass, so that halves can be left out
        middle = first + (last - first) // 2
        first, last = (
            (first, middle) if standing_on(middle, rhythm) == now else (middle + timedelta(days=1), last)
        )
    return first


def rhythms(day: date, *, referrals: QuerySet | None = None) -> dict[int, Rhythm]:
    """The rhythm of each provider who has referred, as of `day`, from one query."""
    rows: Any = Referral.objects.all() if referrals is None else referrals
    window = Q(received_on__gt=day - WINDOW)
    found = (
        rows.standing()
        .filter(provider__isnull=False, received_on__lte=day)
        .order_by()
        .values("provider_id")
        .annotate(
            first_ever_on=Min("received_on"),
            first_on=Min("received_on", filter=window),
            last_on=Max("received_on", filter=window),
            days=Count("received_on", filter=window, distinct=True),
        )
    )
    return {row.pop("provider_id"): Rhythm(**row) for row in found}


def providers_with_rhythm(providers: QuerySet, day: date) -> list[tuple[Any, Rhythm]]:
    """These providers, each with their rhythm as of `day`, from one query.

    Asked per provider, so that the index by provider answers and no wide join is sorted and grouped.
    """
    window = Q(received_on__gt=day - WINDOW)
    rhythm = (
        Referral.objects.standing()
        .filter(provider=OuterRef("pk"), received_on__lte=day)
        .order_by()
        .values("provider")
        .annotate(
            json=JSONObject(
                first_ever_on=Min("received_on"),
                first_on=Min("received_on", filter=window),
                last_on=Max("received_on", filter=window),
                days=Count("received_on", filter=window, distinct=True),
            )
        )
        .values("json")
    )
    found = providers.order_by("family_name", "given_name", "pk").annotate(rhythm=Subquery(rhythm))
    return [(provider, _rhythm(provider.rhythm or {})) for provider in found]


def _rhythm(json: dict[str, Any]) -> Rhythm:
    days = {name: json.get(name) for name in ("first_ever_on", "first_on", "last_on")}
    dates = {name: date.fromisoformat(day) if day else None for name, day in days.items()}
    return Rhythm(**dates, days=json.get("days", 0))


def in_words(day: date, rhythm: Rhythm) -> str:
    """ "Usually every 9 days; 45 days now.\""""
    standing = standing_on(day, rhythm)
    if standing == Standing.PROSPECT or rhythm.first_ever_on is None:
        return _("Has not referred yet.")
    if rhythm.last_on is None:
        return _("Has not referred for more than two years.")
    since = (day - rhythm.last_on).days
    ago = ngettext("%(days)d day now", "%(days)d days now", since) % {"days": since}
    if standing == Standing.NEW:
        first = (day - rhythm.first_ever_on).days
        return ngettext("First referral %(days)d day ago.", "First referral %(days)d days ago.", first) % {
            "days": first
        }
    if rhythm.mean_gap is None or rhythm.days - 1 < FEWEST_GAPS:
        return _("Too few referrals to say how often; %(ago)s.") % {"ago": ago}
    gap = max(1, round(rhythm.mean_gap))
    usual = ngettext("Usually every day", "Usually every %(days)d days", gap) % {"days": gap}
    return _("%(usual)s; %(ago)s.") % {"usual": usual, "ago": ago}
