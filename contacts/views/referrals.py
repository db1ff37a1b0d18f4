"""One referral: its way, its next action, and the acts that change it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts import referral_way
from contacts.forms.referrals import (
    EditForm,
    NameSenderForm,
    PhysicianForm,
    ReasonForm,
    StepForm,
    TakeBackForm,
)
from contacts.merging import lock_practice
from contacts.models import Referral
from contacts.referral_rows import referral_row
from contacts.referral_story import act_groups, group_of, story_of, way_of
from contacts.referral_way import NotOnTheWay
from contacts.undoing import REFERRAL, withdraw_referral
from contacts.views.referral_list import visible_rows
from practices.models import Member, PatientAccess
from practices.pages import back_to, done, page
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import MOVES_REFERRALS, SEES_ALL_PATIENTS, member_required, role_required
from practices.shared_rows import for_change
from practices.undo import settle, undo_url


@require_GET
@member_required
def referral(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """One referral's way."""
    now = timezone.now()
    return shown(request, theirs(request, referral_id, now), now)


def theirs(request: PracticeRequest, referral_id: int, now: datetime) -> Referral:
    """The referral, if this member may see it; otherwise it does not exist."""
    rows = visible_rows(request.member, now).select_related(
        "location", "logged_by__user", "withdrawn_by__user"
    )
    return get_object_or_404(rows, pk=referral_id)


def theirs_for_change(request: PracticeRequest, referral_id: int, now: datetime) -> Referral:
    """The same, locked by who saves; the practice first, in the order in which a merge takes its locks."""
    if request.method == "POST":
        lock_practice()
        get_object_or_404(for_change(request, Referral.objects.all()), pk=referral_id)
    return theirs(request, referral_id, now)


def record_view(member: Member, row: Referral, *, page: str) -> None:
    """Write down that the patient was shown, and for whom a covering physician looked."""
    is_covering = member.is_physician and row.physician_id != member.pk
    record_access(
        member,
        act=PatientAccess.Act.VIEWED,
        page=page,
        referral_ids=[row.pk],
        covering_for=row.physician if is_covering else None,
    )


def shown(request: PracticeRequest, row: Referral, now: datetime, **bound: forms.Form) -> HttpResponse:
    """The referral's page, with the form that could not be carried out, if there is one.

    Who sees the patient here is written down.
    """
    if row.patient_is_shown_to(request.member):
        record_view(request.member, row, page="referral")
        context = full_context(request, row, now, **bound)
    else:
        context = {"way": way_of(row, []), "is_opaque": True}
    context |= {"referral": row, "row": referral_row(row, member=request.member, now=now)}
    is_fragment = request.htmx and request.method == "POST"
    return page(request, "contacts/_referral_way.html" if is_fragment else "contacts/referral.html", context)


def full_context(request: PracticeRequest, row: Referral, now: datetime, **bound: Any) -> dict[str, Any]:
    """What those who see the patient find on the page."""
    steps = list(row.steps.select_related("by__user", "taken_back_by__user"))
    may_move = request.member.role in MOVES_REFERRALS and not row.withdrawn_at
    failed = bound.get("step")
    return {
        "way": way_of(row, steps),
        "story": story_of(steps),
        "groups": [with_form(group, row, request.member, failed, now) for group in act_groups(row)],
        "may_move": may_move,
        "may_take_back": request.member.role in MOVES_REFERRALS,
        "last": referral_way.last_step(row),
        "take_back": bound.get("take_back") or ReasonForm(auto_id="id_take_back_%s"),
        "withdraw": bound.get("withdraw") or ReasonForm(auto_id="id_withdraw_%s"),
        "physician_form": bound.get("physician") or physician_form(request, row),
        "form": next(iter(bound.values()), None),
        "is_fragment": bool(request.htmx),
    }


