"""What home takes from the figures kept ahead: a few of them in sentences, and whom to name among many."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider
from contacts.standing import Standing
from insights.models import Counting, DailyFigures, SourceFigures
from insights.outreach_figures import touchpoints_url
from insights.referral_figures import Counts, conversion_sentence, since_when
from insights.scope import Scope
from practices.addresses import page_url
from practices.models import Member
from practices.periods import Period, Span
from practices.roles import Role
from touchpoints.home_pages import QUIET, SHOWN, home_page
from touchpoints.home_parts import Figure, HomePage, Kept
from touchpoints.models import Touchpoint

Numbers = Mapping[str, int | None]
By = DailyFigures.By
# Whom home names first, of those who have gone quiet and of those who are new.
NAMED_FIRST: dict[str, tuple[Any, ...]] = {
    "quiet": (QUIET, "-days", "source_id"),
    "fresh": ([Standing.NEW], "-first_on", "source_id"),
}


def home_with_figures(member: Member, *, now: datetime) -> tuple[HomePage, list[Figure]]:
    """The home of the member's role, and the figures that stand under the next things."""
    today = member.practice.today(now)
    counts, in_sentences = FIGURES[Role(member.role)]
    shown = home_page(member, now=now, kept=Kept(noteworthy, counts(member, today)))
    return shown, in_sentences(shown.kept, member, today) if shown.kept else []


def noteworthy(providers: QuerySet[Provider], found: Mapping[str, Any] | None) -> QuerySet[Provider]:
    """Those who are new or have gone quiet and would stand first, by what is kept; before the first count, all.

    `found` is what the figures of the home are, which may name them.
    """
    if stand := (found or {}).get("stand"):
        first = [number for name in NAMED_FIRST for number in (stand[name] or [])[:SHOWN]]
        return Provider.objects.filter(pk__in=first)
    kept = SourceFigures.objects.filter(Exists(providers.filter(pk=OuterRef("source_id"))))
    first = [
        kept.filter(standing__in=standings).order_by(*order).values("source_id")[:SHOWN]
        for standings, *order in NAMED_FIRST.values()
    ]
    is_counted = Exists(Counting.objects.filter(day__isnull=False))
    uncounted = providers.filter(~is_counted).order_by().values("pk")
    return Provider.objects.filter(pk__in=uncounted.union(*first, all=True))


def _practice_counts(member: Member, today: date) -> Subquery:
    return _referral_counts(today, by=By.ALL)


def _physician_counts(member: Member, today: date) -> Subquery:
    return _referral_counts(today, by=By.PHYSICIAN, key=str(member.pk))


def _referral_counts(today: date, **whose: str) -> Subquery:
    """What came this week, this month and a year before, and how far twelve months' patients came."""
    year = Period.of(Span.YEAR, today)
    counts: dict[str, Any] = {
        name: Sum(name, filter=Q(day__range=(year.first, year.last))) for name in ("received", "seen", "told")
    }
    for span in (Span.WEEK, Span.MONTH):
        counts |= _now_and_before(span, today, lambda days: Sum("received", filter=_within(days, "day")))
    rows: Any = DailyFigures.objects.filter(day__gte=since_when(today), **whose).order_by()
    return _one_row(rows, counts)


def _liaison_counts(member: Member, today: date) -> JSONObject:
    """Whom they met this month and a year before, how the referrers of their territory stand, and whom to name.

    Together, for to find who is of a territory takes longest.
    """
    meetings: Any = Touchpoint.objects.standing().filter(member=member, kind=Touchpoint.Kind.MEETING)
    # Each for itself: asked for either of two spans, an index is read from end to end.
    met = _now_and_before(
        Span.MONTH, today, lambda days: _count(meetings.filter(_within(days, "happened_on")))
    )
    own = Provider.objects.active().in_territory_of(member.pk).values("pk")
    noted = (Standing.NEW, *QUIET)
    stand: dict[str, Any] = {one.value: Count("pk", filter=Q(standing=one)) for one in noted}
    for name, (standings, *order) in NAMED_FIRST.items():
        stand[name] = ArrayAgg("source_id", filter=Q(standing__in=standings), order_by=order)
    kept: Any = SourceFigures.objects.filter(
        kind=SourceFigures.Kind.PROVIDER, source_id__in=own, standing__in=noted
    )
    return JSONObject(
        met=JSONObject(**met),
        stand=_one_row(kept.order_by(), stand),
    )


