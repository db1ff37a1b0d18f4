"""Who stands in for whom."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from practices.covers import end_cover
from practices.models import Cover, Member
from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import GIVES_COVER, role_required
from practices.settings_forms import CoverForm
from practices.undo import undo_url


@require_http_methods(["GET", "POST"])
@role_required(*GIVES_COVER)
def covers(request: PracticeRequest) -> HttpResponse:
    """Covers of today and later, and a form for the next; a physician's own."""
    today = request.member.practice.today(timezone.now())
    form = CoverForm(request.POST or None, by=request.member, today=today)
    if form.is_valid():
        cover = form.save()
        names = {"name": cover.covered_by.name, "colleague": cover.physician.name}
        return done(request, _("%(name)s covers for %(colleague)s.") % names, "covers")
    rows = _covers_of(request.member).filter(ends_on__gte=today).order_by("starts_on", "id")
    return page(request, "practices/covers.html", {"form": form, "covers": rows, "today": today})


@require_POST
@role_required(*GIVES_COVER)
def cover_end(request: PracticeRequest, cover_id: int) -> HttpResponse:
    """Take back what is left of a cover."""
    cover = get_object_or_404(_covers_of(request.member), pk=cover_id)
    now, member = timezone.now(), request.member
    act = end_cover(cover, today=member.practice.today(now), by=member, now=now)
    return done(request, _("The cover has ended."), "covers", undo=undo_url(act))


def _covers_of(member: Member) -> QuerySet[Cover]:
    """A physician's own days away; a manager's: everybody's."""
    rows = Cover.objects.select_related("physician__user", "covered_by__user")
    return rows.filter(physician=member) if member.is_physician else rows
