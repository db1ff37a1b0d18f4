"""Providers, offices and the people there: their lists and forms. One's own page lives in touchpoints."""

from datetime import date

from django.contrib import messages
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.changes import changed
from contacts.forms.listing import OfficeFilterForm, ProviderFilterForm
from contacts.forms.people import OfficeContactForm, OfficeForm, PlacesForm, ProviderForm
from contacts.listing import office_page, provider_page
from contacts.models import Office, OfficeContact, Provider
from contacts.search import refresh_search
from contacts.undoing import remove_person
from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import member_required
from practices.shared_rows import for_change
from practices.undo import undo_url

FORM_METHODS = require_http_methods(["GET", "POST"])


@require_safe
@member_required
def providers(request: PracticeRequest) -> HttpResponse:
    """The providers of the network, by name."""
    filters = ProviderFilterForm(request.GET)
    found = provider_page(request, chosen=filters.chosen, day=_today(request))
    return page(request, "contacts/providers.html", {"filters": filters, "page": found})


@require_safe
@member_required
def offices(request: PracticeRequest) -> HttpResponse:
    """The offices of the network, by name."""
    filters = OfficeFilterForm(request.GET)
    found = office_page(request, chosen=filters.chosen, day=_today(request))
    return page(request, "contacts/offices.html", {"filters": filters, "page": found})


@FORM_METHODS
@member_required
def provider_new(request: PracticeRequest) -> HttpResponse:
    """Add a provider."""
    provider = Provider()
    if request.GET.get("name"):
        provider.given_name, _space, provider.family_name = request.GET["name"].strip()[:100].rpartition(" ")
    return _provider_form(request, provider, "contacts/provider_new.html")


@FORM_METHODS
@member_required
def provider_edit(request: PracticeRequest, provider_id: int) -> HttpResponse:
    """Change a provider, and where they work."""
    provider = get_object_or_404(for_change(request, Provider.objects.current()), pk=provider_id)
    return _provider_form(request, provider, "contacts/provider_edit.html")


@require_safe
@member_required
def form_of_address(request: PracticeRequest) -> HttpResponse:
    """How a card would begin, while the name is being typed (a fragment)."""
    names = ("given_name", "family_name", "credentials", "form_of_address")
    provider = Provider(**{name: request.GET.get(name, "").strip() for name in names})
    return render(request, "contacts/_form_of_address.html", {"provider": provider})


@FORM_METHODS
@member_required
def office_new(request: PracticeRequest) -> HttpResponse:
    """Add an office."""
    return _office_form(request, Office(), "contacts/office_new.html")


@FORM_METHODS
@member_required
def office_edit(request: PracticeRequest, office_id: int) -> HttpResponse:
    """Change an office."""
    office = get_object_or_404(for_change(request, Office.objects.current()), pk=office_id)
    return _office_form(request, office, "contacts/office_edit.html")


@FORM_METHODS
@member_required
def office_contact_new(request: PracticeRequest, office_id: int) -> HttpResponse:
    """Add a person who works at an office."""
    office = get_object_or_404(Office.objects.current(), pk=office_id)
    return _contact_form(request, OfficeContact(office=office))


@FORM_METHODS
@member_required
def office_contact_edit(request: PracticeRequest, office_id: int, contact_id: int) -> HttpResponse:
    """Change a person who works at an office."""
    rows = for_change(request, OfficeContact.objects.filter(office=office_id))
    return _contact_form(request, get_object_or_404(rows.select_related("office"), pk=contact_id))


@require_POST
@member_required
def office_contact_remove(request: PracticeRequest, office_id: int, contact_id: int) -> HttpResponse:
    """Take a person off an office; a second press finds them gone already. What names them keeps them."""
    get_object_or_404(Office.objects.current(), pk=office_id)
    person = OfficeContact.objects.filter(office=office_id, pk=contact_id).select_related("office").first()
    if person is None:
        return done(request, _("Removed."), "office", office_id)
    try:
        with transaction.atomic():
            act = remove_person(person, by=request.member, now=timezone.now())
    except ProtectedError:
        messages.warning(
            request, _("They were at a meeting: what is on the record keeps them. Change them instead.")
        )
        return redirect("office", office_id)
    return done(request, _("Removed."), "office", office_id, undo=undo_url(act))


def _provider_form(request: PracticeRequest, provider: Provider, template: str) -> HttpResponse:
    form = ProviderForm(request.POST or None, instance=provider)
    places = PlacesForm(request.POST or None, provider=provider)
    if all([form.is_valid(), places.is_valid()]):
        with transaction.atomic():
            saved = form.save()
            places.save(saved)
            changed(now=timezone.now(), providers=[saved.pk])
        return done(request, form.saved(_("Saved.")), "provider", saved.pk)
    context = {"form": form, "places": places, "provider": provider}
    return _page_of_forms(request, template, context)


def _page_of_forms(request: PracticeRequest, template: str, context: dict) -> HttpResponse:
    """A page of two forms answers 422 when either has an error."""
    answer = page(request, template, context)
    if context["places"].is_bound and not context["places"].is_valid():
        answer.status_code = 422
    return answer


def _office_form(request: PracticeRequest, office: Office, template: str) -> HttpResponse:
    form = OfficeForm(request.POST or None, instance=office)
    if form.is_valid():
        saved = form.save()
        refresh_search(offices=[saved.pk])
        return done(request, form.saved(_("Saved.")), "office", saved.pk)
    return page(request, template, {"form": form, "office": office})


def _contact_form(request: PracticeRequest, contact: OfficeContact) -> HttpResponse:
    form = OfficeContactForm(request.POST or None, instance=contact)
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("Saved.")), "office", contact.office_id)
    context = {"form": form, "contact": contact, "office": contact.office}
    return page(request, "contacts/office_contact.html", context)


def _today(request: PracticeRequest) -> date:
    return request.member.practice.today(timezone.now())
