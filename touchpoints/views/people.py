"""The page of a referring provider, and of an office: where things stand, and the whole story."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from contacts.models import Office, Provider
from practices.models import PatientAccess
from practices.pages import query_with
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import SEES_ALL_PATIENTS, Role, member_required
from touchpoints.feedback_pages import feedback_line
from touchpoints.people_pages import office_page, provider_page, with_brief, with_standing
from touchpoints.timeline import FILTERS, Entry, Story, folded, timeline

ENTRIES = 25


@require_safe
@member_required
def provider(request: PracticeRequest, provider_id: int) -> HttpResponse:
    """One provider; a merged one leads to the provider it was merged into."""
    today = request.member.practice.today(timezone.now())
    found = get_object_or_404(with_standing(Provider.objects.all(), today=today), pk=provider_id)
    if found.merged_into_id:
        return redirect("provider", found.merged_into_id)
    context = {
        "shown": provider_page(found, today=today),
        "opens": _opens(request.member.role),
        "feedback": feedback_line(found, request.member),
        **_timeline(request, found, today),
    }
    return render(request, _template(request, "touchpoints/provider.html"), context)


@require_safe
@member_required
def office(request: PracticeRequest, office_id: int) -> HttpResponse:
    """One office; a merged one leads to the office it was merged into."""
    today = request.member.practice.today(timezone.now())
    found = get_object_or_404(with_brief(Office.objects.all(), today=today), pk=office_id)
    if found.merged_into_id:
        return redirect("office", found.merged_into_id)
    context = {
        "shown": office_page(found, today=today),
        "feedback": feedback_line(found, request.member),
        **_timeline(request, found, today),
    }
    return render(request, _template(request, "touchpoints/office.html"), context)


def _opens(role: str) -> dict[str, bool]:
    """Whether the lists behind the counts either way hold, for this role, every row counted."""
    return {"from_them": role != Role.PHYSICIAN, "to_them": role in SEES_ALL_PATIENTS}


def _template(request: PracticeRequest, page: str) -> str:
    return "touchpoints/_timeline.html" if request.htmx else page


def _timeline(request: PracticeRequest, of: Provider | Office, today: date) -> dict[str, Any]:
    """The part of the story that was asked for, and the ways to the rest of it."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in FILTERS else ""
    story = Story(of, request.member, today, names=request.GET.get("names") == "shown")
    after = _key(request.GET.get("after", ""))
    entries = timeline(story, kind=kind, after=after, limit=ENTRIES + 1)
    shown, has_more = entries[:ENTRIES], len(entries) > ENTRIES
    if story.names:
        _record_names(request, shown, page=of._meta.model_name or "")
    filters = [("", "", not kind)] + [(name, label, name == kind) for name, label in FILTERS.items()]
    return {
        "entries": shown if kind == "referrals" else folded(shown),
        "filters": [
            {
                "label": label,
                "url": query_with(request, kind=name or None, after=None),
                "is_current": is_current,
            }
            for name, label, is_current in filters
        ],
        "page": {
            "newer_url": query_with(request, after=None) if after else "",
            "older_url": query_with(request, after="~".join(map(str, shown[-1].key))) if has_more else "",
        },
        "names_url": query_with(request, names="shown") if story.sees_patients and not story.names else "",
    }


def _key(text: str) -> tuple[date, int, int] | None:
    """The place in the story that an address names; a malformed one starts over."""
    try:
        day, rank, entry_id = text.split("~")
        return date.fromisoformat(day), int(rank[:4]), int(entry_id[:18])
    except ValueError:
        return None


def _record_names(request: PracticeRequest, entries: list[Entry], *, page: str) -> None:
    record_access(
        request.member,
        act=PatientAccess.Act.REVEALED,
        page=page,
        referral_ids=[entry.referral_id for entry in entries if entry.referral_id],
    )
