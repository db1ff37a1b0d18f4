"""What home takes from the figures kept ahead: a few of them in sentences, and whom to name among many."""

from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider
from contacts.standing import Standing
from insights.models import Counting, DailyFigures, SourceFigures
from insights.referral_figures import Counts, conversion_sentence, since_when
from insights.scope import Scope
from practices.models import Member
from practices.periods import Period, Span
from touchpoints.home_pages import QUIET, SHOWN, home_page
from touchpoints.home_parts import Figure, HomePage, Kept


def home_with_figures(member: Member, *, now: datetime) -> tuple[HomePage, list[Figure]]:
    """The home of the member's role, and the figures that stand under the next things."""
    today = member.practice.today(now)
    shown = home_page(member, now=now, kept=Kept(noteworthy, _kept_counts(today)))
    return shown, _in_sentences(shown.kept or {}, today)


def noteworthy(providers: QuerySet[Provider]) -> QuerySet[Provider]:
    """Those who are new or have gone quiet and would stand first, by what is kept; before the first count, all."""
    kept = SourceFigures.objects.filter(Exists(providers.filter(pk=OuterRef("source_id"))))
    quiet = kept.filter(standing__in=QUIET).order_by("-days", "source_id").values("source_id")[:SHOWN]
    new = kept.filter(standing=Standing.NEW).order_by("-first_on", "source_id").values("source_id")[:SHOWN]
    is_counted = Exists(Counting.objects.filter(day__isnull=False))
    return providers.filter(Q(pk__in=quiet) | Q(pk__in=new) | ~is_counted)


def _kept_counts(today: date) -> Subquery:
    year = Period.of(Span.YEAR, today)
    counts: dict[str, Any] = {
        name: Sum(name, filter=Q(day__range=(year.first, year.last))) for name in ("received", "seen", "told")
    }
    for span in (Span.WEEK, Span.MONTH):
        period = Period.of(span, today)
        for name, days in ((span.value, period), (f"{span}_before", period.year_before)):
            counts[name] = Sum("received", filter=Q(day__range=(days.first, days.last)))
    rows: Any = DailyFigures.objects.filter(by=DailyFigures.By.ALL, day__gte=since_when(today)).order_by()
    return Subquery(rows.values("practice").annotate(json=JSONObject(**counts)).values("json"))


def _in_sentences(kept: dict[str, int | None], today: date) -> list[Figure]:
    """This week and this month against last year, and how far twelve months' patients came; each opens its rows."""
    if not kept:
        return []
    week, month = (Period.of(span, today) for span in (Span.WEEK, Span.MONTH))
    counts = Counts(*(kept[name] or 0 for name in ("received", "seen", "told")))
    return [
        _against_last_year(kept, week, _("this week")),
        _against_last_year(kept, month, _("this month")),
        Figure(
            counts.received,
            _("Of twelve months, %(sentence)s") % {"sentence": conversion_sentence(counts)},
            reverse("insights"),
            is_counted=False,
        ),
    ]


def _against_last_year(kept: dict[str, int | None], period: Period, when: str) -> Figure:
    count, before = kept[period.span] or 0, kept[f"{period.span}_before"] or 0
    text = ngettext("%(n)d referral %(when)s", "%(n)d referrals %(when)s", count)
    sentence = _("%(referrals)s, %(before)d in the same days last year") % {
        "referrals": text % {"n": count, "when": when},
        "before": before,
    }
    return Figure(count, sentence, Scope().referrals_url(period), is_counted=False)
