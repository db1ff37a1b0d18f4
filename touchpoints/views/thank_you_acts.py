"""What is done with a row of a thank-you list: each act has an address of its own.

GET asks for what the act needs, POST acts. With htmx the row is answered, otherwise the page it stands on.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.drafts import drop_draft, keeps_draft
from practices.models import PatientAccess
from practices.patient_access import record_access
from practices.requests import PracticeRequest
from practices.roles import DECIDES_THANK_YOUS, member_required, role_required
from touchpoints import thank_you_acts as acts
from touchpoints.forms import Act, CallForm, CardForm, HandOverForm, MailedForm, SkipForm
from touchpoints.models import ThankYou, ThankYouList
from touchpoints.suggestions import add_referrals, facts_of
from touchpoints.thank_you_pages import chosen_list, url_of_row
from touchpoints.thank_you_rows import RowLine, may_decide, may_write
from touchpoints.views.asking import kept_here

State = ThankYou.State
DRAFT = "thank_you"


@require_safe
@member_required
def thank_you_row(request: PracticeRequest, row_id: int) -> HttpResponse:
    """One row as it stands."""
    return _shown(request, _row(request, row_id))


@require_http_methods(["GET", "POST"])
@keeps_draft(DRAFT)
@role_required(*DECIDES_THANK_YOUS)
def thank_you_card(request: PracticeRequest, row_id: int) -> HttpResponse:
    """Decide for a card; with a line of one's own, or a better one."""
    row = _row_to_decide(request, row_id)
    patients = _line(request, row).facts.patients
    form = CardForm(_posted(request), row=row, patients=patients, kept=_kept(request))
    return _answer(
        request,
        row,
        form,
        lambda: acts.write_card(row, by=request.member, now=timezone.now(), **form.said()),
        said=_("A card to %(name)s."),
    )


@require_http_methods(["GET", "POST"])
@keeps_draft(DRAFT)
@role_required(*DECIDES_THANK_YOUS)
def thank_you_call(request: PracticeRequest, row_id: int) -> HttpResponse:
    """They were called, to thank and to report back."""
    row = _row_to_decide(request, row_id)
    line = _line(request, row)
    reports, names = line.facts.reports_due, line.shows_names
    form = CallForm(_posted(request), initial=_kept(request), reports=reports, names=names)
    return _answer(
        request,
        row,
        form,
        lambda: acts.record_call(row, by=request.member, now=timezone.now(), **form.said()),
        said=_("The call to %(name)s is recorded."),
    )


@require_http_methods(["GET", "POST"])
@role_required(*DECIDES_THANK_YOUS)
def thank_you_skip(request: PracticeRequest, row_id: int) -> HttpResponse:
    """No thanks this time, for a reason."""
    row = _row_to_decide(request, row_id)
    form = SkipForm(_posted(request))
    return _answer(
        request,
        row,
        form,
        lambda: acts.skip(row, by=request.member, now=timezone.now(), reason=form.reason),
        said=_("%(name)s skipped."),
    )


@require_POST
@role_required(*DECIDES_THANK_YOUS)
def thank_you_carry(request: PracticeRequest, row_id: int) -> HttpResponse:
    """These patients go with the next card."""
    row = _row_to_decide(request, row_id)
    return _answer(
        request,
        row,
        Act(request.POST),
        lambda: acts.carry(row, by=request.member, now=timezone.now()),
        said=_("Carried to the next card to %(name)s."),
    )


@require_http_methods(["GET", "POST"])
@role_required(*DECIDES_THANK_YOUS)
def thank_you_hand_over(request: PracticeRequest, row_id: int) -> HttpResponse:
    """Somebody else writes and mails it; it stays on its list."""
    row = _row_to_decide(request, row_id)
    form = HandOverForm(_posted(request), row=row)
    return _answer(
        request,
        row,
        form,
        lambda: acts.hand_over(row, to=form.assignee),
        said=_("Handed over."),
    )


@require_POST
@member_required
def thank_you_written(request: PracticeRequest, row_id: int) -> HttpResponse:
    """The card is written."""
    row = row_to_write(request, row_id)
    return _answer(
        request,
        row,
        Act(request.POST),
        lambda: acts.mark_written(row, by=request.member, now=timezone.now()),
        said=_("The card to %(name)s is written."),
    )


@require_http_methods(["GET", "POST"])
@member_required
def thank_you_mailed(request: PracticeRequest, row_id: int) -> HttpResponse:
    """The card is on its way, today or on the day given."""
    row = row_to_write(request, row_id)
    now = timezone.now()
    practice = request.member.practice
    form = MailedForm(
        _posted(request), earliest=acts.earliest_mailing(row, practice), today=practice.today(now)
    )
    return _answer(
        request,
        row,
        form,
        lambda: acts.mark_mailed(row, by=request.member, now=now, on=form.cleaned_data["on"]),
        said=_("The card to %(name)s is mailed."),
    )


@require_POST
@role_required(*DECIDES_THANK_YOUS)
def thank_you_take_back(request: PracticeRequest, row_id: int) -> HttpResponse:
    """Back to undecided. Reports that were made stay with their referrals."""
    row = _row_to_decide(request, row_id)
    return _answer(
        request,
        row,
        Act(request.POST),
        lambda: acts.take_back(row, by=request.member, now=timezone.now()),
        said=_("Taken back: %(name)s is undecided again."),
    )


