"""The search field of every page."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from contacts.finding import find
from practices.pages import page
from practices.requests import PracticeRequest
from practices.roles import SEES_PATIENTS, member_required


@require_safe
@member_required
def search(request: PracticeRequest) -> HttpResponse:
    """Providers, offices, the people there, and referrals by number; patients are looked for elsewhere."""
    query = request.GET.get("q", "").strip()[:100]
    context = {
        "query": query,
        "found": find(query, member=request.member),
        "may_find_patients": request.member.role in SEES_PATIENTS,
    }
    return page(request, "contacts/search.html", context)
