"""Who sits in the practice, and who is invited."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from practices.invitations import invite, send_again, withdraw
from practices.members import LastManager, change_seat, come_back
from practices.models import Invitation, Member, Practice
from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.second_factors import user_has_second_factor
from practices.settings_forms import InvitationForm, MemberForm
from practices.shared_rows import for_change
from practices.undo import settle


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def members(request: PracticeRequest) -> HttpResponse:
    """Everybody with a seat, open invitations, and a form for the next."""
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        link = invite(form.save(commit=False), by=request.member, now=timezone.now())
        return _show_link(request, form.instance, link)
    return page(request, "practices/members.html", {"form": form, **_seats()})


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def member_edit(request: PracticeRequest, member_id: int) -> HttpResponse:
    """A member's role and credentials."""
    seat = get_object_or_404(_seats_for_change(request), pk=member_id)
    form = MemberForm(request.POST or None, seat=seat)
    if form.is_valid():
        try:
            change_seat(seat, **form.cleaned_data)
        except LastManager:
            form.add_error("role", _("The practice needs a manager: make somebody else one first."))
        else:
            return done(request, form.saved(_("%(name)s saved.") % {"name": seat.name}), "members")
    return page(request, "practices/member_form.html", {"form": form, "seat": seat, **_sign_in_of(seat)})


@require_POST
@role_required(*ADMINISTERS)
def member_return(request: PracticeRequest, member_id: int) -> HttpResponse:
    """Open the seat of somebody who had left."""
    seat = get_object_or_404(Member.objects.select_related("user"), pk=member_id)
    come_back(seat)
    settle("member_left", about=seat.pk, by=request.member, now=timezone.now())
    return done(request, _("%(name)s may sign in again.") % {"name": seat.name}, "members")


@require_POST
@role_required(*ADMINISTERS)
def invitation_send_again(request: PracticeRequest, invitation_id: int) -> HttpResponse:
    """A fresh link; the earlier one is void."""
    invitation = get_object_or_404(Invitation.objects.open(), pk=invitation_id)
    return _show_link(request, invitation, send_again(invitation, now=timezone.now()))


@require_POST
@role_required(*ADMINISTERS)
def invitation_withdraw(request: PracticeRequest, invitation_id: int) -> HttpResponse:
    """Void the link."""
    invitation = get_object_or_404(Invitation.objects.open(), pk=invitation_id)
    withdraw(invitation, now=timezone.now())
    return done(request, _("The invitation of %(name)s is void.") % {"name": invitation.name}, "members")


def _show_link(request: PracticeRequest, invitation: Invitation, link: str) -> HttpResponse:
    """The one time that the link can be read: to hand over where no mail server is set up."""
    # Answered without a redirect: the session's store would keep the link in clear.
    response = page(request, "practices/invitation_link.html", {"invitation": invitation, "link": link})
    response["Cache-Control"] = "no-store"
    return response


def _sign_in_of(seat: Member) -> dict[str, Any]:
    live = seat.user.sessions.filter(expire_date__gt=timezone.now())
    return {"session_count": live.count(), "has_second_factor": user_has_second_factor(seat.user)}


def _seats_for_change(request: PracticeRequest) -> QuerySet[Member]:
    """The practice first, as in `change_seat`, so that neither of two managers waits for the other."""
    if request.method == "POST":
        Practice.objects.select_for_update().get(pk=request.member.practice_id)
    return for_change(request, Member.objects.select_related("user"))


def _seats() -> dict[str, Any]:
    seats = list(Member.objects.select_related("user").order_by("user__name"))
    return {
        "seats": [seat for seat in seats if seat.left_at is None],
        "left": [seat for seat in seats if seat.left_at],
        "invitations": list(Invitation.objects.open()),
    }
