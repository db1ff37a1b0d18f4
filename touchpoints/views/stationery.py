"""How the practice prints: return address, sheet, envelope, and how far its printer strays."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from touchpoints.card_forms import StationeryForm
from touchpoints.models import Stationery
from touchpoints.printing.documents import stationery_of
from touchpoints.printing.labels import SHEETS
from touchpoints.printing.trial_sheet import trial_sheet
from touchpoints.touchpoint_log import lock_practice


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def stationery(request: PracticeRequest) -> HttpResponse:
    """Set the stationery."""
    if request.method == "POST":  # what is compared with the form is what is saved over
        lock_practice()
    form = StationeryForm(request.POST or None, instance=stationery_of(request.member.practice))
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("Saved.")), "stationery")
    return page(request, "touchpoints/stationery.html", {"form": form, "sheets": Stationery.Labels.choices})


@require_safe
@role_required(*ADMINISTERS)
def stationery_test_sheet(request: PracticeRequest) -> HttpResponse:
    """A sheet with rulers to find the printer's offset by; `?sheet=5163` for another than the practice's own."""
    wanted = request.GET.get("sheet", "")
    name = wanted if wanted in SHEETS else stationery_of(request.member.practice).labels
    response = HttpResponse(trial_sheet(SHEETS[name]), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="test-sheet.pdf"'
    return response
