"""Reports back: the board, the one act that closes the loop and its undo, and the measure that matters."""

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.models import Provider, ReferralStep
from contacts.referral_way import NotOnTheWay
from practices.models import PatientAccess, Practice
from practices.pages import KeyPage, as_id, back_to, done, key_page, moment_of, page, query_with
from practices.patient_access import record_access
from practices.periods import months_until
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, MOVES_REFERRALS, SEES_PATIENTS, member_required, role_required
from practices.spreadsheets import FORMATS
from practices.undo import undo_url as act_url
from touchpoints.models import Touchpoint
from touchpoints.report_back_board import (
    ENDS,
    LISTS,
    STEPS,
    WAY,
    Board,
    BoardRow,
    Step,
    as_shown,
    rows_of,
    step_url,
    waiting_in_words,
)
from touchpoints.report_back_figures import Figures, figures, figures_lines
from touchpoints.report_back_forms import BoardFilterForm, TellForm
from touchpoints.report_back_measure import sentence
from touchpoints.report_back_pages import Telling, said_of, telling, undo_url
from touchpoints.reporting_back import Told, take_back_telling, tell
from touchpoints.touchpoint_log import NotPossible
from touchpoints.undoing_many import remember_told
from touchpoints.views.touchpoints import carry_out


@require_safe
@member_required
def report_back(request: PracticeRequest) -> HttpResponse:
    """The board: every step with what is due first; or one step's whole list."""
    now = timezone.now()
    filters = BoardFilterForm(request.GET, today=request.member.practice.today(now))
    shows_names = request.member.role in SEES_PATIENTS and request.GET.get("names") == "shown"
    board = Board(request.member, filters.chosen(), now, names_shown=shows_names)
    step = LISTS.get(request.GET.get("step", ""))
    return _one_step(request, board, filters, step) if step else _overview(request, board, filters)


def _overview(request: PracticeRequest, board: Board, filters: BoardFilterForm) -> HttpResponse:
    last = _last_month(board.practice, board.today)
    found, measure = board.counted(filters.query(), month=last)
    columns = {column.step.key: column for column in found}
    lines = [line for column in found for line in column.rows]
    context = {
        "way": [columns[key] for key in WAY],
        "ends": [columns[key] for key in ENDS],
        "lede": waiting_in_words(found, board.limit),
        "sentence": sentence(measure, last),
        **_common(request, board, filters, lines),
    }
    return page(request, "touchpoints/report_back.html", context)


def _last_month(practice: Practice, today: date) -> date:
    """The last month that is over; the current one in the first that the practice is here."""
    before, current = months_until(today)[-2:]
    return before if practice.starts_on < current else current


def _one_step(request: PracticeRequest, board: Board, filters: BoardFilterForm, step: Step) -> HttpResponse:
    listed = _page(request, board, step)
    lines = board.lines(listed.rows)
    context = {
        "step": step,
        "page": listed,
        "lines": lines,
        "ticks": step.owes_word and request.member.role in MOVES_REFERRALS,
        "channels": TellForm.base_fields["note_channel"].choices[1:],  # type: ignore[attr-defined]  # has choices
        "steps": [
            {"key": key, "label": STEPS[key].label, "url": step_url(key, **filters.query())}
            for key in (*WAY, *ENDS)
        ],
        **_common(request, board, filters, lines),
    }
    return page(request, "touchpoints/report_back_step.html", context)


def _common(
    request: PracticeRequest, board: Board, filters: BoardFilterForm, lines: list[BoardRow]
) -> dict[str, Any]:
    """What both share; names shown are written down."""
    if board.names_shown:
        ids = [line.pk for line in lines]
        record_access(request.member, act=PatientAccess.Act.REVEALED, page="report_back", referral_ids=ids)
    may_see = request.member.role in SEES_PATIENTS
    return {
        "filters": filters,
        "query": filters.query(),
        "sender": _sender(filters, lines),
        "limit": board.limit,
        "names_shown": board.names_shown,
        "names_url": query_with(request, names=None if board.names_shown else "shown")
        if may_see and lines
        else "",
        "may_tell": request.member.role in MOVES_REFERRALS,
    }


def _sender(filters: BoardFilterForm, lines: list[BoardRow]) -> Provider | None:
    """The one provider the rows are of, where the address names one."""
    pk = filters.chosen().get("provider")
    if pk and lines:
        return lines[0].row.referral.provider
    return Provider.objects.filter(pk=pk).first() if pk else None


def _page(request: PracticeRequest, board: Board, step: Step) -> KeyPage:
    """A page of the step's list, by the moment or day it goes by."""
    name = step.order.removeprefix("-")
    is_down = step.order.startswith("-")
    bounds = (f"{name}__lte", "pk__gte") if is_down else (f"{name}__gte", "pk__lte")

    def after(rows: QuerySet, key: list[str]) -> QuerySet:
        at = date.fromisoformat(key[0]) if name == "seen_on" else moment_of(key[0])
        return rows.filter(**{bounds[0]: at}).exclude(**{name: at, bounds[1]: int(key[1])})

    return key_page(
        request,
        as_shown(board.rows(step), board.member),
        key=lambda row: (getattr(row, name).isoformat(), row.pk),
        after=after,
    )


