"""What changed and by whom, and who came in: to read, to filter, to take away."""

from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from practices.audit_forms import AuditFilterForm, SignInFilterForm
from practices.audit_trail import entries, sign_in_events
from practices.audit_words import row_called, told
from practices.log_files import CHANGES, SIGN_INS, taken_away
from practices.pages import after_time, key_by_time, key_page, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required


@require_safe
@role_required(*ADMINISTERS)
def audit_trail(request: PracticeRequest) -> HttpResponse:
    """Every change, newest first, in sentences; or one row's story."""
    filters = AuditFilterForm(request.GET)
    asked = filters.asked()
    rows = entries(request.member.practice, **asked).defer("row_ids")
    found = key_page(request, rows, key=key_by_time, after=after_time)
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
    rows = entries(practice, **AuditFilterForm(request.GET).asked())
    return taken_away(practice, CHANGES, rows)


@require_safe
@role_required(*ADMINISTERS)
def sign_ins(request: PracticeRequest) -> HttpResponse:
    """Who came in, was refused, or changed how they sign in; newest first."""
    filters = SignInFilterForm(request.GET)
    asked = filters.asked()
    rows = sign_in_events(request.member.practice, **asked)
    found = key_page(request, rows, key=key_by_time, after=after_time)
    export_url = f"{reverse('sign_ins_exported')}?{urlencode(asked)}"
    return page(
        request, "practices/sign_ins.html", {"page": found, "filters": filters, "export_url": export_url}
    )


@require_safe
@role_required(*ADMINISTERS)
def sign_ins_exported(request: PracticeRequest) -> StreamingHttpResponse:
    """The sign-ins asked for as CSV."""
    practice = request.member.practice
    rows = sign_in_events(practice, **SignInFilterForm(request.GET).asked())
    return taken_away(practice, SIGN_INS, rows)
