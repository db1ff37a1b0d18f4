"""Logging a referral in ten seconds, and the type-ahead lists it asks."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from contacts.forms.referrals import QuickLogForm
from contacts.models import Office, Provider, Referral
from contacts.models.referrals import Channel
from contacts.referral_rows import referral_rows, sender_of
from contacts.referral_way import log_referral
from contacts.senders import are_faint, name_parts, offices_like, providers_at, providers_like
from practices.drafts import draft_of, drop_draft, keeps_draft
from practices.models import Location, Member
from practices.pages import as_id, done, page
from practices.requests import PracticeRequest
from practices.roles import SEES_PATIENTS, member_required

DRAFT = "referral"
NOT_KEPT = ("confirmed", "provider_choice", "office_choice")
HABITS = 200  # as many newest referrals are looked through for what this member chose last


@require_http_methods(["GET", "POST"])
@keeps_draft(DRAFT)
@member_required
def referral_new(request: PracticeRequest) -> HttpResponse:
    """Log a referral, and perhaps the next."""
    now = timezone.now()
    kept = None if request.method == "POST" else kept_draft(request.member)
    initial = {**defaults(request, now), **(kept or {})}
    form = QuickLogForm(request.POST or None, member=request.member, now=now, initial=initial)
    if form.is_valid() and (referral := save_or_ask_again(form, by=request.member, now=now)):
        message = _("Logged %(reference)s from %(sender)s.") % {
            "reference": referral.reference,
            "sender": sender_of(referral),
        }
        return done(
            request, message, *(["referral_new"] if "next" in request.POST else ["referral", referral.pk])
        )
    duplicates = referral_rows(form.duplicates, member=request.member, now=now)
    context = {
        "form": form,
        "is_restored": kept is not None,
        "duplicates": duplicates,
        "may_see": may_see(request),
    }
    return page(request, "contacts/referral_new.html", context)


def may_see(request: PracticeRequest) -> bool:
    """Whether this member may be shown patients."""
    return request.member.role in SEES_PATIENTS


def save_or_ask_again(form: QuickLogForm, *, by: Member, now: Any) -> Referral | None:
    """Write it, or None when somebody wrote the same number or NPI meanwhile: the form then says so."""
    try:
        return save(form, by=by, now=now)
    except IntegrityError:
        form.full_clean()
        if form.is_valid():
            raise
        return None


@transaction.atomic
def save(form: QuickLogForm, *, by: Member, now: Any) -> Referral:
    """Write what the valid form says; the second of a double submit finds the first one's referral."""
    values = form.values()
    # One member's forms are saved one after the other: a second click waits, and then finds the first one's people.
    Member.objects.select_for_update(no_key=True).get(pk=by.pk)
    twice = Referral.objects.filter(submission_key=values["submission_key"]).first()
    if twice is None:
        provider, office = form.save_sender()
        twice = log_referral(by=by, now=now, provider=provider, office=office, **values)
    drop_draft(by, form=DRAFT)
    return twice


def defaults(request: PracticeRequest, now: Any) -> dict[str, Any]:
    """Today, and the physician, channel and location this member chose last."""
    member = request.member
    newest = Referral.objects.order_by("-received_on", "-pk").values("pk")[:HABITS]
    last: Any = (
        Referral.objects.filter(logged_by=member, pk__in=newest)
        .order_by("-logged_at")
        .values("physician", "channel", "location")
        .first()
    )
    if last is None:
        locations = list(Location.objects.values_list("pk", flat=True)[:2])
        last = {"channel": Channel.FAX, "location": locations[0] if len(locations) == 1 else None}
    if member.is_physician:
        last["physician"] = member.pk
    return {
        **last,
        "received_on": member.practice.today(now),
        "submission_key": uuid4(),
        **_sender_asked_for(request),
    }


def _sender_asked_for(request: PracticeRequest) -> dict[str, Any]:
    """`?provider=17` or `?office=4`: a provider's or office's page logs for them."""
    found: dict[str, Any] = {}
    for name, rows in (("provider", Provider.objects.active()), ("office", Office.objects.current())):
        wanted = as_id(request.GET.get(name, ""))
        if wanted is not None and (row := rows.filter(pk=wanted).first()):
            found |= {name: row.pk, f"{name}_text": str(row)}
    return found


def kept_draft(member: Member) -> dict[str, Any] | None:
    """What was typed and not saved. A draft that arrived after its own form was saved is let go."""
    draft = draft_of(member, form=DRAFT)
    if draft is None:
        return None
    key = draft.get("submission_key", "")
    if _is_uuid(key) and Referral.objects.filter(submission_key=key).exists():
        drop_draft(member, form=DRAFT)
        return None
    return {name: value for name, value in draft.items() if name not in NOT_KEPT}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@require_GET
@member_required
def provider_options(request: PracticeRequest) -> HttpResponse:
    """Whom the typed letters may mean; with `?office=` and nothing typed, who works there."""
    text, office = request.GET.get("q", "").strip()[:200], as_id(request.GET.get("office", ""))
    rows = providers_like(text) if text else providers_at(office) if office is not None else []
    context = {"providers": rows, **new_option(text, rows, fill=name_parts(text) if text else {})}
    return page(request, "contacts/_provider_options.html", context)


def new_option(text: str, rows: list[Any], *, fill: dict[str, str]) -> dict[str, Any]:
    """The offer to add what was typed, before those who hardly resemble it."""
    return {"text": text, "fill": json.dumps(fill), "new_first": bool(text) and are_faint(rows)}


@require_GET
@member_required
def office_options(request: PracticeRequest) -> HttpResponse:
    """Which office the typed letters may mean."""
    text = request.GET.get("q", "").strip()[:200]
    rows = offices_like(text)
    # `?known`: the form that asks adds nobody.
    new = {} if "known" in request.GET else new_option(text, rows, fill={"new_office_name": text})
    context = {"offices": rows, **new}
    return page(request, "contacts/_office_options.html", context)
