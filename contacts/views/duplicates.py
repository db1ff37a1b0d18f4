"""Likely doubles, merging two into one, and taking a merge apart. For managers."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts import undoing
from contacts.duplicates import Double, office_doubles, provider_doubles, say_not_a_double, told_apart_by
from contacts.forms.merging import MergeForm
from contacts.merging import (
    CannotMerge,
    CannotUndo,
    merge_offices,
    merge_providers,
    undo_merge,
    what_points_at,
    what_stays,
    why_not_undone,
)
from contacts.models import Merge, Office, Provider
from practices.pages import as_id, done, page
from practices.requests import PracticeRequest
from practices.roles import MERGES, role_required
from practices.undo import settle, undo_url

MERGES_SHOWN = 20
NOT_COUNTED = {"contacts.provider", "contacts.office"}  # those merged into it earlier
FORM_METHODS = require_http_methods(["GET", "POST"])


@require_safe
@role_required(*MERGES)
def duplicates(request: PracticeRequest) -> HttpResponse:
    """Likely doubles of providers or offices, and what was merged lately."""
    is_offices = request.GET.get("kind") == "offices"
    below = request.GET.get("below", "")
    find = office_doubles if is_offices else provider_doubles
    doubles = find(below=as_id(below))
    context = {
        "is_offices": is_offices,
        "rows": _rows(doubles.found),
        "go_on_below": doubles.go_on_below,
        "merges": _merges(),
    }
    return page(request, "contacts/duplicates.html", context)


@FORM_METHODS
@role_required(*MERGES)
def provider_merge(request: PracticeRequest, provider_id: int, other_id: int) -> HttpResponse:
    """Merge the other provider into this one."""
    return _merge(request, Provider, provider_id, other_id)


@FORM_METHODS
@role_required(*MERGES)
def office_merge(request: PracticeRequest, office_id: int, other_id: int) -> HttpResponse:
    """Merge the other office into this one."""
    return _merge(request, Office, office_id, other_id)


@require_POST
@role_required(*MERGES)
def provider_not_a_double(request: PracticeRequest, provider_id: int, other_id: int) -> HttpResponse:
    """Remember that these are two providers."""
    return _not_a_double(request, Provider, provider_id, other_id)


@require_POST
@role_required(*MERGES)
def office_not_a_double(request: PracticeRequest, office_id: int, other_id: int) -> HttpResponse:
    """Remember that these are two offices."""
    return _not_a_double(request, Office, office_id, other_id)


@require_POST
@role_required(*MERGES)
def merge_undo(request: PracticeRequest, merge_id: int) -> HttpResponse:
    """Take a merge apart again."""
    merge = get_object_or_404(Merge, pk=merge_id)
    try:
        left = undo_merge(merge, by=request.member, now=timezone.now())
    except CannotUndo as refusal:
        messages.error(request, str(refusal))
        return redirect("duplicates")
    settle(undoing.MERGED, about=merge.pk, by=request.member, now=timezone.now())
    return done(request, _undone(merge, left), _kind(merge.dropped), merge.dropped.pk)


def _merge(
    request: PracticeRequest, model: type[Provider | Office], keep_id: int, drop_id: int
) -> HttpResponse:
    keep, drop = _pair(model, keep_id, drop_id)
    if drop.merged_into_id == keep.pk:  # a second click
        return redirect(_kind(keep), keep.pk)
    if keep.merged_into_id or drop.merged_into_id:
        raise Http404
    form = MergeForm(request.POST if request.method == "POST" else None, keep=keep, drop=drop)
    if form.is_valid():
        try:
            return _merged(request, keep, drop, form.values())
        except CannotMerge as refusal:
            form.add_error(None, str(refusal))
    return page(request, "contacts/merge.html", _merge_context(form))


def _merged(
    request: PracticeRequest, keep: Provider | Office, drop: Provider | Office, values: dict[str, Any]
) -> HttpResponse:
    merge_rows: Any = merge_providers if isinstance(keep, Provider) else merge_offices
    name = _apart(drop, keep)  # while it still has its places
    now = timezone.now()
    merge = merge_rows(keep=keep, drop=drop, by=request.member, now=now, values=values)
    undoing.remember_merge(merge, by=request.member, now=now)
    text = _("What belonged to %(dropped)s stands here now.") % {"dropped": name}
    messages.success(request, text, extra_tags=reverse("merge_undo", args=[merge.pk]))
    return redirect(_kind(keep), keep.pk)


def _apart(row: Provider | Office, other: Provider | Office, *, place: str | None = None) -> str:
    """The row's name, with what tells it apart from another of the same name."""
    if str(row) != str(other):
        return str(row)
    npi = getattr(row, "npi", None)
    where = told_apart_by(row) if place is None else place
    known = [where, _("NPI %(npi)s") % {"npi": npi} if npi else ""]
    said = ", ".join(filter(None, known))
    return f"{row} ({said})" if said else str(row)


