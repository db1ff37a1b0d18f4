"""The reminders: one's own; the manager's page holds everybody's."""

from django.contrib import messages
from django.db.models import Q
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.models import Member
from practices.requests import PracticeRequest
from practices.roles import member_required
from touchpoints.forms import DismissForm, SnoozeForm
from touchpoints.models import Reminder
from touchpoints.reminder_pages import in_parts, lines_of, visible_to
from touchpoints.reminders import close, dismiss, reopen, snooze

SHOWN = 200


@require_safe
@member_required
def reminders(request: PracticeRequest) -> HttpResponse:
    """What is overdue, due today, coming, put off."""
    member, wanted = request.member, request.GET.get("member", "")
    rows = visible_to(member).open()
    if member.is_manager and wanted.isdecimal():
        rows = rows.filter(member=int(wanted))
    found = list(rows[: SHOWN + 1])
    today = member.practice.today(timezone.now())
    owners = Member.objects.filter(Q(left_at=None) | Q(pk__in=Reminder.objects.open().values("member")))
    everybody = owners.select_related("user").order_by("user__name")
    context = {
        "parts": in_parts(lines_of(found[:SHOWN], member, today=today)),
        "has_more": len(found) > SHOWN,
        "members": everybody if member.is_manager else [],
        "whose": wanted,
    }
    return render(request, "touchpoints/reminders.html", context)


@require_POST
@member_required
def reminder_done(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """It is done."""
    reminder = close(_reminder(request, reminder_id), by=request.member, now=timezone.now())
    return _after(request, reminder, _("Done."))


@require_http_methods(["GET", "POST"])
@member_required
def reminder_snooze(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """Ask again tomorrow, next week, or on a day."""
    reminder, now = _reminder(request, reminder_id), timezone.now()
    form = SnoozeForm(_posted(request), today=request.member.practice.today(now))
    if not form.is_valid():
        return _shown(request, reminder, form)
    return _after(request, snooze(reminder, until=form.until, now=now), _("Put off."))


@require_http_methods(["GET", "POST"])
@member_required
def reminder_dismiss(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """It need not be done, for a reason."""
    reminder = _reminder(request, reminder_id)
    form = DismissForm(_posted(request))
    if not form.is_valid():
        return _shown(request, reminder, form)
    dismissed = dismiss(reminder, by=request.member, now=timezone.now(), reason=form.cleaned_data["reason"])
    return _after(request, dismissed, _("Dismissed."))


@require_http_methods(["GET", "POST"])
@member_required
def reminder(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """One reminder as it stands; a post says that closing it was a mistake."""
    found = _reminder(request, reminder_id)
    if request.method == "POST":
        return _after(request, reopen(found), _("It is due again."))
    return _shown(request, found)


def _reminder(request: PracticeRequest, reminder_id: int) -> Reminder:
    return get_object_or_404(visible_to(request.member), pk=reminder_id)


def _posted(request: PracticeRequest) -> dict | None:
    return request.POST if request.method == "POST" else None


def _after(request: PracticeRequest, reminder: Reminder, said: str) -> HttpResponse:
    """The row as it stands, in place; without scripting the page, with a way to undo."""
    if request.htmx:
        return _shown(request, _reminder(request, reminder.pk))
    is_closed = reminder.state != Reminder.State.OPEN
    messages.success(request, said, extra_tags=reverse("reminder", args=[reminder.pk]) if is_closed else "")
    return redirect("reminders")


def _shown(request: PracticeRequest, reminder: Reminder, form: Form | None = None) -> HttpResponse:
    today = request.member.practice.today(timezone.now())
    context = {
        "line": lines_of([reminder], request.member, today=today)[0],
        "form": form,
        "form_url": request.path,
    }
    template = "touchpoints/_reminder_row.html" if request.htmx else "touchpoints/reminder.html"
    return render(request, template, context, status=422 if form is not None and form.is_bound else 200)
