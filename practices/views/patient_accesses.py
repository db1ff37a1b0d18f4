"""Who was shown which patients."""

from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from practices.models import Member, PatientAccess, Practice
from practices.pages import key_page, moment_of, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.settings_forms import AccessFilterForm


@require_safe
@role_required(*ADMINISTERS)
def patient_accesses(request: PracticeRequest) -> HttpResponse:
    """The log of access to patient data, newest first."""
    filters = AccessFilterForm(request.GET)
    rows: QuerySet = PatientAccess.objects.select_related("member__user", "covering_for__user")
    if filters.is_valid():
        rows = _filtered(rows, request.member.practice, **filters.cleaned_data)
    found = key_page(request, rows, key=lambda row: (row.at.isoformat(), row.pk), after=_after)
    return page(request, "practices/patient_accesses.html", {"page": found, "filters": filters})


def _filtered(
    rows: QuerySet, practice: Practice, *, member: Member | None, act: str, day: date | None
) -> QuerySet:
    if member:
        rows = rows.filter(member=member)
    if act:
        rows = rows.filter(act=act)
    if day:
        midnight = datetime.combine(day, time(), practice.zone)
        rows = rows.filter(at__gte=midnight, at__lt=midnight + timedelta(days=1))
    return rows


def _after(rows: QuerySet, key: list[str]) -> QuerySet:
    at, pk = moment_of(key[0]), int(key[1])
    return rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=pk))
