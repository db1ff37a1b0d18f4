"""What was done in the last thirty days and can be taken back."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from practices.pages import back_to, key_page, moment_of, page
from practices.requests import PracticeRequest
from practices.roles import member_required
from practices.undo import CannotUndo, acts_shown_to, may_undo, take_back


@require_safe
@member_required
def undo_page(request: PracticeRequest) -> HttpResponse:
    """The newest first; a manager's page holds everybody's."""
    found = key_page(
        request,
        acts_shown_to(request.member, now=timezone.now())
        .defer("data")
        .select_related("done_by__user", "undone_by__user"),
        key=lambda act: (act.done_at.isoformat(), act.pk),
        after=lambda rows, key: rows.filter(
            Q(done_at__lt=moment_of(key[0])) | Q(done_at=moment_of(key[0]), pk__lt=int(key[1]))
        ),
    )
    rows = [(act, act.undone_at is None and may_undo(act, request.member)) for act in found.rows]
    return page(request, "practices/undo.html", {"page": found, "rows": rows})


@require_POST
@member_required
def undo_act(request: PracticeRequest, act_id: int) -> HttpResponse:
    """Take it back, or say why that is not possible."""
    now = timezone.now()
    act = get_object_or_404(acts_shown_to(request.member, now=now), pk=act_id)
    try:
        more = take_back(act, by=request.member, now=now)
    except CannotUndo as refusal:
        messages.error(request, str(refusal))
    else:
        text = _("Taken back: %(said)s.") % {"said": act.said.removesuffix(".")}
        messages.success(request, f"{text} {more}".strip())
    return redirect(back_to(request, reverse("undo")))
