"""The practice's own settings and its locations."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from practices.models import Location, Practice
from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.settings_forms import LocationForm, PracticeSettingsForm
from practices.shared_rows import for_change


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def settings_page(request: PracticeRequest) -> HttpResponse:
    """The practice's name, clock, start and thank-you list."""
    practice = for_change(request, Practice.objects.all()).get(pk=request.member.practice_id)
    form = PracticeSettingsForm(request.POST or None, instance=practice)
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("Saved.")), "settings")
    return page(request, "practices/settings.html", {"form": form})


@require_safe
@role_required(*ADMINISTERS)
def locations(request: PracticeRequest) -> HttpResponse:
    """Our own sites."""
    return page(request, "practices/locations.html", {"locations": Location.objects.all()})


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def location_new(request: PracticeRequest) -> HttpResponse:
    """Add a site."""
    return _location(request, Location())


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def location_edit(request: PracticeRequest, location_id: int) -> HttpResponse:
    """Change a site's name, address or phone."""
    return _location(request, get_object_or_404(for_change(request, Location.objects.all()), pk=location_id))


def _location(request: PracticeRequest, location: Location) -> HttpResponse:
    name = location.name
    form = LocationForm(request.POST or None, instance=location)
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("%(location)s saved.") % {"location": location}), "locations")
    return page(request, "practices/location_form.html", {"form": form, "name": name})