@require_http_methods(["GET", "POST"])
@role_required(*MOVES_REFERRALS)
def report_back_tell(request: PracticeRequest) -> HttpResponse:
    """Say that a referrer was told of one patient or several: a note was sent, they were called, or both."""
    now, asked = timezone.now(), request.POST if request.method == "POST" else request.GET
    if not asked.getlist("referral"):
        return done(
            request, _("Tick whom the referrers were told of."), back_to(request, reverse("report_back"))
        )
    whom = telling(asked.getlist("referral"), request.member, now)
    if request.method == "GET" and not whom.owes_word:
        return done(request, whom.why_not, back_to(request, whom.url_after))
    form = TellForm(
        request.POST if request.method == "POST" else None,
        initial={"referral": [row.pk for row in whom.named], "note_channel": "", "call_outcome": ""},
        choices=whom.choices(request.member, now),
        may_call=whom.is_one_sender,
    )
    found = Told()

    def act() -> None:
        nonlocal found
        found = tell(whom.rows(form.cleaned_data["referral"]), by=request.member, now=now, **form.how())

    if carry_out(form, act):
        return _told(request, found, whom)
    context = {"form": form, "whom": whom, "url_after": back_to(request, whom.url_after)}
    return page(request, "touchpoints/report_back_tell.html", context)


def _told(request: PracticeRequest, found: Told, whom: Telling) -> HttpResponse:
    said, undo = said_of(found, whom.named), undo_url(found)
    if len(found.steps) > 1:
        undo = act_url(remember_told(found, said=said, by=request.member, now=timezone.now()))
    return done(request, said, back_to(request, whom.url_after), undo=undo)


@require_POST
@role_required(*MOVES_REFERRALS)
def report_back_undo(request: PracticeRequest) -> HttpResponse:
    """What one just said in error is taken back: the steps, and the call."""
    now = timezone.now()
    found = _said_by(request, now)
    if not found.steps:
        messages.info(request, _("There is nothing to undo: it has changed since then."))
        return redirect("report_back")
    try:
        with transaction.atomic():
            take_back_telling(found, by=request.member, now=now)
    except (NotOnTheWay, NotPossible) as refusal:
        messages.error(request, str(refusal))
        return redirect("report_back")
    return done(request, _("Taken back: word is owed again."), "report_back")


def _said_by(request: PracticeRequest, now: datetime) -> Told:
    """The steps and the call that the address names, as far as they are one's own and in sight."""
    seen = rows_of(request.member, request.member.practice.today(now))
    wanted = [as_id(text) for text in request.GET.getlist("step")]
    steps = ReferralStep.objects.filter(
        pk__in=[pk for pk in wanted if pk is not None],
        act=ReferralStep.Act.REPORTED_BACK,
        taken_back_at=None,
        by=request.member,
        referral__in=seen.order_by().values("pk"),
    )
    found = list(steps.select_related("referral"))
    calls = Touchpoint.objects.standing().filter(
        pk=as_id(request.GET.get("call", "")),
        kind=Touchpoint.Kind.CALL,
        logged_by=request.member,
        referral__in=[step.referral_id for step in found],
    )
    return Told(found, calls.first())


@require_safe
@member_required
def report_back_figures(request: PracticeRequest) -> HttpResponse:
    """How many were seen, how many referrers were told, and how soon."""
    today = request.member.practice.today(timezone.now())
    filters = BoardFilterForm(request.GET, today=today)
    chosen, months = filters.chosen(), months_until(today)
    found, month = _figures(request, filters), chosen.get("month")
    query, practice = filters.query(), request.member.practice
    said = month or _last_month(practice, today)
    since = practice.starts_on.replace(day=1)
    context = {
        "filters": filters,
        "formats": list(FORMATS),
        "query": query,
        "sender": _sender(filters, []),
        "measure": found.of(month=month),
        "month": month,
        "sentence": sentence(found.of(month=said), said),
        "by_month": found.by_month((first for first in months if first >= since), **query),
        "by_physician": found.by_physician(month, **query),
    }
    return page(request, "touchpoints/report_back_figures.html", context)


def _figures(request: PracticeRequest, filters: BoardFilterForm) -> Figures:
    """The twelve months, of what the filters choose but for the month."""
    now = timezone.now()
    today, chosen = request.member.practice.today(now), filters.chosen()
    rows = rows_of(request.member, today)
    asked = {name: chosen[name] for name in ("physician", "location", "provider") if name in chosen}
    return figures(rows.filter(**asked), practice=request.member.practice, months=months_until(today))


@require_safe
@role_required(*ADMINISTERS)
def report_back_exported(request: PracticeRequest, extension: str) -> HttpResponse:
    """The figures as a file for a spreadsheet, under the filters of the page."""
    if extension not in FORMATS:
        raise Http404
    write, content_type = FORMATS[extension]
    filters = BoardFilterForm(request.GET, today=request.member.practice.today(timezone.now()))
    lines = figures_lines(_figures(request, filters))
    answer = HttpResponse(write(lines, title="report-back"), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="report-back.{extension}"'
    return answer
