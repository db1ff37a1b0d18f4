"""Finding a patient who phones."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from contacts.forms.referrals import PatientFindForm, search_of
from contacts.models import Referral
from contacts.referral_rows import referral_rows
from contacts.views.referral_list import visible_rows
from practices.models import PatientAccess
from practices.pages import page
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import SEES_PATIENTS, role_required
from touchpoints.models import ReturnReferral
from touchpoints.return_referral_pages import SHOWN_WITH, list_rows

MOST = 50


@require_http_methods(["GET", "POST"])
@role_required(*SEES_PATIENTS)
def patient_find(request: PracticeRequest) -> HttpResponse:
    """By name and birth date, name and first letter, or chart number; posted, so that no address holds a name."""
    form = PatientFindForm(request.POST or None)
    context = found(request, form) if form.is_valid() else {"rows": None}
    return page(request, "touchpoints/patient_find.html", {"form": form, **context})


def found(request: PracticeRequest, form: PatientFindForm) -> dict[str, Any]:
    """That patient's referrals, to us and on to others, which this member may see; the search is written down."""
    now, member = timezone.now(), request.member
    search = search_of(form.cleaned_data, practice_id=member.practice_id)
    came: list[Referral] = list(
        visible_rows(member, now).standing().of_patient(search).order_by("-received_on", "-pk")[:MOST]
    )
    theirs = ReturnReferral.objects.visible_to(member).of_patient(search).select_related(*SHOWN_WITH)
    sent = list(theirs.order_by("-suggested_at", "-pk")[:MOST])
    record_access(
        member,
        act=PatientAccess.Act.SEARCHED,
        page="patient_find",
        referral_ids=[row.pk for row in came],
        return_referral_ids=[row.pk for row in sent],
    )
    return {
        "rows": referral_rows(came, member=member, now=now, names_shown=True),
        "sent_rows": list_rows(sent, names=True),
    }
