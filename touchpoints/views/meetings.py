"""Meetings: the list; planned, told how they went, corrected, cancelled."""

from copy import copy
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from contacts.senders import main_office
from practices.drafts import draft_of, drop_draft, keeps_draft
from practices.pages import done, key_page, moment_of, page_of_acts
from practices.requests import PracticeRequest
from practices.roles import member_required
from practices.undo import undo_url
from touchpoints.meeting_forms import CancelForm, HeldForm, PlanForm
from touchpoints.meeting_invitations import invited_to
from touchpoints.meeting_pages import may_change, meeting_page, of_member, planned, rows_of, when
from touchpoints.meeting_people import People, key_of, people_like, place_of
from touchpoints.meetings import change_meeting, hold_meeting, log_meeting, plan_meeting
from touchpoints.models import Meeting
from touchpoints.touchpoint_log import lock_practice
from touchpoints.touchpoint_pages import About, about
from touchpoints.undoing import cancel_meeting
from touchpoints.views.asking import Asked, ask, kept_here
from touchpoints.views.touchpoints import carry_out

NEW_DRAFT, HELD_DRAFT, EDIT_DRAFT = "meeting", "meeting_held", "meeting_edit"
FORM_METHODS = require_http_methods(["GET", "POST"])


@require_safe
@member_required
def meetings(request: PracticeRequest) -> HttpResponse:
    """To be told, to come, and those that were; one's own first, everybody's on asking."""
    is_all = request.GET.get("whose", "all" if request.member.is_manager else "mine") == "all"
    rows = of_member(None if is_all else request.member)
    found = key_page(
        request,
        rows.exclude(state=Meeting.State.PLANNED).order_by("-starts_at", "-pk"),
        key=lambda row: (row.starts_at.isoformat(), row.pk),
        after=lambda rows, key: _after(rows, moment_of(key[0]), int(key[1])),
    )
    parts = planned(rows, now=timezone.now()) if not request.GET.get("after") else {}
    context = {"is_all": is_all, "page": found, "rows": rows_of(found.rows), **parts}
    return render(request, "touchpoints/meetings.html", context)


def _after(rows: Any, moment: datetime, pk: int) -> Any:
    return rows.filter(Q(starts_at__lt=moment) | Q(starts_at=moment, pk__lt=pk))


@FORM_METHODS
@keeps_draft(NEW_DRAFT)
@member_required
def meeting_new(request: PracticeRequest) -> HttpResponse:
    """Put one down for its day; with `?held=1` one that took place already."""
    now, member = timezone.now(), request.member
    found = about(request.GET, member, day=member.practice.today(now))
    is_held = "held" in request.GET
    kind, first = HeldForm if is_held else PlanForm, _first(request, is_held=is_held, now=now)
    asked = ask(
        request,
        lambda data, typed: kind(data, initial={**first, **typed}),
        draft=_new_draft(request),
        down=People((found.provider,) if found.provider else (), members=(member,)),
        office=found.office or (main_office(found.provider) if found.provider else None),
    )
    if asked.is_valid() and carry_out(asked.form, lambda: _put_down(request, asked, found, now)):
        drop_draft(member, form=NEW_DRAFT)
        made = Meeting.objects.get(uid=_uid(asked))
        return done(request, _("Logged.") if is_held else _("Planned."), "meeting", made.pk)
    context = {"about": found, "is_held": is_held, "draft": NEW_DRAFT}
    return asked.answer(request, "touchpoints/meeting_new.html", context)


def _first(request: PracticeRequest, *, is_held: bool, now: datetime) -> dict[str, Any]:
    today = request.member.practice.today(now)
    return {"uid": uuid4(), "owner": request.member.pk, "at": "12:00", **({"day": today} if is_held else {})}


def _uid(asked: Asked) -> UUID:
    uid: UUID = asked.form.cleaned_data["uid"]
    return uid


def _put_down(request: PracticeRequest, asked: Asked, found: About, now: datetime) -> Meeting:
    form, who = asked.form, {"by": request.member, "now": now}
    form.cleaned_data["uid"] = form.cleaned_data.get("uid") or uuid4()
    said = {"people": asked.present.down, "office": asked.present.known_office, **form.said()}
    if isinstance(form, HeldForm):
        owner = form.cleaned_data["next_step_owner"]
        return log_meeting(uid=_uid(asked), answers=found.reminder, next_step_owner=owner, **who, **said)
    return plan_meeting(uid=_uid(asked), **who, **said)


def _new_draft(request: PracticeRequest) -> QueryDict | None:
    """What was typed and not saved; a draft that arrived after its own form was saved is let go."""
    if request.method == "POST" or request.GET.keys() - {"held"}:
        return None
    draft = draft_of(request.member, form=NEW_DRAFT)
    if draft and Meeting.objects.filter(uid=_as_uuid(draft.get("uid", ""))).exists():
        drop_draft(request.member, form=NEW_DRAFT)
        return None
    return draft


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_safe
@member_required
def meeting(request: PracticeRequest, meeting_id: int) -> HttpResponse:
    """One meeting: who, where, what for, how it went, what it cost."""
    return _shown(request, _meeting(meeting_id))


