"""Figures of feedback: scores over time, who answers, and how it looks by office and by physician."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Avg, Case, Count, Max, Q, Subquery, Sum, When
from django.db.models.functions import JSONObject, TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices.periods import months_until
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest

STEP, HEIGHT, MARGIN = 40, 120, 10
LEFT, BELOW = 32, 24  # room for the scale, and for the months
BEST = 10


@dataclass
class Tally:
    """How many answered, how many of them with a score, and what the scores add up to."""

    answers: int = 0
    scored: int = 0
    total: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Count a group of answers in."""
        self.answers += row["answers"]
        self.scored += row["scored"]
        self.total += row["total"] or 0

    @property
    def average(self) -> float | None:
        return self.total / self.scored if self.scored else None


@dataclass
class Line(Tally):
    """What an office's or a physician's answers come to."""

    id: int = 0
    name: str = ""
    asked: int = 0
    answered: int = 0
    issues: int = 0

    @property
    def rate(self) -> str:
        """ "3 of 4"."""
        return _("%(n)d of %(all)d") % {"n": self.answered, "all": self.asked} if self.asked else ""


@dataclass(frozen=True)
class Chart:
    """Average overall scores by month, oldest first, drawn on a scale from 0 to 10."""

    months: dict[date, Tally]

    @property
    def width(self) -> int:
        return LEFT + STEP * (len(self.months) - 1) + MARGIN

    @property
    def height(self) -> int:
        return HEIGHT + MARGIN + BELOW

    @property
    def right(self) -> int:
        return self.width - MARGIN

    @property
    def scale(self) -> list[tuple[int, float, bool]]:
        """The lines of 10, of the scores that open an issue, and of 0: score, height, whether it is the middle one."""
        scores = (BEST, Feedback.LOW_OVERALL, 0)
        return [(score, _height_of(score), score == Feedback.LOW_OVERALL) for score in scores]

    @property
    def ends(self) -> tuple[date, date]:
        """The first month and the last."""
        months = list(self.months)
        return months[0], months[-1]

    @property
    def points(self) -> list[tuple[int, float]]:
        return [
            (LEFT + STEP * place, _height_of(tally.average))
            for place, tally in enumerate(self.months.values())
            if tally.average is not None
        ]

    @property
    def line(self) -> str:
        return "M" + " L".join(f"{x} {y}" for x, y in self.points)

    @property
    def sentence(self) -> str:
        """ "34 answers in 12 months; on average 8.2 of 10 in November 2026."""
        count = sum(tally.answers for tally in self.months.values())
        answers = ngettext("%(n)d answer", "%(n)d answers", count) % {"n": count}
        words = {"answers": answers, "months": len(self.months)}
        scored = [(first, tally.average) for first, tally in self.months.items() if tally.scored]
        if not scored:
            return _("%(answers)s in %(months)d months, none with a score.") % words
        first, average = scored[-1]
        words |= {"score": f"{average:.1f}", "month": date_format(first, "F Y")}
        return _("%(answers)s in %(months)d months; on average %(score)s of 10 in %(month)s.") % words

    @property
    def table(self) -> list[tuple[date, Tally]]:
        """Newest first, without empty months."""
        return [(first, tally) for first, tally in reversed(self.months.items()) if tally.answers]


@dataclass
class Figures:
    """The last twelve months of a practice; the chart is of those answers that were asked for."""

    chart: Chart
    parts: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in Feedback.PARTS})
    asked: int = 0
    answered: int = 0
    offices: dict[int | None, Line] = field(default_factory=dict)
    physicians: dict[int | None, Line] = field(default_factory=dict)

    @property
    def rate(self) -> int | None:
        """Answered of asked, in percent."""
        return round(100 * self.answered / self.asked) if self.asked else None

    @property
    def parts_in_words(self) -> str:
        """ "Scheduling 4.1, communication 4.4, care of the patient 4.8 of 5"; nothing before any was given."""
        scored = [
            _("%(part)s %(score).1f")
            % {"part": Feedback._meta.get_field(name).verbose_name, "score": tally.average}
            for name, tally in self.parts.items()
            if tally.average is not None
        ]
        return _("%(parts)s of 5.") % {"parts": ", ".join(scored)} if scored else ""

    @property
    def by_office(self) -> list[Line]:
        return sorted(self.offices.values(), key=lambda line: (-line.issues, -line.answers, line.name))

    @property
    def by_physician(self) -> list[Line]:
        return sorted(self.physicians.values(), key=lambda line: line.name)


def figures(issues: Iterable[FeedbackIssue], *, chosen: Q, today: date) -> Figures:
    """Who answers and how, by month, office and physician, from two queries and the issues that are open."""
    months = months_until(today)
    found = Figures(Chart({first: Tally() for first in months}))
    for row in _answers_since(months[0], chosen):
        for line in _lines_of(found, row):
            line.add(row)
        if row["is_chosen"] and row["month"] in found.chart.months:
            found.chart.months[row["month"]].add(row)
            for name, tally in found.parts.items():
                tally.scored += row[f"{name}_scored"]
                tally.total += row[f"{name}_total"] or 0
    for row in _requests_since(months[0]):
        found.asked += row["asked"]
        found.answered += row["answered"]
        for line in _lines_of(found, row):
            line.asked, line.answered = row["asked"], row["answered"]
    for issue in issues:
        of_office = found.offices.get(issue.feedback.office_id)
        of_physician = found.physicians.get(issue.feedback.physician_id)
        for line in filter(None, (of_office, of_physician)):
            line.issues += 1
    return found


def _answers_since(since: date, chosen: Q) -> Iterable[Any]:
    rows = Feedback.objects.standing().filter(given_on__gte=since).order_by()
    is_chosen = Case(When(Q(pk__isnull=False) & chosen, then=True), default=False)
    groups = rows.annotate(month=TruncMonth("given_on"), is_chosen=is_chosen).values(
        "month", "is_chosen", "office", "physician", "office__name", "physician__user__name"
    )
    parts: dict[str, Any] = {f"{name}_scored": Count(name) for name in Feedback.PARTS}
    parts |= {f"{name}_total": Sum(name) for name in Feedback.PARTS}
    return groups.annotate(answers=Count("pk"), scored=Count("overall"), total=Sum("overall"), **parts)


def _requests_since(since: date) -> Iterable[Any]:
    rows = FeedbackRequest.objects.filter(asked_at__date__gte=since).order_by()
    return rows.values("office", "office__name").annotate(
        asked=Count("pk"), answered=Count("pk", filter=Q(answered_at__isnull=False))
    )


def _lines_of(found: Figures, row: dict[str, Any]) -> Iterable[Line]:
    """The lines a group belongs to: its office's, its physician's."""
    if office := row["office"]:
        yield found.offices.setdefault(office, Line(id=office, name=row["office__name"]))
    if physician := row.get("physician"):
        yield found.physicians.setdefault(physician, Line(id=physician, name=row["physician__user__name"]))


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
