"""The thank-you pages: the list of the week, and the weeks before."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from practices.models import PatientAccess
from practices.pages import as_id
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import SEES_ALL_PATIENTS, member_required
from practices.weeks import Week
from touchpoints.thank_you_pages import WeekPage, week_page


@require_safe
@member_required
def thank_you(request: PracticeRequest) -> HttpResponse:
    """The list of the last week that has ended, and what was handed over."""
    return _week(request, Week.of(request.member.practice.today(timezone.now())).previous())


@require_safe
@member_required
def thank_you_week(request: PracticeRequest, week: Week) -> HttpResponse:
    """The list of one week; the current one as it gathers, read-only."""
    if week > Week.of(request.member.practice.today(timezone.now())):
        raise Http404
    return _week(request, week)


def _week(request: PracticeRequest, week: Week) -> HttpResponse:
    wanted = request.GET.get("physician", "")
    shown = week_page(
        request.member,
        week,
        now=timezone.now(),
        physician_id=as_id(wanted),
        row_id=as_id(request.GET.get("row", "")),
        names=request.GET.get("names") == "shown" and request.member.role in SEES_ALL_PATIENTS,
    )
    _record_names(request, shown)
    return render(request, "touchpoints/thank_you.html", {"shown": shown})


def _record_names(request: PracticeRequest, shown: WeekPage) -> None:
    named = [line for line in shown.lines if line.sees_patients and line.shows_names]
    record_access(
        request.member,
        act=PatientAccess.Act.REVEALED if shown.shows_names else PatientAccess.Act.VIEWED,
        page="thank_you",
        referral_ids=[referral_id for line in named for referral_id in line.shown_ids],
    )
