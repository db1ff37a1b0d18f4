"""The reminders: one's own; the manager's page holds everybody's, and says who falls behind."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from practices.models import Member
from practices.pages import as_id, back_to, done, page
from practices.requests import PracticeRequest
from practices.roles import Role, member_required, role_required
from practices.undo import undo_url
from touchpoints.models import Reminder
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_acts import (
    HandedOver,
    acted_at,
    close_all,
    dismiss_all,
    hand_over_all,
    last_act_at,
    snooze_all,
    undo,
)
from touchpoints.reminder_doing import DONE_ELSEWHERE, done_at
from touchpoints.reminder_forms import DismissForm, DoneForm, LoadForm, PassOnForm, SnoozeForm
from touchpoints.reminder_groups import Tab, reminders_page, tabs_on
from touchpoints.reminder_load import in_words, load_page, loads
from touchpoints.reminder_pages import day_in_words, in_reach_of, lines_of, visible_to
from touchpoints.standing_in import arrange_stand_in, end_stand_in
from touchpoints.undoing_many import remember_reminders

MANY = 250  # what an address can name, and more than a page holds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DONE, SNOOZE, HAND_OVER, DISMISS = "done", "snooze", "hand_over", "dismiss"
TITLES = {
    DONE: gettext_lazy("Done"),
    SNOOZE: gettext_lazy("Put off"),
    HAND_OVER: gettext_lazy("Hand over"),
    DISMISS: gettext_lazy("Dismiss"),
}


@require_safe
@member_required
def reminders(request: PracticeRequest) -> HttpResponse:
    """What is overdue, due today, coming, put off; by whom it is about."""
    member, today = request.member, _today(request)
    shown = reminders_page(request, member, today=today)
    context: dict[str, Any] = {
        "shown": shown,
        "here": request.get_full_path(),
        "back": "?" + urlencode({"next": request.get_full_path()}),
        "chosen": request.GET.get("chosen") == "all",
    }
    if member.is_manager:
        found = loads(today=today)
        members = sorted((load.name, load.member_id) for load in found)
        context |= {
            "members": members,
            "loads": [load for load in found if load.count or load.until],
            "behind": in_words(found),
        }
    return render(request, "touchpoints/reminders.html", context)


@require_POST
@member_required
def reminder_done(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """It is done: said so, or logged on the page that asks how."""
    found = _reminder(request, reminder_id)
    url = done_at(found, request.member) if found.state == Reminder.State.OPEN else ""
    if url and request.htmx:
        return HttpResponseClientRedirect(url)
    return redirect(url) if url else _act(request, reminder_id, DONE)


@require_http_methods(["GET", "POST"])
@member_required
def reminder_snooze(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """Ask again tomorrow, next week, or on a day."""
    return _act(request, reminder_id, SNOOZE)


@require_http_methods(["GET", "POST"])
@member_required
def reminder_hand_over(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """Another member has it from now on."""
    return _act(request, reminder_id, HAND_OVER)


@require_http_methods(["GET", "POST"])
@member_required
def reminder_dismiss(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """It need not be done, for a reason."""
    return _act(request, reminder_id, DISMISS)


@require_http_methods(["GET", "POST"])
@member_required
def reminder(request: PracticeRequest, reminder_id: int) -> HttpResponse:
    """One reminder as it stands; a post says that what was last done with it was a mistake."""
    found, at = _reminder(request, reminder_id), None
    if request.method == "POST" and (at := last_act_at(found)):
        rows = in_reach_of(request.member).filter(pk=found.pk)
        undo(rows, at=at, by=request.member, now=timezone.now())
    if request.method == "GET" or request.htmx:
        return _shown(request, _reminder(request, reminder_id))
    messages.info(request, _("It is as it was before.") if at else _("There is nothing to undo."))
    return redirect("reminders")


@require_http_methods(["GET", "POST"])
@member_required
def reminders_many(request: PracticeRequest) -> HttpResponse:
    """Those that were ticked: done, put off, handed over or dismissed in one act."""
    asked = request.POST if request.method == "POST" else request.GET
    act, ids = asked.get("act", ""), [pk for pk in map(as_id, asked.getlist("row")) if pk is not None]
    rows = visible_to(request.member).open().filter(pk__in=ids[:MANY])
    if act not in TITLES or not rows.exists():
        messages.info(request, _("Tick the reminders first."))
        return redirect(back_to(request, reverse("reminders")))
    if request.method == "POST" and act != DONE and "said" not in asked:
        query = [("act", act), *(("row", pk) for pk in ids[:MANY]), ("next", asked.get("next", ""))]
        return redirect(f"{reverse('reminders_many')}?{urlencode(query)}")
    form, now = _form(request, act), timezone.now()
    if form.is_valid():
        said = _carry_out(act, form, rows, by=request.member, now=now)
        if not form.errors:
            return _said_of_many(request, said, ids[:MANY], now)
    context = {
        "form": form,
        "act": act,
        "title": TITLES[act],
        "rows": rows,
        "next": back_to(request, reverse("reminders")),
    }
    return page(request, "touchpoints/reminders_many.html", context)


@require_POST
@member_required
def reminder_undo(request: PracticeRequest, stamp: int) -> HttpResponse:
    """What was done at that moment (microseconds since 1970) was a mistake."""
    try:
        at = EPOCH + timedelta(microseconds=stamp)
    except OverflowError as error:
        raise Http404 from error
    count = undo(in_reach_of(request.member), at=at, by=request.member, now=timezone.now())
    if count:
        text = ngettext(
            "%(n)d reminder is as it was before.", "%(n)d reminders are as they were before.", count
        )
        messages.success(request, text % {"n": count})
    else:
        messages.info(request, _("There is nothing to undo: it has changed since then."))
    return redirect("reminders")


@require_http_methods(["GET", "POST"])
@role_required(Role.MANAGER)
def reminders_load(request: PracticeRequest, member_id: int) -> HttpResponse:
    """Hand over all that a member has open: until they are back, or for good. Says first how many."""
    seat = get_object_or_404(Member.objects.select_related("user"), pk=member_id)
    now, today = timezone.now(), _today(request)
    asked = request.POST if request.method == "POST" else request.GET if "to" in request.GET else None
    if request.method == "POST" and "is_back" in request.POST:
        end_stand_in(seat, now=now)
        return done(request, _("%(name)s has their reminders again.") % {"name": seat.name}, "reminders")
    form = LoadForm(asked, besides=seat, today=today)
    if request.method == "POST" and form.is_valid():
        ids = list(Reminder.objects.open().filter(member=seat).values_list("pk", flat=True))
        said = _pass_on(seat, form.cleaned_data, by=request.member, now=now)
        is_for_good = not form.cleaned_data["until"]  # a stand-in ends by itself, or when they are back
        return _said_of_many(request, said, ids if is_for_good else [], now)
    return page(request, "touchpoints/reminders_load.html", load_page(seat, form, today=today))


def _pass_on(seat: Member, said: dict[str, Any], *, by: Member, now: datetime) -> str:
    """What was handed over for how long, in words."""
    to, until = said["to"], said["until"]
    if not until:
        return _hand_over(Reminder.objects.open().filter(member=seat), to, by=by, now=now)
    handed = arrange_stand_in(seat, stand_in=to, until=until, by=by, now=now)
    words = {"name": to.name, "day": date_format(until, "l, F j")}
    stands_in = _("%(name)s stands in until %(day)s.") % words
    return " ".join(filter(None, [stands_in, _handed_in_words(handed, to)]))


def _act(request: PracticeRequest, reminder_id: int, act: str) -> HttpResponse:
    """Ask what the act needs to know, then do it. What somebody else did meanwhile stands, and is shown."""
    found, now = _reminder(request, reminder_id), timezone.now()
    rows = visible_to(request.member).filter(pk=found.pk)
    form = _form(request, act, besides=found.member if request.method == "GET" else None)
    if not form.is_valid():
        return _shown(request, found, form)
    said = _carry_out(act, form, rows, by=request.member, now=now)
    if form.errors:
        return _shown(request, found, form)
    if request.htmx:
        return _shown(request, _reminder(request, reminder_id), said=said)
    return _said(request, said, now)


def _form(request: PracticeRequest, act: str, *, besides: Member | None = None) -> Any:
    data = request.POST if request.method == "POST" else None
    if act == SNOOZE:
        return SnoozeForm(data, today=_today(request))
    if act == HAND_OVER:
        return PassOnForm(data, besides=besides)
    return DismissForm(data) if act == DISMISS else DoneForm(data)


def _carry_out(act: str, form: Any, rows: ReminderQuerySet, *, by: Member, now: datetime) -> str:
    """What was done, in words; nothing where nothing was, or the form has an error now."""
    if act == HAND_OVER:
        return _hand_over(rows, form.cleaned_data["to"], by=by, now=now, form=form)
    if act == SNOOZE:
        day = day_in_words(form.until, form.today)
        count = snooze_all(rows, until=form.until, now=now)
        text = ngettext("Put off until %(day)s.", "%(n)d put off until %(day)s.", count)
    elif act == DISMISS:
        day, count = "", dismiss_all(rows, by=by, now=now, reason=form.reason)
        text = ngettext("Dismissed.", "%(n)d dismissed.", count)
    else:
        return _done(rows, by=by, now=now)
    return text % {"n": count, "day": day} if count else ""


def _done(rows: ReminderQuerySet, *, by: Member, now: datetime) -> str:
    """Those are closed of which nothing has to be logged; the others wait for their own act."""
    count = close_all(rows.exclude(rule__in=DONE_ELSEWHERE), by=by, now=now)
    kept = rows.open().filter(rule__in=DONE_ELSEWHERE).count()
    said = [ngettext("Done.", "%(n)d done.", count) % {"n": count}] if count else []
    stays = ngettext(
        "%(n)d stays until it is logged: by its own button, or dismissed.",
        "%(n)d stay until they are logged: by their own buttons, or dismissed.",
        kept,
    )
    return " ".join([*said, *([stays % {"n": kept}] if kept else [])])


def _hand_over(rows: ReminderQuerySet, to: Member, *, by: Member, now: datetime, form: Any = None) -> str:
    handed = hand_over_all(rows, to=to, by=by, now=now)
    if form and handed.kept and not handed.count:
        form.add_error("to", _("%(name)s could not act on it.") % {"name": to.name})
        return ""
    return _handed_in_words(handed, to)


def _handed_in_words(handed: HandedOver, to: Member) -> str:
    words = {"name": to.name, "n": handed.count, "kept": handed.kept}
    kept = ngettext(
        "%(kept)d stays: %(name)s could not act on it.",
        "%(kept)d stay: %(name)s could not act on them.",
        handed.kept,
    )
    said = ngettext("Handed over to %(name)s.", "%(n)d handed over to %(name)s.", handed.count)
    told = [said % words] if handed.count else []
    return " ".join([*told, *([kept % words] if handed.kept else [])])


def _reminder(request: PracticeRequest, reminder_id: int) -> Reminder:
    return get_object_or_404(in_reach_of(request.member), pk=reminder_id)


def _today(request: PracticeRequest) -> Any:
    return request.member.practice.today(timezone.now())


def _said(request: PracticeRequest, said: str, at: datetime) -> HttpResponse:
    """Back to the page, with what was done and a way to undo it; somebody else may have been quicker."""
    if not said:
        messages.info(request, _("It was done or changed meanwhile: this is how it stands."))
        return redirect(back_to(request, reverse("reminders")))
    stamp = (at - EPOCH) // timedelta(microseconds=1)
    url = reverse("reminder_undo", args=[stamp]) if acted_at(at).exists() else ""
    messages.success(request, said, extra_tags=url)
    return redirect(back_to(request, reverse("reminders")))


def _said_of_many(request: PracticeRequest, said: str, ids: list[int], at: datetime) -> HttpResponse:
    """The same of several at once, which can be taken back for as long as any act."""
    rows = Reminder.objects.filter(pk__in=ids)
    act = remember_reminders(rows, said=said, by=request.member, now=at) if said else None
    if act is None:
        return _said(request, said, at)
    return done(request, said, back_to(request, reverse("reminders")), undo=undo_url(act))


def _shown(request: PracticeRequest, found: Reminder, form: Any = None, *, said: str = "") -> HttpResponse:
    """The row as it stands, in place; without scripting a page of its own."""
    context = {
        "line": lines_of([found], request.member, today=_today(request))[0],
        "form": form,
        "form_url": request.path,
        "next": back_to(request, reverse("reminders")),
        "said": said,
    }
    if form is None and request.method == "POST":
        context["tabs"] = _tabs_behind(request)
    template = "touchpoints/_reminder_answer.html" if request.htmx else "touchpoints/reminder.html"
    return render(request, template, context, status=422 if form is not None and form.is_bound else 200)


def _tabs_behind(request: PracticeRequest) -> list[Tab]:
    """The parts of the page on which the row stands, as they count now; none where it is no such page."""
    path, _mark, query = (request.htmx.current_url_abs_path or "").partition("?")
    if path != reverse("reminders"):
        return []
    return tabs_on(QueryDict(query), request.member, today=_today(request))
