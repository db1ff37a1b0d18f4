"""Return referrals: a patient's need, who fits, the patient's choice, the letter, and the way from there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.accepting import confirm_accepting
from contacts.models import Provider, Referral
from practices.drafts import draft_of, drop_draft, keeps_draft
from practices.models import Member, PatientAccess, UndoableAct
from practices.pages import as_id, done, key_page, moment_of, page, page_of_acts, query_with
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import MAKES_RETURN_REFERRALS, role_required
from practices.undo import settle, undo_url
from touchpoints import return_referral_way as way
from touchpoints.fit import Fit
from touchpoints.models import ReturnReferral
from touchpoints.offering import offered_for
from touchpoints.printing.documents import stationery_of
from touchpoints.printing.letters import letter_of, letter_pdf, our_phone
from touchpoints.return_referral_forms import ChoiceForm, ListForm, NeedForm, StepForm
from touchpoints.return_referral_pages import (
    SHOWN_WITH,
    fits_of,
    list_rows,
    listed,
    need_in_words,
    steps_of,
    way_of,
)
from touchpoints.touchpoint_pages import about
from touchpoints.undoing import RETURN_REFERRAL, cancel_return_referral
from touchpoints.views.touchpoints import carry_out

NEED_DRAFT, CHOICE_DRAFT = "return_referral", "return_referral_choice"
FORM_METHODS = require_http_methods(["GET", "POST"])
Act = PatientAccess.Act
State = ReturnReferral.State


@require_safe
@role_required(*MAKES_RETURN_REFERRALS)
def return_referrals(request: PracticeRequest) -> HttpResponse:
    """Whom we sent where, the newest first."""
    form = ListForm(request.GET, member=request.member)
    chosen = form.chosen()
    found = key_page(
        request,
        listed(request.member, chosen),
        key=lambda row: (row.suggested_at.isoformat(), row.pk),
        after=lambda rows, key: _after(rows, moment_of(key[0]), int(key[1])),
    )
    names = request.GET.get("names") == "shown"
    if names:
        ids = [row.pk for row in found.rows]
        record_access(request.member, act=Act.REVEALED, page="return_referrals", return_referral_ids=ids)
    context = {
        "filters": form,
        "provider": chosen.get("provider"),
        "page": found,
        "rows": list_rows(found.rows, names=names),
        "names_shown": names,
        "names_url": query_with(request, names=None if names else "shown") if found.rows else "",
    }
    return render(request, "touchpoints/return_referrals.html", context)


def _after(rows: QuerySet, moment: datetime, pk: int) -> QuerySet:
    return rows.filter(Q(suggested_at__lt=moment) | Q(suggested_at=moment, pk__lt=pk))


@FORM_METHODS
@keeps_draft(NEED_DRAFT)
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_new(request: PracticeRequest) -> HttpResponse:
    """What a patient of ours needs; then who fits."""
    now, member = timezone.now(), request.member
    kept = draft_of(member, form=NEED_DRAFT) if request.method == "GET" else None
    initial = kept.dict() if kept else _known(request, now)
    form = NeedForm(request.POST or None, member=member, now=now, initial=initial)
    if form.is_valid():
        row = way.suggest(by=member, now=now, **form.need())
        drop_draft(member, form=NEED_DRAFT)
        return redirect("return_referral", row.pk)
    here = request.get_full_path()
    context = {"form": form, "is_restored": kept is not None, "draft": NEED_DRAFT, "here": here}
    return page(request, "touchpoints/return_referral_new.html", context)


def _known(request: PracticeRequest, now: datetime) -> dict[str, Any]:
    """`?referral=17` is about that patient, `?provider=9` about somebody of that provider's specialty."""
    found = about(request.GET, request.member, day=request.member.practice.today(now))
    if found.referral:
        _record_referral(request.member, found.referral)
        row = found.referral
        names = ("patient_family_name", "patient_given_name", "patient_born_on", "payer")
        return {**{name: getattr(row, name) for name in names}, "physician": row.physician_id}
    return {"specialty": found.provider.specialty_id} if found.provider else {}


def _record_referral(member: Member, row: Referral) -> None:
    is_covering = member.is_physician and row.physician_id != member.pk
    record_access(
        member,
        act=Act.VIEWED,
        page="return_referral_new",
        referral_ids=[row.pk],
        covering_for=row.physician if is_covering else None,
    )


