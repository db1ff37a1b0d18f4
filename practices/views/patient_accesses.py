"""Who was shown which patients."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from practices import audit_trail
from practices.audit_forms import AccessFilterForm
from practices.log_files import ACCESSES, taken_away
from practices.pages import after_time, key_by_time, key_page, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required


@require_safe
@role_required(*ADMINISTERS)
def patient_accesses(request: PracticeRequest) -> HttpResponse:
    """The log of access to patient data, newest first; or who looked at one patient."""
    filters = AccessFilterForm(request.GET)
    asked = _asked(request, filters)
    rows = audit_trail.patient_accesses(request.member.practice, **asked)
    context = {
        "page": key_page(request, rows, key=key_by_time, after=after_time),
        "filters": filters,
        "asked": asked,
        "is_of_one": "referral" in asked or "return_referral" in asked,
        "export_url": f"{reverse('patient_accesses_exported')}?{urlencode(asked)}",
    }
    return page(request, "practices/patient_accesses.html", context)


@require_safe
@role_required(*ADMINISTERS)
def patient_accesses_exported(request: PracticeRequest) -> StreamingHttpResponse:
    """The looks at patients asked for as CSV."""
    practice = request.member.practice
    asked = _asked(request, AccessFilterForm(request.GET))
    return taken_away(practice, ACCESSES, audit_trail.patient_accesses(practice, **asked))


def _asked(request: PracticeRequest, filters: AccessFilterForm) -> dict[str, Any]:
    return filters.asked_by(request.member.practice.today(timezone.now()))
