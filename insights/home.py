"""What home takes from the figures kept ahead: a few of them in sentences, and whom to look at among many."""

from datetime import datetime

from django.db.models import Exists, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider
from contacts.standing import Standing
from insights.models import Counting, SourceFigures
from insights.referral_figures import conversion_sentence, days_of, since_when, total_of
from insights.scope import Scope
from practices.models import Member
from practices.periods import Period, Span
from practices.roles import Role
from touchpoints.home_pages import Figure

NOTEWORTHY = (Standing.NEW, Standing.DECLINING, Standing.LAPSED)


def noteworthy(providers: QuerySet[Provider]) -> QuerySet[Provider]:
    """Those who are new or have gone quiet, by what is kept of each; before the first count, all."""
    kept = SourceFigures.objects.filter(kind=SourceFigures.Kind.PROVIDER, standing__in=NOTEWORTHY)
    is_counted = Exists(Counting.objects.filter(day__isnull=False))
    return providers.filter(Q(pk__in=kept.values("source_id")) | ~is_counted)


def figures_in_sentences(member: Member, *, now: datetime) -> list[Figure]:
    """This week and this month against last year, and how far twelve months' patients came; each opens its rows.

    A liaison sees none: their home is their offices.
    """
    if member.role == Role.LIAISON:
        return []
    scope, today = Scope.of(member), member.practice.today(now)
    days = days_of(scope, since=since_when(today))
    if not days:
        return []
    found = []
    for span, ending in ((Span.WEEK, _("this week")), (Span.MONTH, _("this month"))):
        period = Period.of(span, today)
        count, before = total_of(days, period).received, total_of(days, period.year_before).received
        text = ngettext(
            "%%(n)d referral %(ending)s; %(before)d in the same days last year",
            "%%(n)d referrals %(ending)s; %(before)d in the same days last year",
            count,
        )
        found.append(Figure(count, text % {"ending": ending, "before": before}, scope.referrals_url(period)))
    year = total_of(days, Period.of(Span.YEAR, today))
    sentence = _("Twelve months: %(sentence)s") % {"sentence": conversion_sentence(year)}
    return [*found, Figure(year.received, sentence, reverse("insights"), is_counted=False)]
