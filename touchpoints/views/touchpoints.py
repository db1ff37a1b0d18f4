"""Touchpoints as such: log a call or a card from anywhere; see, correct, withdraw one; its next step done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.referral_way import NotOnTheWay
from practices.drafts import drop_draft, keeps_draft
from practices.models import PatientAccess
from practices.pages import done, page, page_of_acts
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import SEES_PATIENTS, member_required
from practices.undo import undo_url
from touchpoints.feedback_pages import feedback_told_by
from touchpoints.models import Touchpoint
from touchpoints.one_call import one_call
from touchpoints.touchpoint_forms import CorrectForm, LogCallForm, LogCardForm, WithdrawForm
from touchpoints.touchpoint_log import (
    NotPossible,
    correct,
    finish_next_step,
    lock_practice,
    log_call,
    log_card,
)
from touchpoints.touchpoint_pages import (
    About,
    TouchpointPage,
    about,
    choices,
    has_fixed_day,
    touchpoint_page,
)
from touchpoints.undoing import withdraw_touchpoint
from touchpoints.views.asking import kept_here

DRAFT = "touchpoint"


@require_http_methods(["GET", "POST"])
@keeps_draft(DRAFT)
@member_required
def touchpoint_new(request: PracticeRequest) -> HttpResponse:
    """Which kind, where the address does not say; then that kind's form."""
    now = timezone.now()
    found = about(request.GET, request.member, day=request.member.practice.today(now))
    log = KINDS.get(request.GET.get("kind", ""))
    if log is None:
        context = {"about": found, "choices": choices(found, request.member)}
        return render(request, "touchpoints/touchpoint_new.html", context)
    return log(request, found, now)


def log_a_call(request: PracticeRequest, found: About, now: datetime) -> HttpResponse:
    """Reached, voicemail or no answer; and what was said, told and promised."""
    member, today = request.member, request.member.practice.today(now)
    kept = _kept(request)
    call = one_call(found, member, today=today)
    form = LogCallForm(
        request.POST if request.method == "POST" else None,
        initial={"next_step_owner": member.pk, **kept},
        today=today,
        waiting=call.choices,
        knows_whom=found.is_known,
        referral=found.referral,
        sees_patient=member.role in SEES_PATIENTS,
    )

    def act() -> Touchpoint:
        said = form.said()
        return log_call(
            outcome=said.pop("call_outcome"),
            by=member,
            now=now,
            provider=found.provider or form.known_provider,
            office=found.office,
            referral=found.referral,
            answers=call.answers(form.cleaned_data.get("settles", [])),
            reports_back=form.cleaned_data.get("reports_back", False),
            **said,
        )

    if carry_out(form, act):
        return _logged(request, found, form)
    context = _drafted(form, found, kept) | {"call": call}
    return page(request, "touchpoints/call_new.html", context)


def log_a_card(request: PracticeRequest, found: About, now: datetime) -> HttpResponse:
    """A card sent by hand to somebody of the network."""
    member = request.member
    known, kept = About(found.provider, reminder=found.reminder), _kept(request)
    form = LogCardForm(
        request.POST if request.method == "POST" else None,
        initial=kept,
        today=member.practice.today(now),
        knows_whom=known.is_known,
    )

    def act() -> Touchpoint:
        whom: Any = known.provider or form.known_provider
        return log_card(provider=whom, by=member, now=now, **form.said())

    if carry_out(form, act):
        return _logged(request, known, form)
    return page(request, "touchpoints/touchpoint_card.html", _drafted(form, known, kept))


def _kept(request: PracticeRequest) -> dict[str, Any]:
    """What was typed at this very address and not saved."""
    draft = kept_here(request, form=DRAFT)
    return draft.dict() if draft else {}


def _drafted(form: Form, found: About, kept: dict[str, Any]) -> dict[str, Any]:
    return {"form": form, "about": found, "draft": DRAFT, "is_restored": bool(kept)}


KINDS: dict[str, Callable[[PracticeRequest, About, datetime], HttpResponse]] = {
    Touchpoint.Kind.CALL: log_a_call,
    Touchpoint.Kind.CARD: log_a_card,
}


def carry_out(form: Any, act: Callable[[], Any]) -> bool:
    """Do it whole; a refusal leaves nothing behind and becomes the form's error."""
    if not form.is_valid():
        return False
    try:
        with transaction.atomic():
            act()
    except (NotPossible, NotOnTheWay) as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _logged(request: PracticeRequest, found: About, form: Any) -> HttpResponse:
    drop_draft(request.member, form=DRAFT)
    reached = found if found.is_known else About(form.known_provider)
    return done(request, _("Logged: %(name)s.") % {"name": reached.name}, reached.url_after())