def _now_and_before(span: Span, today: date, count: Callable[[Period], Any]) -> dict[str, Any]:
    period = Period.of(span, today)
    return {span.value: count(period), f"{span}_before": count(period.year_before)}


def _within(days: Period, column: str) -> Q:
    return Q(**{f"{column}__range": (days.first, days.last)})


def _count(rows: Any) -> Subquery:
    return Subquery(rows.order_by().values("practice").annotate(n=Count("pk")).values("n"))


def _one_row(rows: Any, counts: dict[str, Any]) -> Subquery:
    return Subquery(rows.values("practice").annotate(json=JSONObject(**counts)).values("json"))


def _practice_figures(kept: Numbers, member: Member, today: date) -> list[Figure]:
    """This week and this month against last year, and how far twelve months' patients came; each opens its rows."""
    week, month = (Period.of(span, today) for span in (Span.WEEK, Span.MONTH))
    return [
        _referrals(kept, week, Scope(), _("this week")),
        _referrals(kept, month, Scope(), _("this month")),
        _conversion(kept),
    ]


def _physician_figures(kept: Numbers, member: Member, today: date) -> list[Figure]:
    """The patients sent to them this month against last year, and how far those of twelve months came."""
    month = Period.of(Span.MONTH, today)
    return [_referrals(kept, month, Scope.of(member), _("to you this month")), _conversion(kept)]


def _liaison_figures(kept: Mapping[str, Numbers | None], member: Member, today: date) -> list[Figure]:
    """Whom they met this month against last year, and who of their territory is new, declines or has lapsed."""
    return [
        *_meetings(kept["met"] or {}, member, Period.of(Span.MONTH, today)),
        *_standings(kept["stand"] or {}, member),
    ]


def _referrals(kept: Numbers, period: Period, scope: Scope, when: str) -> Figure:
    count, before = kept[period.span] or 0, kept[f"{period.span}_before"] or 0
    text = ngettext("%(n)d referral %(when)s", "%(n)d referrals %(when)s", count)
    said = text % {"n": count, "when": when}
    return Figure(count, _against_last_year(said, before), scope.referrals_url(period), is_counted=False)


def _conversion(kept: Numbers) -> Figure:
    counts = Counts(*(kept[name] or 0 for name in ("received", "seen", "told")))
    sentence = _("Of twelve months, %(sentence)s") % {"sentence": conversion_sentence(counts)}
    return Figure(counts.received, sentence, page_url("insights"), is_counted=False)


def _meetings(met: Numbers, member: Member, month: Period) -> list[Figure]:
    count, before = met.get(Span.MONTH) or 0, met.get(f"{Span.MONTH}_before") or 0
    if not (count or before):
        return []
    text = ngettext("You met %(n)d referrer this month", "You met %(n)d referrers this month", count)
    url = touchpoints_url(month, member=member.pk, kind=Touchpoint.Kind.MEETING.value)
    return [Figure(count, _against_last_year(text % {"n": count}, before), url, is_counted=False)]


def _standings(stand: Numbers, member: Member) -> list[Figure]:
    texts = {
        Standing.NEW: ngettext(
            "%(n)d referrer of your territory is new",
            "%(n)d referrers of your territory are new",
            _of(stand, Standing.NEW),
        ),
        Standing.DECLINING: ngettext(
            "%(n)d is declining", "%(n)d are declining", _of(stand, Standing.DECLINING)
        ),
        Standing.LAPSED: ngettext("%(n)d has lapsed", "%(n)d have lapsed", _of(stand, Standing.LAPSED)),
    }
    to = page_url("providers")
    return [
        Figure(_of(stand, standing), text, f"{to}?standing={standing.value}&territory={member.pk}")
        for standing, text in texts.items()
        if _of(stand, standing)
    ]


def _of(stand: Numbers, standing: Standing) -> int:
    return stand.get(standing.value) or 0


def _against_last_year(said: str, before: int) -> str:
    words = {"said": said, "before": before}
    return _("%(said)s, %(before)d in the same days last year") % words


# For each role: the columns of its counts, and what is said of them.
FIGURES: dict[str, tuple[Callable[..., Any], Callable[..., list[Figure]]]] = {
    Role.MANAGER: (_practice_counts, _practice_figures),
    Role.COORDINATOR: (_practice_counts, _practice_figures),
    Role.PHYSICIAN: (_physician_counts, _physician_figures),
    Role.LIAISON: (_liaison_counts, _liaison_figures),
}