def _merge_context(form: MergeForm) -> dict[str, Any]:
    keep, drop = form.keep, form.drop
    kind = _kind(keep)
    return {
        "form": form,
        "keep": keep,
        "drop": drop,
        "keep_name": _apart(keep, drop),
        "drop_name": _apart(drop, keep),
        "keep_place": told_apart_by(keep),
        "drop_place": told_apart_by(drop),
        "compared": form.compared(),
        "moves": [
            _counted(label, count)
            for label, count in what_points_at(drop).items()
            if label not in NOT_COUNTED
        ],
        "staying": len(what_stays(keep=keep, drop=drop)),
        "has_two_npis": bool(getattr(keep, "npi", None) and getattr(drop, "npi", None)),
        "swap_url": reverse(f"{kind}_merge", args=[drop.pk, keep.pk]),
        "not_url": reverse(f"{kind}_not_a_double", args=[keep.pk, drop.pk]),
        "keep_url": reverse(kind, args=[keep.pk]),
        "drop_url": reverse(kind, args=[drop.pk]),
    }


def _not_a_double(
    request: PracticeRequest, model: type[Provider | Office], first_id: int, second_id: int
) -> HttpResponse:
    first, second = _pair(model, first_id, second_id)
    now, undo = timezone.now(), ""
    if pair := say_not_a_double(first, second, by=request.member, now=now):
        said = _("%(first)s and %(second)s told apart") % {"first": first, "second": second}
        undo = undo_url(undoing.remember_told_apart(pair, said=said, by=request.member, now=now))
    where = reverse("duplicates") + ("?kind=offices" if model is Office else "")
    text = _("Remembered: these are two. They will not be listed again.")
    return done(request, text, where, undo=undo)


def _pair(model: type[Provider | Office], first_id: int, second_id: int) -> tuple[Any, Any]:
    if first_id == second_id:
        raise Http404
    return get_object_or_404(model, pk=first_id), get_object_or_404(model, pk=second_id)


def _rows(doubles: list[Double]) -> list[dict[str, Any]]:
    return [
        {
            "first": one.first,
            "second": one.second,
            "places": one.places,
            "reasons": one.reasons,
            "merge_url": reverse(f"{_kind(one.first)}_merge", args=[one.first.pk, one.second.pk]),
            "not_url": reverse(f"{_kind(one.first)}_not_a_double", args=[one.first.pk, one.second.pk]),
        }
        for one in doubles
    ]


def _merges() -> list[dict[str, Any]]:
    """What was merged lately, and whether it can be taken apart."""
    now = timezone.now()
    rows = Merge.objects.standing().filter(merged_at__gt=now - Merge.UNDO_FOR).defer("steps")
    people = ("kept_provider", "dropped_provider", "kept_office", "dropped_office", "merged_by__user")
    return [
        {
            "merge": merge,
            "kept": _apart(merge.kept, merge.dropped, place=_city(merge.kept)),
            "dropped": _apart(merge.dropped, merge.kept, place=_city(merge.dropped)),
            "why_not": why_not_undone(merge, now=now),
        }
        for merge in rows.select_related(*people)[:MERGES_SHOWN]
    ]


def _city(row: Provider | Office) -> str:
    """Where an office stands; a provider's places have moved with the merge."""
    return told_apart_by(row) if isinstance(row, Office) else ""


def _kind(row: Provider | Office) -> str:
    return "provider" if isinstance(row, Provider) else "office"


def _counted(label: str, n: int) -> str:
    words = {
        "contacts.referral": ngettext("%(n)d referral", "%(n)d referrals", n),
        "contacts.provideroffice": ngettext("%(n)d place of work", "%(n)d places of work", n),
        "contacts.officecontact": ngettext("%(n)d person at the office", "%(n)d people at the office", n),
        "touchpoints.touchpoint": ngettext("%(n)d touchpoint", "%(n)d touchpoints", n),
        "touchpoints.thankyou": ngettext("%(n)d row of a thank-you list", "%(n)d rows of thank-you lists", n),
        "touchpoints.reminder": ngettext("%(n)d reminder", "%(n)d reminders", n),
    }
    other = ngettext("%(n)d other entry", "%(n)d other entries", n)
    return words.get(label, other) % {"n": n}


def _undone(merge: Merge, left: int) -> str:
    text = _("%(dropped)s and %(kept)s are two again.") % {"dropped": merge.dropped, "kept": merge.kept}
    if not left:
        return text
    stayed = ngettext(
        "One thing that was changed since stayed as it is.",
        "%(n)d things that were changed since stayed as they are.",
        left,
    )
    return f"{text} {stayed % {'n': left}}"
