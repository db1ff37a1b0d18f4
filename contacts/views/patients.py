"""Finding a patient who phones."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from contacts.forms.referrals import PatientFindForm, indexes_of
from contacts.models import Referral
from contacts.referral_rows import ReferralRow, referral_rows
from contacts.views.referral_list import visible_rows
from practices.models import PatientAccess
from practices.pages import page
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import SEES_PATIENTS, role_required

MOST = 50


@require_http_methods(["GET", "POST"])
@role_required(*SEES_PATIENTS)
def patient_find(request: PracticeRequest) -> HttpResponse:
    """By name and birth date, name and first letter, or chart number; posted, so that no address holds a name."""
    form = PatientFindForm(request.POST or None)
    context = {"form": form, "rows": found(request, form) if form.is_valid() else None}
    return page(request, "contacts/patient_find.html", context)


def found(request: PracticeRequest, form: PatientFindForm) -> list[ReferralRow]:
    """The referrals of that patient which this member may see; the search is written down."""
    now = timezone.now()
    indexes = indexes_of(form.cleaned_data, practice_id=request.member.practice_id)
    rows: list[Referral] = list(
        visible_rows(request.member, now)
        .standing()
        .of_patient(indexes)
        .order_by("-received_on", "-pk")[:MOST]
    )
    act = PatientAccess.Act.SEARCHED
    record_access(request.member, act=act, page="patient_find", referral_ids=[row.pk for row in rows])
    return referral_rows(rows, member=request.member, now=now, names_shown=True)
