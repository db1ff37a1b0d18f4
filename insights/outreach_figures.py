"""Figures of what we do: thank-yous from due to mailed, weeks finished in a row, touchpoints by kind and member."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from insights.charts import MonthChart
from insights.scope import Scope
from insights.tables import Cell, Row, Table
from practices.models import Member
from practices.periods import Period, Span, months_until
from practices.roles import Role
from touchpoints.models import ThankYou, ThankYouList, Touchpoint

Kind = Touchpoint.Kind
State = ThankYou.State
Made = Mapping[tuple[date, int, str], int]


def whose(reader: Member, scope: Scope) -> int | None:
    """A physician and a liaison see what they did themselves; the others all, or the physician's they chose."""
    return reader.pk if reader.role in (Role.PHYSICIAN, Role.LIAISON) else scope.physician


def made_in_months(member: int | None, today: date) -> Made:
    """How many touchpoints of each kind a member made in each of the last twelve months."""
    rows: Any = Touchpoint.objects.standing().filter(happened_on__range=(months_until(today)[0], today))
    if member is not None:
        rows = rows.filter(member=member)
    groups = rows.order_by().annotate(month=TruncMonth("happened_on")).values_list("month", "member", "kind")
    return {(month, by, kind): n for month, by, kind, n in groups.annotate(n=Count("*"))}


def touchpoints_url(period: Period, **asked: Any) -> str:
    """The list of touchpoints of a period."""
    given = {name: value for name, value in asked.items() if value is not None}
    days = {"happened_from": period.first, "happened_until": period.last}
    return f"{reverse('insights_touchpoints')}?{urlencode({**given, **days})}"


def touchpoint_chart(made: Made, today: date) -> MonthChart:
    """Touchpoints of twelve months."""
    counts = dict.fromkeys(months_until(today), 0)
    for (month, _member, _kind), n in made.items():
        counts[month] += n
    total = sum(counts.values())
    if not total:
        return MonthChart(counts, {}, _("No touchpoint in twelve months."))
    best = max(counts, key=lambda month: counts[month])
    words = {
        "touchpoints": ngettext("%(n)s touchpoint", "%(n)s touchpoints", total) % {"n": f"{total:,}"},
        "month": date_format(best, "F Y"),
        "best": f"{counts[best]:,}",
    }
    return MonthChart(
        counts, {}, _("%(touchpoints)s in twelve months; most in %(month)s, with %(best)s.") % words
    )


def touchpoint_month_table(made: Made, member: int | None, today: date) -> Table:
    """The chart's months as rows, newest first, by kind."""
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for (month, _member, kind), n in made.items():
        counts[month][kind] += n
    rows = [
        Row(Cell(date_format(month, "F Y")), _by_kind(counts[month], Period.month(month), member))
        for month in reversed(months_until(today))
    ]
    return Table("touchpoint-months", _("Month by month"), [_("Month"), *_kinds()], rows)


def member_table(made: Made, names: Mapping[int, str], today: date) -> Table:
    """Who reached out how often, by kind, in twelve months."""
    year = Period.of(Span.YEAR, today)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (_month, member, kind), n in made.items():
        counts[member][kind] += n
    rows = [
        Row(Cell(names.get(member, _("No longer here"))), _by_kind(found, year, member))
        for member, found in sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    ]
    return Table("members", _("By kind and member, twelve months"), [_("Member"), *_kinds()], rows)


def _kinds() -> list[str]:
    return [*(str(capfirst(kind.label)) for kind in Kind), _("Together")]


def _by_kind(counts: Mapping[str, int], period: Period, member: int | None) -> list[Cell]:
    cells = [
        Cell(n, touchpoints_url(period, member=member, kind=kind.value) if n else "")
        for kind, n in ((kind, counts[kind]) for kind in Kind)
    ]
    together = sum(cell.value for cell in cells)
    return [*cells, Cell(together, touchpoints_url(period, member=member))]


def thank_you_table(made: Made, reader: Member, scope: Scope, today: date) -> Table:
    """What waits on the lists now, and what was mailed this month and in twelve."""
    states = _waiting(reader, scope)
    member = whose(reader, scope)
    narrowed = f"?physician={scope.physician}" if scope.physician and reader.is_manager else ""
    cards = reverse("thank_you_cards") + narrowed
    rows = [
        Row(Cell(_("To decide")), [Cell(states[State.UNDECIDED], reverse("thank_you") + narrowed)]),
        Row(Cell(_("Cards to write")), [Cell(states[State.TO_WRITE], cards)]),
        Row(Cell(_("Written, to mail")), [Cell(states[State.WRITTEN], cards)]),
    ]
    for span, label in ((Span.MONTH, _("Mailed this month")), (Span.YEAR, _("Mailed in twelve months"))):
        period = Period.of(span, today)
        mailed = sum(
            n for (month, _m, kind), n in made.items() if kind == Kind.CARD and month >= period.first
        )
        rows.append(Row(Cell(label), [Cell(mailed, touchpoints_url(period, member=member, kind="card"))]))
    return Table("thank-yous", _("Thank-yous"), [_("Where they stand"), _("Thank-yous")], rows)


def _waiting(reader: Member, scope: Scope) -> Counter[str]:
    rows: Any = ThankYou.objects.visible_to(reader).filter(
        state__in=[State.UNDECIDED, State.TO_WRITE, State.WRITTEN]
    )
    if scope.physician is not None and reader.role != Role.PHYSICIAN:
        rows = rows.filter(list__physician=scope.physician)
    return Counter(dict(rows.order_by().values("state").annotate(n=Count("pk")).values_list("state", "n")))


def weeks_finished(reader: Member, scope: Scope) -> int:
    """How many weeks up to now have had every list finished, one after the other."""
    rows: Any = ThankYouList.objects.visible_to(reader)
    if scope.physician is not None:
        rows = rows.filter(physician=scope.physician)
    weeks = rows.order_by("-week_starts_on").values("week_starts_on")
    return streak(weeks.annotate(made=Count("pk"), done=Count("finished_at")).values_list("made", "done"))


def streak(weeks: Iterable[Sequence[int]]) -> int:
    """The weeks in a row, newest first, whose lists made are all done; the newest may still be under way.

    A week without a list is none to break it.
    """
    count = 0
    for place, (made, done) in enumerate(weeks):
        if made == done:
            count += 1
        elif place:
            break
    return count


def streak_sentence(weeks: int) -> str:
    """ "Every list of the last 5 weeks is finished."""
    if not weeks:
        return _("The lists of the last weeks are not all finished.")
    text = ngettext(
        "Every list of the last week is finished.",
        "Every list of the last %(n)d weeks is finished: %(n)d in a row.",
        weeks,
    )
    return text % {"n": weeks}