def with_form(group: Any, row: Referral, member: Member, failed: Any, now: datetime) -> dict[str, Any]:
    """An act group with its form: the failed one keeps what was typed."""
    is_failed = failed is not None and group_of(failed.data.get("act", "")) == group.name
    day = member.practice.today(
        row.appointment_at if row.appointment_at and row.appointment_at < now else now
    )
    initial = {"known": row.contact_attempts, "seen_on": day}
    form = failed if is_failed else StepForm(initial=initial)
    form.auto_id = f"id_{group.name}_%s"
    return {"group": group, "form": form, "is_failed": is_failed, "stand": referral_way.stand_of(row)}


def physician_form(request: PracticeRequest, row: Referral) -> PhysicianForm | None:
    if request.member.role not in SEES_ALL_PATIENTS:
        return None
    return PhysicianForm(referral=row)


def carry_out(form: forms.Form, act: Callable[[], Any]) -> bool:
    """Do it whole; a refusal leaves nothing behind and becomes the form's error, said beside the act."""
    if not form.is_valid():
        return False
    try:
        with transaction.atomic():
            act()
    except NotOnTheWay as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


@require_POST
@role_required(*MOVES_REFERRALS)
def referral_step(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """Take a step of the way, from the referral's page or from its row in a list."""
    now = timezone.now()
    row = theirs(request, referral_id, now)
    form = StepForm(request.POST, received_on=row.received_on, today=request.member.practice.today(now))
    if carry_out(form, lambda: take_step(row, form.cleaned_data, by=request.member, now=now)):
        row = theirs(request, referral_id, now)
        message = said(row, form.cleaned_data["act"], by=request.member, now=now)
        if not request.htmx:
            return done(request, message, back_to(request, row_url(row)))
        messages.success(request, message)
        return fragment(request, row, now)
    row = theirs(request, referral_id, now)
    if request.htmx and "in_list" in request.POST:
        refused = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return fragment(request, row, now, error=refused)
    return shown(request, row, now, step=form)


def take_step(row: Referral, value: dict[str, Any], *, by: Member, now: datetime) -> None:
    """The act of the form, through the one place that enforces the way."""
    if not is_done_already(row, value):
        referral_way.refuse_stale(row, stand=value["stand"], by=by)
    common = {"by": by, "now": now, "note": value["note"]}
    if value["act"] == "report_back":
        referral_way.report_back(row, note_channel=value["note_channel"], **common)
    elif value["act"] == "attempted":
        referral_way.record_attempt(row, known=value["known"], **common)
    else:
        moved = {name: value[name] for name in ("appointment_at", "seen_on")}
        referral_way.move(row, to=value["act"], **moved, **common)


def is_done_already(row: Referral, value: dict[str, Any]) -> bool:
    """Whether the act would change nothing: whoever was quicker is named then, and nobody is asked."""
    if value["act"] == "report_back":
        return row.reported_back_at is not None
    return row.status == value["act"] and value["appointment_at"] in (None, row.appointment_at)


def said(row: Referral, act: str, *, by: Member, now: datetime) -> str:
    """What was done; or, where a colleague was quicker, who did it."""
    step = referral_way.newest_step(row)
    if step.by_id != by.pk:
        return _("%(who)s was quicker: %(reference)s is %(status)s already.") % {
            "who": step.by.name,
            "reference": row.reference,
            "status": row.get_status_display(),
        }
    return _("%(reference)s: %(act)s.") % {"reference": row.reference, "act": step.get_act_display()}


def row_url(row: Referral) -> str:
    return reverse("referral", args=[row.pk])


def fragment(request: PracticeRequest, row: Referral, now: datetime, *, error: str = "") -> HttpResponse:
    """The list's row or the page's way as it stands now, and the messages above the page."""
    if "in_list" in request.POST:
        context = {"row": referral_row(row, member=request.member, now=now), "error": error, "now": now}
        html: str = render_to_string("contacts/_referral_row.html", context, request)
    else:
        html = shown(request, row, now).content.decode()
    html += render_to_string("_messages.html", {"oob": True}, request)
    return HttpResponse(html, status=422 if error else 200)


@require_POST
@role_required(*MOVES_REFERRALS)
def referral_take_back(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """Undo the last step, with a reason."""
    now = timezone.now()
    row = theirs(request, referral_id, now)
    form = TakeBackForm(request.POST, auto_id="id_take_back_%s")
    if carry_out(form, lambda: referral_way.take_back(row, by=request.member, now=now, **form.cleaned_data)):
        settle(REFERRAL, about=row.pk, by=request.member, now=now)
        return done(request, _("Taken back."), row_url(row))
    return shown(request, theirs(request, referral_id, now), now, take_back=form)


@require_POST
@role_required(*MOVES_REFERRALS)
def referral_withdraw(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """It was logged in error."""
    now = timezone.now()
    row = theirs(request, referral_id, now)
    form, acts = ReasonForm(request.POST, auto_id="id_withdraw_%s"), []

    def act() -> None:
        acts.append(withdraw_referral(row, by=request.member, now=now, **form.cleaned_data))

    if carry_out(form, act):
        text = _("%(reference)s is withdrawn.") % {"reference": row.reference}
        return done(request, text, row_url(row), undo=undo_url(acts[0]))
    return shown(request, row, now, withdraw=form)


@require_POST
@role_required(*SEES_ALL_PATIENTS)
def referral_physician(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """Say whom the patient will see."""
    now = timezone.now()
    row = theirs_for_change(request, referral_id, now)
    form = PhysicianForm(request.POST, referral=row)
    if carry_out(form, lambda: referral_way.edit(row, by=request.member, now=now, **form.cleaned_data)):
        return done(request, form.saved(_("Saved.")), row_url(row))
    return shown(request, row, now, physician=form)


@require_http_methods(["GET", "POST"])
@role_required(*MOVES_REFERRALS)
def referral_edit(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """Correct what was logged; a colleague's correction made meanwhile is shown first."""
    now = timezone.now()
    row = theirs_for_change(request, referral_id, now)
    record_view(request.member, row, page="referral_edit")
    form = EditForm(request.POST or None, member=request.member, now=now, instance=row, initial=as_typed(row))
    if form.is_valid() and save_edit(form, row, by=request.member, now=now):
        is_visible = visible_rows(request.member, now).filter(pk=row.pk).exists()
        return done(request, form.saved(_("Saved.")), row_url(row) if is_visible else reverse("referrals"))
    return page(request, "contacts/referral_edit.html", {"form": form, "referral": row})


def as_typed(row: Referral) -> dict[str, Any]:
    """Who sent it, as the form's text fields say it."""
    return {
        "provider": row.provider_id,
        "provider_text": str(row.provider or ""),
        "office": row.office_id,
        "office_text": str(row.office or ""),
    }


def save_edit(form: EditForm, row: Referral, *, by: Member, now: datetime) -> bool:
    """Save; False with the form's error when it was withdrawn meanwhile."""
    try:
        with transaction.atomic():  # nobody new stays behind when the correction is refused
            provider, office = form.save_sender()
            values = {"provider": provider, "office": office, **form.values()}
            referral_way.edit(row, by=by, now=now, **values)
    except NotOnTheWay as refusal:
        form.add_error(None, str(refusal))
    return not form.errors


@require_http_methods(["GET", "POST"])
@role_required(*MOVES_REFERRALS)
def referral_provider(request: PracticeRequest, referral_id: int) -> HttpResponse:
    """Name who sent it, where a fax named only the office."""
    now = timezone.now()
    row = theirs(request, referral_id, now)
    if row.provider:
        return done(request, _("%(who)s sent it.") % {"who": row.provider}, back_to(request, row_url(row)))
    form = NameSenderForm(request.POST or None, office=row.office)
    if carry_out(form, lambda: name_sender(form, row, by=request.member, now=now)):
        row = theirs(request, referral_id, now)
        return done(request, _("%(who)s sent it.") % {"who": row.provider}, back_to(request, row_url(row)))
    return page(request, "contacts/referral_provider.html", {"form": form, "referral": row})


def name_sender(form: NameSenderForm, row: Referral, *, by: Member, now: datetime) -> None:
    """Keep who sent it."""
    provider, office = form.save_sender()
    referral_way.edit(row, by=by, now=now, provider=provider, office=office)