def _row(request: PracticeRequest, row_id: int) -> ThankYou:
    """The row, if it is this member's to see; locked with its list (the list first, as the acts do) to act on it."""
    if request.method == "POST":
        list(ThankYouList.objects.select_for_update(of=("self",)).filter(rows=row_id))
    rows = ThankYou.objects.visible_to(request.member).select_related(
        "provider", "list__physician__user", "decided_by__user"
    )
    return get_object_or_404(rows, pk=row_id)


def _row_to_decide(request: PracticeRequest, row_id: int) -> ThankYou:
    row = _row(request, row_id)
    if not may_decide(request.member, row):
        raise PermissionDenied(_("This is for the physician whose list it is, and for the manager."))
    return row


def row_to_write(request: PracticeRequest, row_id: int) -> ThankYou:
    """The row, locked on a post, if this member writes and mails it. Raises Http404 or PermissionDenied."""
    row = _row(request, row_id)
    if not may_write(request.member, row):
        raise PermissionDenied(_("This card was not handed over to you."))
    return row


def _answer(
    request: PracticeRequest,
    row: ThankYou,
    form: Form,
    act: Callable[[], ThankYou],
    *,
    said: str,
) -> HttpResponse:
    """Act, unless the row has changed since this reader saw it; then show how it stands."""
    if request.method != "POST" or not form.is_valid():
        return _shown(request, row, form)
    if request.POST.get("seen", row.state) != row.state:
        typed = form if any(request.POST.get(name) for name in form.fields) else None
        return _shown(request, row, typed, meanwhile=_meanwhile(request, row))
    try:
        after = act()
    except acts.NotPossible as refusal:
        form.add_error(None, str(refusal))
        return _shown(request, row, form)
    drop_draft(request.member, form=DRAFT)
    undo = _undo_url(row, after=after.state)
    messages.success(request, said % {"name": row.provider.short_name}, extra_tags=undo)
    return _after(request, row)


def _kept(request: PracticeRequest) -> dict[str, Any]:
    """What was typed about this very row when the session had ended."""
    draft = kept_here(request, form=DRAFT)
    if draft is None:
        return {}
    told = draft.getlist("reported_on")
    return {**draft.dict(), "reported_on": told, "is_thanks": "is_thanks" in draft}


def _posted(request: PracticeRequest) -> QueryDict | None:
    """What a form was sent, though that be nothing."""
    return request.POST if request.method == "POST" else None


def _meanwhile(request: PracticeRequest, row: ThankYou) -> str:
    if row.decided_by_id == request.member.pk or not row.decided_by:
        return _("That was done already: %(state)s.") % {"state": row.get_state_display()}
    return _("Meanwhile %(name)s decided: %(state)s. Nothing was changed.") % {
        "name": row.decided_by.user.name,
        "state": row.get_state_display(),
    }


def _undo_url(row: ThankYou, *, after: str) -> str:
    """Where the act is undone: the card's step alone where there was a decision before it; empty for nothing to undo."""
    before = row.state
    if after in (before, State.UNDECIDED):
        return ""
    if before in (State.CALLED, State.TO_WRITE, State.WRITTEN):
        return f"{reverse('thank_you_put_back')}?{before}={row.pk}"
    return reverse("thank_you_take_back", args=[row.pk])


def _after(request: PracticeRequest, row: ThankYou) -> HttpResponse:
    if request.htmx:
        return _shown(request, row)
    return redirect(page_of(request, row))


def page_of(request: PracticeRequest, row: ThankYou) -> str:
    """Where the row stands on this member's pages."""
    if not may_decide(request.member, row):
        return reverse("thank_you")
    return url_of_row(row.pk, week=row.list.week, physician_id=row.list.physician_id)


def _line(request: PracticeRequest, row: ThankYou) -> RowLine:
    practice = request.member.practice
    facts = facts_of(
        ThankYou.objects.filter(pk=row.pk),
        practice=practice,
        today=practice.today(timezone.now()),
        reader=request.member,
    )
    add_referrals(facts)
    is_own = row.list.physician_id == request.member.pk
    return RowLine(facts[0], request.member, practice.today(timezone.now()), shows_names=is_own)


def _shown(
    request: PracticeRequest, row: ThankYou, form: Form | None = None, *, meanwhile: str = ""
) -> HttpResponse:
    """The row's fragment or its page, with the form that is being filled in, or what happened meanwhile."""
    line = _line(request, row)
    if line.sees_patients and line.shows_names:
        act = PatientAccess.Act.VIEWED
        record_access(request.member, act=act, page="thank_you", referral_ids=line.shown_ids)
    status = 422 if form is not None and form.is_bound else 200
    context = {
        "line": line,
        "form": form,
        "form_url": request.path,
        "meanwhile": meanwhile,
        "back_url": page_of(request, row),
        "progress": chosen_list(row.list_id) if line.may_decide else None,
    }
    template = "touchpoints/_thank_you_answer.html" if request.htmx else "touchpoints/thank_you_row.html"
    return render(request, template, context, status=status)
