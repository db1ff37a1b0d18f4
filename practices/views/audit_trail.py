"""What changed and by whom, and who came in: to read, to filter, to take away."""

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from practices.audit_forms import AuditFilterForm, SignInFilterForm
from practices.audit_trail import as_csv, between, entries, note_export
from practices.audit_words import row_called, told
from practices.models import SignInEvent
from practices.pages import key_page, moment_of, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required


@require_safe
@role_required(*ADMINISTERS)
def audit_trail(request: PracticeRequest) -> HttpResponse:
    """Every change, newest first, in sentences; or one row's story."""
    filters = AuditFilterForm(request.GET)
    asked = filters.asked()
    rows = entries(request.member.practice, **asked).defer("row_ids")
    found = key_page(request, rows, key=lambda row: (row.at.isoformat(), row.pk), after=_after)
    is_story = "what" in asked and "row" in asked
    context = {
        "page": found,
        "lines": told(found.rows),
        "filters": filters,
        "row_name": row_called(asked["what"], asked["row"]) if is_story else "",
        "export_url": f"{reverse('audit_trail_exported')}?{urlencode(asked)}",
    }
    return page(request, "practices/audit_trail.html", context)


@require_safe
@role_required(*ADMINISTERS)
def audit_trail_exported(request: PracticeRequest) -> StreamingHttpResponse:
    """The entries asked for as CSV. That they were taken away is an entry itself."""
    practice = request.member.practice
    asked = AuditFilterForm(request.GET).asked()
    note_export(entries(practice, **asked).order_by().count())
    response = StreamingHttpResponse(as_csv(practice, asked), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    return response


@require_safe
@role_required(*ADMINISTERS)
def sign_ins(request: PracticeRequest) -> HttpResponse:
    """Who came in, was refused, or changed how they sign in; newest first."""
    filters = SignInFilterForm(request.GET)
    asked = filters.asked()
    rows: QuerySet = SignInEvent.objects.select_related("member__user", "by__user")
    rows = between(rows, request.member.practice, since=asked.get("since"), until=asked.get("until"))
    rows = rows.filter(**{name: asked[name] for name in ("member", "act") if name in asked})
    found = key_page(request, rows, key=lambda row: (row.at.isoformat(), row.pk), after=_after)
    return page(request, "practices/sign_ins.html", {"page": found, "filters": filters})


def _after(rows: QuerySet, key: list[str]) -> QuerySet:
    at, pk = moment_of(key[0]), int(key[1])
    return rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=pk))
