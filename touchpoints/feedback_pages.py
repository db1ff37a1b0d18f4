"""What the pages of feedback show: a list with its figures, and who may act on an issue."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from contacts.models import Office
from practices.models import Member
from practices.pages import as_id, key_page
from practices.roles import OWNS_ISSUES, RECORDS_FEEDBACK
from touchpoints.feedback_figures import Said, figures, said_so_far
from touchpoints.models import Feedback, FeedbackIssue, Touchpoint

ISSUES = 200


def may_act(issue: FeedbackIssue, member: Member) -> bool:
    """The manager on every issue, physician and liaison on their own."""
    return member.is_manager or (member.role in OWNS_ISSUES and issue.owner_id == member.pk)


@dataclass(frozen=True)
class FeedbackLine:
    """What a provider or an office said so far, and the ways to ask; no way for who may not."""

    said: Said | None
    url: str
    ask_url: str = ""
    new_url: str = ""


def feedback_line(of: Any, member: Member) -> FeedbackLine:
    """The line on the page of a provider or an office that carries `found_feedback`."""
    name = "office" if isinstance(of, Office) else "provider"
    said = said_so_far(of.found_feedback)
    query = f"?{name}={of.pk}"
    if member.role not in RECORDS_FEEDBACK:
        return FeedbackLine(said, reverse("feedback") + query)
    ask_url = reverse(f"feedback_ask_{name}", args=[of.pk])
    return FeedbackLine(said, reverse("feedback") + query, ask_url, reverse("feedback_new") + query)


def feedback_told_by(touchpoint: Touchpoint) -> Feedback | None:
    """What was said, or whose issue was told of, in this touchpoint."""
    if touchpoint.kind not in (Touchpoint.Kind.FEEDBACK, Touchpoint.Kind.CALL):
        return None
    told = Q(touchpoint=touchpoint) | Q(issues__touchpoint=touchpoint)
    return Feedback.objects.filter(told).first()


def answers_page(request: HttpRequest, *, today: date) -> dict[str, Any]:
    """Open issues, figures of the last twelve months, and the answers that were asked for, newest first."""
    issues = list(FeedbackIssue.objects.open().with_people()[:ISSUES])
    chosen = _chosen(request)
    found = figures(issues, chosen=chosen["filter"], today=today)
    rows = Feedback.objects.standing().filter(chosen["filter"], chosen["month_filter"])
    listed = rows.select_related("provider", "office", "physician__user")
    return {
        "issues": issues,
        "today": today,
        "figures": found,
        "chart": found.chart,
        "page": key_page(request, listed, key=lambda row: (row.given_on, row.pk), after=_after),
        "chosen": chosen,
    }


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """`?office=4`, `?physician=2`, `?provider=9`, `?month=2026-11`; what makes no sense is passed over."""
    named = {name: as_id(request.GET.get(name, "")) for name in ("office", "physician", "provider")}
    month = _month(request.GET.get("month", ""))
    found = Q(**{name: number for name, number in named.items() if number is not None})
    in_month = Q(given_on__year=month.year, given_on__month=month.month) if month else Q()
    return {
        **named,
        "month": month.strftime("%Y-%m") if month else "",
        "filter": found,
        "month_filter": in_month,
        "any": bool(found or month),
    }


def _month(text: str) -> date | None:
    try:
        month = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return None
    return month if 1900 <= month.year <= 2199 else None


def _after(rows: QuerySet, key: list[str]) -> QuerySet:
    day, number = date.fromisoformat(key[0]), int(key[1][:18])
    return rows.filter(Q(given_on__lt=day) | Q(given_on=day, pk__lt=number))
