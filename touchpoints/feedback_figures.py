"""Figures of feedback: scores over time, who answers, and how it looks by office and by physician."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Avg, Count, Max, Q, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject, TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest

MONTHS = 12
STEP, HEIGHT, MARGIN = 40, 120, 10
BEST = 10


@dataclass(frozen=True)
class Month:
    """One month's answers; no average where nobody scored."""

    first: date
    count: int
    average: float | None

    @property
    def key(self) -> str:
        return self.first.strftime("%Y-%m")


@dataclass(frozen=True)
class Chart:
    """Average overall scores by month, oldest first, drawn on a scale from 0 to 10."""

    months: list[Month]

    @property
    def width(self) -> int:
        return STEP * (len(self.months) - 1) + 2 * MARGIN

    @property
    def height(self) -> int:
        return HEIGHT + 2 * MARGIN

    @property
    def right(self) -> int:
        return self.width - MARGIN

    @property
    def low(self) -> float:
        """Where the scores begin that open an issue."""
        return _height_of(Feedback.LOW_OVERALL)

    @property
    def points(self) -> list[tuple[int, float, Month]]:
        return [
            (MARGIN + STEP * place, _height_of(month.average), month)
            for place, month in enumerate(self.months)
            if month.average is not None
        ]

    @property
    def line(self) -> str:
        return "M" + " L".join(f"{x} {y}" for x, y, _month in self.points) if self.points else ""

    @property
    def sentence(self) -> str:
        """ "34 answers in 12 months; on average 8.2 of 10 in November 2026."""
        count = sum(month.count for month in self.months)
        answers = ngettext("%(n)d answer", "%(n)d answers", count) % {"n": count}
        words = {"answers": answers, "months": len(self.months)}
        if not self.points:
            return _("%(answers)s with a score in %(months)d months.") % words
        _x, _y, last = self.points[-1]
        words |= {"score": f"{last.average:.1f}", "month": date_format(last.first, "F Y")}
        return _("%(answers)s in %(months)d months; on average %(score)s of 10 in %(month)s.") % words

    @property
    def table(self) -> list[Month]:
        """Newest first, without empty months."""
        return [month for month in reversed(self.months) if month.count]


def chart(rows: QuerySet[Feedback], *, today: date) -> Chart:
    """Draw the averages of the last twelve months."""
    months = months_until(today)
    found = (
        rows.filter(given_on__gte=months[0])
        .order_by()
        .annotate(month=TruncMonth("given_on"))
        .values("month")
        .annotate(count=Count("pk"), average=Avg("overall"))
    )
    by_month = {row["month"]: (row["count"], row["average"]) for row in found}
    return Chart([Month(first, *by_month.get(first, (0, None))) for first in months])


def months_until(today: date) -> list[date]:
    """The first days of the last twelve months, oldest first; the last is the current one."""
    number = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number - MONTHS + 1, number + 1)]


@dataclass
class Line:
    """What an office's or a physician's answers come to."""

    id: int
    name: str
    answers: int = 0
    scored: int = 0
    total: int = 0
    asked: int = 0
    answered: int = 0
    issues: int = 0

    @property
    def average(self) -> str:
        return f"{self.total / self.scored:.1f}" if self.scored else ""

    @property
    def rate(self) -> str:
        """ "3 of 4"."""
        return _("%(n)d of %(all)d") % {"n": self.answered, "all": self.asked} if self.asked else ""


@dataclass
class Figures:
    """The last twelve months of a practice."""

    asked: int = 0
    answered: int = 0
    by_office: list[Line] = field(default_factory=list)
    by_physician: list[Line] = field(default_factory=list)

    @property
    def rate(self) -> int | None:
        """Answered of asked, in percent."""
        return round(100 * self.answered / self.asked) if self.asked else None


def figures(issues: Iterable[FeedbackIssue], *, today: date) -> Figures:
    """Who answers and how, by office and physician, from two queries and the issues that are open."""
    since = months_until(today)[0]
    offices: dict[int, Line] = {}
    physicians: dict[int, Line] = {}
    for row in _answers_since(since):
        for lines, prefix, name in _of(row, offices, physicians):
            line = lines.setdefault(row[prefix], Line(row[prefix], name))
            line.answers += row["answers"]
            line.scored += row["scored"]
            line.total += row["total"] or 0
    found = Figures()
    for row in _requests_since(since):
        found.asked += row["asked"]
        found.answered += row["answered"]
        if row["office"]:
            line = offices.setdefault(row["office"], Line(row["office"], row["office__name"]))
            line.asked, line.answered = row["asked"], row["answered"]
    _count_issues(issues, offices, physicians)
    found.by_office = sorted(offices.values(), key=lambda line: (-line.issues, -line.answers, line.name))
    found.by_physician = sorted(physicians.values(), key=lambda line: line.name)
    return found


def _answers_since(since: date) -> Iterable[Any]:
    rows = Feedback.objects.standing().filter(given_on__gte=since).order_by()
    groups = rows.values("office", "physician", "office__name", "physician__user__name")
    return groups.annotate(answers=Count("pk"), scored=Count("overall"), total=Sum("overall"))


def _requests_since(since: date) -> Iterable[Any]:
    rows = FeedbackRequest.objects.filter(asked_at__date__gte=since).order_by()
    return rows.values("office", "office__name").annotate(
        asked=Count("pk"), answered=Count("pk", filter=Q(answered_at__isnull=False))
    )


def _of(
    row: dict[str, Any], offices: dict[int, Line], physicians: dict[int, Line]
) -> Iterable[tuple[dict[int, Line], str, str]]:
    if row["office"]:
        yield offices, "office", row["office__name"]
    if row["physician"]:
        yield physicians, "physician", row["physician__user__name"]


def _count_issues(
    issues: Iterable[FeedbackIssue], offices: dict[int, Line], physicians: dict[int, Line]
) -> None:
    for issue in issues:
        for lines, key in ((offices, issue.feedback.office_id), (physicians, issue.feedback.physician_id)):
            if key in lines:
                lines[key].issues += 1


@dataclass(frozen=True)
class Said:
    """One line about a provider or an office: what they said, and what is open."""

    sentence: str
    issues: int


def feedback_of(**whom: Any) -> Subquery:
    """What somebody's feedback comes to, to annotate them with; `whom`: `provider=OuterRef("pk")`, say."""
    rows = Feedback.objects.standing().filter(**whom).order_by().values("practice")
    found = JSONObject(
        count=Count("pk"),
        average=Avg("overall"),
        last=Max("given_on"),
        issues=Count("issues", filter=Q(issues__told_at=None)),
    )
    return Subquery(rows.annotate(json=found).values("json"))


def said_so_far(found: dict[str, Any] | None) -> Said | None:
    """The line of what `feedback_of` found; None before there is any."""
    if not found:
        return None
    answers = ngettext("%(n)d answer", "%(n)d answers", found["count"]) % {"n": found["count"]}
    words = {"answers": answers, "day": date_format(date.fromisoformat(found["last"]), "F j, Y")}
    if found["average"] is None:
        return Said(_("%(answers)s without a score, the last on %(day)s") % words, found["issues"])
    words["score"] = f"{found['average']:.1f}"
    return Said(_("%(score)s of 10 from %(answers)s, the last on %(day)s") % words, found["issues"])


def _height_of(score: float | None) -> float:
    return round(MARGIN + HEIGHT * (1 - (score or 0) / BEST), 1)
