"""What referrers think of us: how it stands, asking them, taking it down, and mending what they complain of."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.models import Office, Provider
from practices.drafts import draft_of, drop_draft, keeps_draft
from practices.models import Member
from practices.pages import as_id, back_to, done, page, page_of_acts
from practices.requests import PracticeRequest
from practices.roles import (
    ASKS_EVERYBODY,
    OWNS_ISSUES,
    RECORDS_FEEDBACK,
    Role,
    member_required,
    role_required,
)
from touchpoints.feedback_answers import take_down
from touchpoints.feedback_asking import (
    HALF_A_YEAR,
    active_referrers,
    ask,
    newest_request,
    providers_at,
    sort_out,
)
from touchpoints.feedback_forms import HandOverIssueForm, ResolveForm, TakeDownForm, TellForm
from touchpoints.feedback_issues import draft_message, hand_over, resolve, tell
from touchpoints.feedback_pages import answers_page, may_act
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest
from touchpoints.touchpoint_log import lock_practice
from touchpoints.touchpoint_pages import About, about
from touchpoints.views.touchpoints import carry_out

DRAFT, ISSUE_DRAFT = "feedback", "feedback-issue"


@require_safe
@member_required
def feedback(request: PracticeRequest) -> HttpResponse:
    """Open issues, scores over time, who answers, and the answers."""
    today = request.member.practice.today(timezone.now())
    context = answers_page(request, today=today)
    context["may_ask"] = request.member.role in ASKS_EVERYBODY
    context["may_record"] = request.member.role in RECORDS_FEEDBACK
    return render(request, "touchpoints/feedback.html", context)


@require_safe
@member_required
def feedback_answer(request: PracticeRequest, feedback_id: int) -> HttpResponse:
    """What one referrer said."""
    rows = Feedback.objects.select_related(
        "provider", "office", "physician__user", "recorded_by__user", "request__asked_by__user", "touchpoint"
    )
    given = get_object_or_404(rows, pk=feedback_id)
    context = {"given": given, "issue": given.issues.select_related("owner__user").first()}
    return render(request, "touchpoints/feedback_answer.html", context)


@require_http_methods(["GET", "POST"])
@keeps_draft(DRAFT)
@role_required(*RECORDS_FEEDBACK)
def feedback_new(request: PracticeRequest) -> HttpResponse:
    """Take down what a referrer said in a call or visit."""
    now, member = timezone.now(), request.member
    found = about(request.GET, member, day=member.practice.today(now))
    kept = {} if request.method == "POST" else _kept(member, DRAFT, about=found.query)
    form = TakeDownForm(
        request.POST if request.method == "POST" else None,
        initial={**kept, "about": found.query},
        physicians=list(Member.objects.physicians()),
        today=member.practice.today(now),
        knows_whom=found.provider is not None,
    )

    def act() -> Feedback:
        values = {name: form.cleaned_data[name] for name in ("source", "given_on")} | form.said()
        whom: Any = found.provider or form.known_provider
        return take_down(provider=whom, office=found.office, by=member, now=now, **values)

    if carry_out(form, act):
        drop_draft(member, form=DRAFT)
        reached = found if found.provider else About(form.known_provider)
        return done(request, _("Taken down: %(name)s.") % {"name": reached.name}, reached.url_after())
    context = {"form": form, "about": found, "is_restored": bool(kept)}
    return page(request, "touchpoints/feedback_new.html", context)


def _kept(member: Member, form: str, *, about: str) -> dict[str, Any]:
    """What was typed about the same thing and not saved."""
    draft = draft_of(member, form=form)
    return dict(draft.items()) if draft and draft.get("about", "") == about else {}


@require_http_methods(["GET", "POST"])
@role_required(*RECORDS_FEEDBACK)
def feedback_ask_provider(request: PracticeRequest, provider_id: int) -> HttpResponse:
    """Ask one provider; who was asked lately can be asked again, which voids the earlier link."""
    provider = get_object_or_404(Provider.objects.filter(merged_into=None), pk=provider_id)
    newest = newest_request(provider)
    shown = newest.pk if newest else None
    known = as_id(request.POST.get("known", "")) if request.method == "POST" else shown
    return _ask(
        request,
        Provider.objects.filter(pk=provider.pk),
        name=str(provider),
        back=back_to(request, reverse("provider", args=[provider.pk])),
        known=known,
        newest=newest,
    )


@require_http_methods(["GET", "POST"])
@role_required(*RECORDS_FEEDBACK)
def feedback_ask_office(request: PracticeRequest, office_id: int) -> HttpResponse:
    """Ask everybody who works there and was not asked lately."""
    office = get_object_or_404(Office.objects.current(), pk=office_id)
    back = reverse("office", args=[office.pk])
    return _ask(request, providers_at(office), name=str(office), back=back, office=office)


@require_http_methods(["GET", "POST"])
@role_required(*ASKS_EVERYBODY)
def feedback_ask(request: PracticeRequest) -> HttpResponse:
    """Ask all active referrers not asked for six months."""
    today = request.member.practice.today(timezone.now())
    return _ask(
        request,
        active_referrers(today),
        name=_("all active referrers"),
        back=reverse("feedback"),
        within=HALF_A_YEAR,
    )


def _ask(
    request: PracticeRequest,
    providers: QuerySet[Provider],
    *,
    name: str,
    back: str,
    within: timedelta = FeedbackRequest.LIFETIME,
    office: Office | None = None,
    known: int | None = None,
    newest: FeedbackRequest | None = None,
) -> HttpResponse:
    """Who would be asked and who not; a post asks them."""
    now = timezone.now()
    if request.method == "GET":
        asking = sort_out(providers, now=now, within=within, known=known)
        context = {"asking": asking, "name": name, "back": back, "known": known, "newest": newest}
        return render(request, "touchpoints/feedback_ask.html", context)
    asking = ask(providers, by=request.member, now=now, within=within, office=office, known=known)
    count = len(asking.reached)
    if not count:
        messages.warning(request, _("Nobody was asked: see below why."))
        return redirect(request.path)
    text = ngettext("%(n)d provider is asked.", "%(n)d providers are asked.", count)
    return done(request, text % {"n": count}, back)


@require_safe
@member_required
def feedback_issue(request: PracticeRequest, issue_id: int) -> HttpResponse:
    """One issue: what was said, what was changed, how the referrer was told."""
    return _shown(request, _issue(issue_id))


@require_POST
@keeps_draft(ISSUE_DRAFT)
@role_required(*OWNS_ISSUES)
def feedback_issue_resolve(request: PracticeRequest, issue_id: int) -> HttpResponse:
    """Say what was changed."""
    lock_practice()  # what is compared with the form is what is saved over
    issue = _theirs(request, issue_id)
    form = ResolveForm(request.POST, issue=issue)
    if carry_out(form, lambda: resolve(issue, by=request.member, now=timezone.now(), **form.cleaned_data)):
        drop_draft(request.member, form=ISSUE_DRAFT)
        return done(request, form.saved(_("Resolved. Now tell them.")), "feedback_issue", issue.pk)
    return _shown(request, issue, resolve=form)


@require_POST
@keeps_draft(ISSUE_DRAFT)
@role_required(*OWNS_ISSUES)
def feedback_issue_tell(request: PracticeRequest, issue_id: int) -> HttpResponse:
    """You said, we did."""
    issue = _theirs(request, issue_id)
    form = TellForm(request.POST, may_mail=_may_mail(issue))
    if carry_out(form, lambda: tell(issue, by=request.member, now=timezone.now(), **form.cleaned_data)):
        drop_draft(request.member, form=ISSUE_DRAFT)
        name = issue.feedback.provider.short_name
        return done(request, _("%(name)s is told.") % {"name": name}, "feedback_issue", issue.pk)
    return _shown(request, issue, tell=form)


@require_POST
@role_required(Role.MANAGER)
def feedback_issue_hand_over(request: PracticeRequest, issue_id: int) -> HttpResponse:
    """Another owner, another day."""
    lock_practice()
    issue = _issue(issue_id)
    form = HandOverIssueForm(request.POST, issue=issue, today=_today(request))
    if carry_out(form, lambda: hand_over(issue, now=timezone.now(), **form.cleaned_data)):
        return done(request, form.saved(_("Handed over.")), "feedback_issue", issue.pk)
    return _shown(request, issue, hand_over=form)


def _issue(issue_id: int) -> FeedbackIssue:
    rows = FeedbackIssue.objects.with_people().select_related(
        "feedback__physician__user",
        "feedback__touchpoint",
        "resolved_by__user",
        "told_by__user",
        "touchpoint",
    )
    return get_object_or_404(rows, pk=issue_id)


def _theirs(request: PracticeRequest, issue_id: int) -> FeedbackIssue:
    issue = _issue(issue_id)
    if not may_act(issue, request.member):
        raise PermissionDenied(_("This is for the issue's owner, and for the manager."))
    return issue


def _today(request: PracticeRequest) -> date:
    return request.member.practice.today(timezone.now())


def _may_mail(issue: FeedbackIssue) -> bool:
    provider = issue.feedback.provider
    return provider.is_active and bool(provider.email)


def _shown(request: PracticeRequest, issue: FeedbackIssue, **forms: Any) -> HttpResponse:
    """The issue with its forms; one that was refused stands as it was typed."""
    kept = _kept(request.member, ISSUE_DRAFT, about=str(issue.pk))
    initial = {"what_changed": issue.what_changed, "message": draft_message(issue, by=request.member), **kept}
    context = {
        "issue": issue,
        "given": issue.feedback,
        "may_act": may_act(issue, request.member) and not issue.feedback.is_taken_down_in_error,
        "resolve": forms.get("resolve") or ResolveForm(issue=issue, initial=initial),
        "tell": forms.get("tell") or TellForm(initial=initial, may_mail=_may_mail(issue)),
        "hand_over": forms.get("hand_over") or HandOverIssueForm(issue=issue, today=_today(request)),
        "is_restored": bool(kept) and not forms,
    }
    is_offered = context["may_act"] and not issue.told_at and ("tell" not in forms or issue.resolved_at)
    return page_of_acts(
        request,
        "touchpoints/feedback_issue.html",
        context,
        failed=next(iter(forms.values()), None),
        is_offered=bool(is_offered),
    )