@require_safe
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """One return referral: who fits or was chosen, and how far it is."""
    return _shown(request, _theirs(request, return_referral_id))


@FORM_METHODS
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_need(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """Say the need right, before the patient is sent."""
    now = timezone.now()
    if request.method == "POST":  # what is compared with the form is what is saved over
        way.lock_practice()
    row = _theirs(request, return_referral_id)
    if request.method == "GET" and row.state != State.SUGGESTED:
        return redirect("return_referral", row.pk)
    form = NeedForm(request.POST or None, member=request.member, now=now, instance=row)
    chosen = row.provider_id
    if carry_out(form, lambda: way.change_need(row, now=now, **form.need())):
        asks_again = chosen and not _theirs(request, row.pk).provider_id
        text = _("Saved. The need is another one: ask the patient again whom they choose.")
        return done(request, form.saved(text if asks_again else _("Saved.")), "return_referral", row.pk)
    _record(request, row, act=Act.VIEWED, page="return_referral_need")
    return page(request, "touchpoints/return_referral_need.html", {"form": form, "row": row})


@FORM_METHODS
@keeps_draft(CHOICE_DRAFT)
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_choice(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """Whom the patient chose, `?provider=9` or anybody of the network, and why they are sent."""
    member = request.member
    if request.method == "POST":
        way.lock_practice()
    row = _theirs(request, return_referral_id)
    if request.method == "GET" and row.state != State.SUGGESTED:
        return redirect("return_referral", row.pk)
    offered = offered_for(row, today=member.practice.today(timezone.now()))
    provider = _provider(request.GET.get("provider", ""))
    kept = _kept_choice(request, row)
    form = ChoiceForm(
        request.POST or None,
        knows_whom=provider is not None,
        row=row,
        initial=kept,
    )

    def act() -> ReturnReferral:
        return _choose(row, form, provider or form.known_provider, offered)

    if carry_out(form, act):
        drop_draft(member, form=CHOICE_DRAFT)
        return done(request, form.saved(_("The choice is recorded.")), "return_referral", row.pk)
    _record(request, row, act=Act.VIEWED, page="return_referral_choice")
    fit = next((one for one in offered if provider and one.candidate.provider_id == provider.pk), None)
    context = {
        "form": form,
        "row": row,
        "provider": provider,
        "fit": fit,
        "draft": CHOICE_DRAFT,
        "kept": kept,
    }
    return page(request, "touchpoints/return_referral_choice.html", context)


def _choose(row: ReturnReferral, form: ChoiceForm, provider: Any, offered: list[Fit]) -> ReturnReferral:
    fit = next((one for one in offered if one.candidate.provider_id == provider.pk), None)
    place = provider.places.filter(office=fit.place.office_id) if fit and fit.place else provider.places
    main = place.select_related("office").order_by("-is_main", "pk").first()
    return way.choose(
        row,
        provider=provider,
        office=main.office if main else None,
        clinical_reason=form.cleaned_data["clinical_reason"],
        is_patients_choice=form.cleaned_data["is_patients_choice"],
        known=form.cleaned_data["known"],
        offered=[one.candidate.provider_id for one in offered],
    )


def _provider(text: str) -> Provider | None:
    """The active provider an address or a form names."""
    wanted = as_id(text)
    if not text:
        return None
    return get_object_or_404(Provider.objects.active(), pk=wanted)


def _kept_choice(request: PracticeRequest, row: ReturnReferral) -> dict[str, Any]:
    """What was typed for this very patient and not saved."""
    kept = draft_of(request.member, form=CHOICE_DRAFT) if request.method == "GET" else None
    if kept is None or kept.get("about") != str(row.pk):
        return {}
    return {
        name: value for name, value in kept.items() if name in ("clinical_reason", "provider_text", "version")
    }


@require_POST
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_accepting(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """They were asked just now whether they take new patients: the ranking is made anew."""
    row = _theirs(request, return_referral_id)
    accepts = "yes" in request.POST
    provider = _provider(request.POST.get("yes" if accepts else "no", ""))
    if provider is None:
        return redirect("return_referral", row.pk)
    confirm_accepting(provider, accepts=accepts, day=request.member.practice.today(timezone.now()))
    text = _("%(name)s accepts new patients: confirmed today.")
    text = text if accepts else _("%(name)s does not accept new patients: confirmed today.")
    return done(request, text % {"name": provider}, "return_referral", row.pk)


@require_POST
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_step(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """Sent, seen, report received; cancelled; or the last step taken back."""
    now = timezone.now()
    row = _theirs(request, return_referral_id)
    form, acts = StepForm(request.POST, today=request.member.practice.today(now)), []

    def act() -> None:
        acts.append(STEPS[form.cleaned_data["act"]](row, form.cleaned_data, request.member, now))

    if carry_out(form, act):
        row = _theirs(request, return_referral_id)
        text = _("%(reference)s: %(state)s.") % {"reference": row, "state": row.get_state_display()}
        return done(request, text, "return_referral", row.pk, undo=undo_url(acts[0]))
    return _shown(request, _theirs(request, return_referral_id), form)


def _take_back(row: ReturnReferral, said: dict[str, Any], by: Member, now: datetime) -> None:
    way.take_back(row, known=said["known"], by=by, now=now)
    settle(RETURN_REFERRAL, about=row.pk, by=by, now=now)


def _no_act(row: ReturnReferral) -> None:
    """A step of the way is taken back on its page, as long as it is the last."""


# Each does it; a cancellation leaves an act that can be undone.
Step = Callable[[ReturnReferral, dict[str, Any], Member, datetime], UndoableAct | None]
STEPS: dict[str, Step] = {
    "send": lambda row, said, by, now: _no_act(way.send(row, on=said["on"], by=by, now=now)),
    "seen": lambda row, said, by, now: _no_act(way.record_seen(row, on=said["on"], by=by, now=now)),
    "report": lambda row, said, by, now: _no_act(way.record_report(row, on=said["on"], by=by, now=now)),
    "cancel": lambda row, said, by, now: cancel_return_referral(row, reason=said["reason"], by=by, now=now),
    "take_back": _take_back,
}


@require_safe
@role_required(*MAKES_RETURN_REFERRALS)
def return_referral_letter(request: PracticeRequest, return_referral_id: int) -> HttpResponse:
    """The letter for the patient's hand. Who printed it is written down."""
    row = _theirs(request, return_referral_id)
    if row.provider is None or row.state == State.CANCELLED:
        messages.info(request, _("There is no letter: nobody is chosen."))
        return redirect("return_referral", row.pk)
    practice = request.member.practice
    today = practice.today(timezone.now())
    letter = letter_of(row, stationery=stationery_of(practice), phone=our_phone(), today=today)
    if letter.unprintable:
        text = _("The letter can't be printed, for our typeface lacks: %(letters)s. Write them otherwise.")
        messages.error(request, text % {"letters": " ".join(letter.unprintable)})
        return redirect("return_referral", row.pk)
    _record(request, row, act=Act.PRINTED, page="return_referral_letter")
    response = HttpResponse(letter_pdf(letter), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="return-referral-{row.pk}.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def _theirs(request: PracticeRequest, return_referral_id: int) -> ReturnReferral:
    rows = ReturnReferral.objects.visible_to(request.member).select_related(
        *SHOWN_WITH, "suggested_by__user", "sent_by__user", "cancelled_by__user"
    )
    return get_object_or_404(rows, pk=return_referral_id)


def _record(request: PracticeRequest, row: ReturnReferral, *, act: Any, page: str) -> None:
    record_access(request.member, act=act, page=page, return_referral_ids=[row.pk])


def _shown(request: PracticeRequest, row: ReturnReferral, failed: StepForm | None = None) -> HttpResponse:
    today = request.member.practice.today(timezone.now())
    is_open = row.state == State.SUGGESTED
    _record(request, row, act=Act.VIEWED, page="return_referral")
    steps = steps_of(row, today=today, failed=failed)
    context = {
        "row": row,
        "way": way_of(row),
        "need": need_in_words(row),
        "fits": fits_of(row, offered_for(row, today=today)) if is_open else None,
        "steps": steps,
        "url": reverse("return_referral_step", args=[row.pk]),
    }
    is_offered = failed is not None and failed in steps.values()
    return page_of_acts(
        request, "touchpoints/return_referral.html", context, failed=failed, is_offered=is_offered
    )
