"""Mail on its way out: where it stands, never what it says."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from practices.models import OutboxEnvelope
from practices.outbox import try_again
from practices.pages import done, key_page, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.settings_forms import OutboxFilterForm


@require_safe
@role_required(*ADMINISTERS)
def outbox(request: PracticeRequest) -> HttpResponse:
    """This practice's mail, newest first."""
    filters = OutboxFilterForm(request.GET)
    rows = OutboxEnvelope.objects.of_practice(request.member.practice).without_letter().order_by("-id")
    if filters.is_valid() and filters.cleaned_data["state"]:
        rows = rows.filter(state=filters.cleaned_data["state"])
    found = key_page(
        request, rows, key=lambda row: (row.pk,), after=lambda rows, key: rows.filter(pk__lt=int(key[0]))
    )
    context = {"page": found, "filters": filters, "is_sending": bool(settings.EMAIL_URL)}
    return page(request, "practices/outbox.html", context)


@require_POST
@role_required(*ADMINISTERS)
def outbox_retry(request: PracticeRequest, envelope_id: int) -> HttpResponse:
    """Try a mail again at the next tick."""
    mine = OutboxEnvelope.objects.of_practice(request.member.practice)
    try_again(get_object_or_404(mine.without_letter(), pk=envelope_id), now=timezone.now())
    return done(request, _("It will be tried again within a few minutes."), "outbox")
