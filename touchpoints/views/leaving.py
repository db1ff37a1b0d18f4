"""Closing a seat, with what its holder still owns."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from practices.members import LastManager
from practices.models import Member
from practices.pages import done
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.undo import undo_url
from touchpoints.leaving import owned_by, successors_of
from touchpoints.undoing_many import leave_with


class LeaveForm(forms.Form):
    """Who takes over what somebody leaves behind."""

    to = forms.ModelChoiceField(
        label=gettext_lazy("Who takes it over?"),
        queryset=Member._base_manager.none(),
        required=False,
        empty_label=gettext_lazy("Nobody yet: it stays under this name"),
    )

    def __init__(self, *args: Any, seat: Member) -> None:
        super().__init__(*args)
        to: Any = self.fields["to"]
        to.queryset = successors_of(seat)


@require_POST
@role_required(*ADMINISTERS)
def member_leave(request: PracticeRequest, member_id: int) -> HttpResponse:
    """Close a seat; its holder is signed out at once. Who owns something still is asked about first."""
    seat = get_object_or_404(Member.objects.active().select_related("user"), pk=member_id)
    owned, is_asked = owned_by(seat), "is_asked" in request.POST
    form = LeaveForm(request.POST if is_asked else None, seat=seat)
    if owned and not (is_asked and form.is_valid()):
        context = {"seat": seat, "owned": owned, "form": form}
        return render(request, "touchpoints/member_leave.html", context, status=422 if is_asked else 200)
    try:
        with transaction.atomic():
            to = form.cleaned_data["to"] if owned else None
            act = leave_with(seat, to=to, by=request.member, now=timezone.now())
    except LastManager:
        messages.error(request, _("The practice needs a manager: make somebody else one first."))
        return redirect("members")
    text = _("%(name)s has left. What they did stays.") % {"name": seat.name}
    return done(request, text, "members", undo=undo_url(act))
