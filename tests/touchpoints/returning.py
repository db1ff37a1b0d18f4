"""What the tests of return referrals share: their pages, and the row after the patient chose."""

from django.urls import reverse

from practices.isolation import practice_scope
from practices.models import PatientAccess
from touchpoints import return_referral_way as way

REASON = "Palpitations at rest, normal echo in May.\n\nPlease advise on ablation."


def url(desk, part="", **query):
    return reverse(f"return_referral{part}", args=[desk.row.pk], query=query)


def chosen(desk, **changes):
    """The desk's row, after the patient chose Okafor."""
    said = {
        "provider": desk.provider,
        "office": desk.office,
        "clinical_reason": REASON,
        "is_patients_choice": True,
        "offered": [desk.provider.pk],
        "known": None,
    }
    with practice_scope(desk.practice):
        return way.choose(desk.row, **{**said, **changes})


def accesses(desk):
    with practice_scope(desk.practice):
        return [(row.act, row.page, row.return_referral_ids) for row in PatientAccess.objects.order_by("pk")]


def text(response):
    return " ".join(response.content.decode().split())
