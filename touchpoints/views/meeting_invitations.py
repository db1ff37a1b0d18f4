"""Invitations to a meeting: one press sends what is missing."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from practices.pages import done
from practices.requests import PracticeRequest
from practices.roles import member_required
from touchpoints.meeting_invitations import send_invitations
from touchpoints.meeting_pages import may_change
from touchpoints.models import Meeting


@require_POST
@member_required
def meeting_invite(request: PracticeRequest, meeting_id: int) -> HttpResponse:
    """Write to everybody who does not know how it stands."""
    row = get_object_or_404(Meeting, pk=meeting_id)
    if not may_change(row, request.member):
        raise PermissionDenied(_("This is for whoever goes or put it down, and for the manager."))
    count = send_invitations(row, by=request.member, now=timezone.now()).to_send
    said = ngettext("%(count)d mail is on its way.", "%(count)d mails are on their way.", count)
    return done(
        request, said % {"count": count} if count else _("Everybody knows already."), "meeting", row.pk
    )