@require_safe
@member_required
def touchpoint(request: PracticeRequest, touchpoint_id: int) -> HttpResponse:
    """One touchpoint, with what it said before it was corrected; an earlier version leads to what replaced it."""
    row = _touchpoint(touchpoint_id)
    if row.corrected_by_id:
        return redirect("touchpoint", row.corrected_by_id)
    return _shown(request, row)


@require_http_methods(["GET", "POST"])
@member_required
def touchpoint_edit(request: PracticeRequest, touchpoint_id: int) -> HttpResponse:
    """Say it right; what it said before is kept."""
    now, member = timezone.now(), request.member
    if request.method == "POST":  # what is compared with the form is what is saved over
        lock_practice()
    row = _theirs(request, touchpoint_id)
    if row.meeting_id:
        return redirect("meeting_edit", row.meeting_id)
    shown = _page(request, row)
    form = CorrectForm(
        request.POST if request.method == "POST" else None,
        touchpoint=row,
        today=member.practice.today(now),
        has_fixed_day=has_fixed_day(row),
        writes_notes=shown.shows_words,
    )

    def act() -> Touchpoint:
        return correct(row, by=member, now=now, reason=form.cleaned_data["reason"], **form.said())

    if carry_out(form, act):
        return done(request, form.saved(_("Corrected.")), "touchpoint", row.pk)
    _record(request, shown)
    return page(request, "touchpoints/touchpoint_edit.html", {"form": form, "shown": shown})


@require_POST
@member_required
def touchpoint_withdraw(request: PracticeRequest, touchpoint_id: int) -> HttpResponse:
    """It was logged in error."""
    row = _theirs(request, touchpoint_id)
    form, acts = WithdrawForm(request.POST), []

    def act() -> None:
        acts.append(withdraw_touchpoint(row, by=request.member, now=timezone.now(), **form.cleaned_data))

    if carry_out(form, act):
        return done(request, _("Withdrawn."), "touchpoint", row.pk, undo=undo_url(acts[0]))
    return _shown(request, row, form)


@require_POST
@member_required
def touchpoint_done(request: PracticeRequest, touchpoint_id: int) -> HttpResponse:
    """What was promised is done: said by whoever promised it, whoever it falls to, or the manager."""
    row = _touchpoint(touchpoint_id)
    if row.next_step_owner_id != request.member.pk:
        row = _theirs(request, touchpoint_id)
    finish_next_step(row, by=request.member, now=timezone.now())
    return done(request, _("Done."), "touchpoint", row.pk)


def _touchpoint(touchpoint_id: int) -> Touchpoint:
    rows = Touchpoint.objects.select_related(
        "provider",
        "office",
        "member__user",
        "logged_by__user",
        "withdrawn_by__user",
        "next_step_owner__user",
        "meeting",
    )
    return get_object_or_404(rows, pk=touchpoint_id)


def _theirs(request: PracticeRequest, touchpoint_id: int) -> Touchpoint:
    row = _touchpoint(touchpoint_id)
    if not (request.member.is_manager or request.member.pk in (row.member_id, row.logged_by_id)):
        raise PermissionDenied(_("This is for whoever logged it, and for the manager."))
    return row


def _page(request: PracticeRequest, row: Touchpoint) -> TouchpointPage:
    return touchpoint_page(row, request.member, day=request.member.practice.today(timezone.now()))


def _record(request: PracticeRequest, shown: TouchpointPage) -> None:
    """Write down whose note was shown, and for whom a covering physician read it."""
    referral = shown.touchpoint.referral if shown.opens_referral else None
    is_covering = request.member.is_physician and referral and referral.physician_id != request.member.pk
    record_access(
        request.member,
        act=PatientAccess.Act.VIEWED,
        page="touchpoint",
        referral_ids=shown.referral_ids,
        covering_for=referral.physician if referral and is_covering else None,
    )


def _shown(request: PracticeRequest, row: Touchpoint, form: Form | None = None) -> HttpResponse:
    shown = _page(request, row)
    _record(request, shown)
    context = {
        "shown": shown,
        "withdraw": form or WithdrawForm(),
        "feedback": feedback_told_by(row),
    }
    return page_of_acts(
        request, "touchpoints/touchpoint.html", context, failed=form, is_offered=shown.may_withdraw
    )
