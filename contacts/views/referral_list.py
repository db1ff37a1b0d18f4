"""The list of referrals: its filters stand in the address, names only when somebody asked for them."""

from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from contacts.forms.referrals import FilterForm
from contacts.models import Office, Provider, Referral
from contacts.models.referrals import ReferralQuerySet, Status
from contacts.referral_rows import referral_rows
from contacts.search import nearest
from practices.models import Member, PatientAccess
from practices.pages import KeyPage, count_up_to, key_page, moment_of, page
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import MOVES_REFERRALS, SEES_PATIENTS, member_required

BARELY_WORSE = 0.1  # word distance from the best match within which others may be meant too


@require_GET
@member_required
def referrals(request: PracticeRequest) -> HttpResponse:
    """The newest first, or by when they are due where only what is overdue is shown."""
    now = timezone.now()
    filters = FilterForm(request.GET)
    chosen = filters.chosen()
    rows = filtered(visible_rows(request.member, now), chosen, now)
    is_by_due = chosen.get("status") == "overdue"
    listed = paged(request, rows, is_by_due=is_by_due)
    may_see = request.member.role in SEES_PATIENTS
    names_shown = may_see and request.GET.get("names") == "shown"
    if names_shown:
        _record_names(request.member, listed)
    context = {
        "filters": filters,
        "is_filtered": bool(chosen.keys() - {"status", "awaiting"}),
        "views": views_of(request),
        "count": count_up_to(rows),
        "is_by_due": is_by_due,
        "page": listed,
        "rows": referral_rows(listed.rows, member=request.member, now=now, names_shown=names_shown),
        "names_shown": names_shown,
        "names_url": _names_url(request, names_shown) if may_see and listed.rows else "",
        "asks_who_sent": chosen.get("awaiting") == "provider" and request.member.role in MOVES_REFERRALS,
        "asks_patient": chosen.get("awaiting") == "patient" and may_see,
        "now": now,
    }
    return page(request, "contacts/referrals.html", context)


def visible_rows(member: Member, now: datetime) -> ReferralQuerySet:
    """What this member may see, with what a row shows."""
    rows = Referral.objects.visible_to(member, day=member.practice.today(now)).with_what_a_row_shows()
    return rows if member.role in SEES_PATIENTS else rows.without_patient()


def filtered(rows: ReferralQuerySet, chosen: dict[str, Any], now: datetime) -> ReferralQuerySet:
    """The rows that the filter form asks for."""
    status, awaiting = chosen.get("status"), chosen.get("awaiting")
    rows = rows.filter(withdrawn_at__isnull=False) if status == "withdrawn" else rows.standing()
    if status in Status.values:
        rows = rows.filter(status=status)
    elif status == "open":
        rows = rows.open()
    elif status == "overdue":
        rows = rows.overdue(now)
    elif status == "was_seen":
        rows = rows.seen()
    if awaiting:
        rows = getattr(rows, f"awaiting_{awaiting}")()
    for name in ("physician", "channel", "urgency", "provider", "office"):
        if name in chosen:
            rows = rows.filter(**{name: chosen[name]})
    if "location" in chosen:
        is_none = chosen["location"] == FilterForm.NO_LOCATION
        rows = rows.filter(location=None if is_none else chosen["location"])
    if "territory" in chosen:
        rows = rows.filter(provider__in=Provider.objects.in_territory_of(chosen["territory"]))
    if "received_from" in chosen:
        rows = rows.filter(received_on__gte=chosen["received_from"])
    if "received_until" in chosen:
        rows = rows.filter(received_on__lte=chosen["received_until"])
    return rows.filter(_sent_by(chosen["q"])) if "q" in chosen else rows


def _sent_by(text: str) -> Q:
    providers, offices = (
        _meant(nearest(rows, text, limit=20))
        for rows in (Provider.objects.current(), Office.objects.current())
    )
    return Q(provider__in=providers) | Q(office__in=offices)


def _meant(near: list[Any]) -> list[Any]:
    return [row for row in near if row.distance <= near[0].distance + BARELY_WORSE]


def paged(request: PracticeRequest, rows: ReferralQuerySet, *, is_by_due: bool) -> KeyPage:
    """A page by key: newest received first, or what has been due longest."""
    if is_by_due:
        return key_page(
            request,
            rows.order_by("next_action_due_at", "pk"),
            key=lambda row: (row.next_action_due_at.isoformat(), row.pk),
            after=lambda rows, key: _after_due(rows, moment_of(key[0]), int(key[1])),
        )
    return key_page(
        request,
        rows.order_by("-received_on", "-pk"),
        key=lambda row: (row.received_on, row.pk),
        after=lambda rows, key: _after_received(rows, date.fromisoformat(key[0]), int(key[1])),
    )


def _after_received(rows: QuerySet, day: date, pk: int) -> QuerySet:
    return rows.filter(received_on__lte=day).exclude(received_on=day, pk__gte=pk)


def _after_due(rows: QuerySet, due_at: datetime, pk: int) -> QuerySet:
    return rows.filter(next_action_due_at__gte=due_at).exclude(next_action_due_at=due_at, pk__lte=pk)


def views_of(request: PracticeRequest) -> list[dict[str, Any]]:
    """The questions asked of the list every day, as links."""
    asked = [
        (_("All"), ""),
        (_("Open"), "status=open"),
        (_("Overdue"), "status=overdue"),
        (_("Report-back due"), "awaiting=report_back"),
        (_("Who sent this?"), "awaiting=provider"),
        (_("Patient to complete"), "awaiting=patient"),
    ]
    if request.member.role not in SEES_PATIENTS:
        asked = asked[:2]
    wanted = "&".join(
        f"{name}={request.GET[name]}" for name in ("status", "awaiting") if request.GET.get(name)
    )
    return [
        {
            "label": label,
            "url": reverse("referrals") + (f"?{query}" if query else ""),
            "is_current": query == wanted,
        }
        for label, query in asked
    ]


def _record_names(member: Member, listed: KeyPage) -> None:
    act = PatientAccess.Act.REVEALED
    record_access(member, act=act, page="referrals", referral_ids=[row.pk for row in listed.rows])


def _names_url(request: PracticeRequest, names_shown: bool) -> str:
    query = request.GET.copy()
    query.pop("names", None)
    if not names_shown:
        query["names"] = "shown"
    return f"?{query.urlencode()}"