@FORM_METHODS
@keeps_draft(HELD_DRAFT)
@member_required
def meeting_held(request: PracticeRequest, meeting_id: int) -> HttpResponse:
    """Say how a planned one went, and who was there."""
    now, row = timezone.now(), _for_change(request, meeting_id)
    if not row.is_planned and request.method == "GET":
        return redirect("meeting", row.pk)
    people = People.at(row)
    draft = kept_here(request, form=HELD_DRAFT)
    asked = ask(request, _over(HeldForm, row), draft=draft, down=people, office=row.office, meeting=row)

    def act() -> Meeting:
        return hold_meeting(row, by=request.member, now=now, **_told(asked))

    if asked.is_valid() and carry_out(asked.form, act):
        drop_draft(request.member, form=HELD_DRAFT)
        return done(request, asked.saved(_("Logged.")), "meeting", row.pk)
    context = {"meeting": row, "when": when(row), "draft": HELD_DRAFT}
    return asked.answer(request, "touchpoints/meeting_held.html", context)


def _over(kind: type[PlanForm], row: Meeting, **options: Any) -> Any:
    """Makes the form over the meeting; a copy, for a form changes what it is given even when it is refused."""
    return lambda data, typed: kind(data, initial=typed, instance=copy(row), **options)


def _told(asked: Asked) -> dict[str, Any]:
    form = asked.form
    told = {"people": asked.present.down, "office": asked.present.known_office, **form.said()}
    if isinstance(form, HeldForm):
        told["next_step_owner"] = form.cleaned_data["next_step_owner"]
    return told


@FORM_METHODS
@keeps_draft(EDIT_DRAFT)
@member_required
def meeting_edit(request: PracticeRequest, meeting_id: int) -> HttpResponse:
    """Change what is planned; say better, with a reason, what was held."""
    now, row = timezone.now(), _for_change(request, meeting_id)
    if row.is_cancelled and request.method == "GET":
        return redirect("meeting", row.pk)
    kind = HeldForm if row.is_held else PlanForm
    people = People.at(row)
    draft = kept_here(request, form=EDIT_DRAFT)
    make = _over(kind, row, asks_reason=row.is_held)
    asked = ask(request, make, draft=draft, down=people, office=row.office, meeting=row)

    def act() -> Meeting:
        reason = asked.form.cleaned_data.get("reason", "")
        return change_meeting(row, by=request.member, now=now, reason=reason, **_told(asked))

    if asked.is_valid() and carry_out(asked.form, act):
        drop_draft(request.member, form=EDIT_DRAFT)
        text = _("Corrected.") if row.is_held else _("Saved.")
        return done(request, asked.saved(text), "meeting", row.pk)
    context = {"meeting": row, "when": when(row), "draft": EDIT_DRAFT}
    return asked.answer(request, "touchpoints/meeting_edit.html", context)


@require_POST
@member_required
def meeting_cancel(request: PracticeRequest, meeting_id: int) -> HttpResponse:
    """It does not take place, or did not."""
    row, form, acts = _theirs(request, meeting_id), CancelForm(request.POST), []

    def act() -> None:
        acts.append(cancel_meeting(row, by=request.member, now=timezone.now(), **form.cleaned_data))

    if carry_out(form, act):
        return done(request, _("Cancelled."), "meeting", row.pk, undo=undo_url(acts[0]))
    return _shown(request, row, form)


@require_GET
@member_required
def meeting_people_options(request: PracticeRequest) -> HttpResponse:
    """Whom of theirs the typed letters may mean (a fragment)."""
    people = people_like(request.GET.get("q", "").strip()[:200])
    options = [(key_of(person), str(person), place_of(person)) for person in people]
    return render(request, "touchpoints/_meeting_people_options.html", {"options": options})


def _meeting(meeting_id: int) -> Meeting:
    rows = Meeting.objects.select_related("owner__user", "office", "location", "created_by__user", "practice")
    return get_object_or_404(rows, pk=meeting_id)


def _theirs(request: PracticeRequest, meeting_id: int) -> Meeting:
    row = _meeting(meeting_id)
    if not may_change(row, request.member):
        raise PermissionDenied(_("This is for whoever goes or put it down, and for the manager."))
    return row


def _for_change(request: PracticeRequest, meeting_id: int) -> Meeting:
    """The same; when it is saved, what is compared with the form is what is saved over."""
    if request.method == "POST":
        lock_practice()
    return _theirs(request, meeting_id)


def _shown(request: PracticeRequest, row: Meeting, form: CancelForm | None = None) -> HttpResponse:
    shown = meeting_page(row, request.member)
    context = {"shown": shown, "cancel": form or CancelForm(), "invited": invited_to(row, now=timezone.now())}
    return page_of_acts(
        request, "touchpoints/meeting.html", context, failed=form, is_offered=shown.may_cancel
    )
