"""The card queue: cards are written, mailed, handed over and printed, many at once."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.models import Member
from practices.pages import back_to, done, query_with
from practices.requests import PracticeRequest
from practices.roles import DECIDES_THANK_YOUS, member_required
from practices.undo import undo_url
from practices.weeks import Week
from touchpoints import thank_you_acts as acts
from touchpoints.card_forms import HAND_OVER, CardsForm, HandOverSeveralForm, PrintForm
from touchpoints.card_queue import MARKED, WAITING, card_queue, waiting_cards
from touchpoints.models import Stationery, ThankYou
from touchpoints.printing.cards import Card, cards_of, with_problems
from touchpoints.printing.documents import Document, Kind, stationery_of
from touchpoints.thank_you_rows import may_pass_on
from touchpoints.undoing_many import hand_cards_over, remember_marked
from touchpoints.views.thank_you_acts import page_of, row_to_write

State = ThankYou.State
PRINTED_STATES = (*WAITING, State.MAILED)  # a mailed card may come back for want of an address


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def thank_you_cards(request: PracticeRequest) -> HttpResponse:
    """The cards on their way; a post marks, hands over or prints those chosen."""
    if request.method != "POST":
        return _queue(request)
    form = CardsForm(request.POST)
    if not form.is_valid():
        messages.info(request, _("Choose the cards first."))
        return redirect(back_to(request, reverse("thank_you")))
    act, ids = form.cleaned_data["act"], sorted(form.cleaned_data["row"])[:MARKED]
    if act in list(Kind):
        return _to_document(request, Kind(act), ids)
    rows = [row_to_write(request, row_id) for row_id in ids]
    return _hand_over(request, rows) if act == HAND_OVER else _mark(request, rows, act)


@require_POST
@member_required
def thank_you_put_back(request: PracticeRequest) -> HttpResponse:
    """Undo what was marked on a card: `?written=6` says what it was before."""
    row = None
    for state in (State.CALLED, State.TO_WRITE, State.WRITTEN):
        for row_id in _numbers(request.GET.get(state, ""))[:MARKED]:
            row = row_to_write(request, row_id)
            _put_back(request, row, to=state)
    return redirect(page_of(request, row) if row else reverse("thank_you"))


@require_safe
@member_required
def cards_printed(request: PracticeRequest, kind: str) -> HttpResponse:
    """Writing sheet, labels or envelopes of the cards named in `?rows=4-5`, otherwise of all that wait."""
    rows = waiting_cards(request.member)
    if wanted := request.GET.get("rows"):
        ids = set(_numbers(wanted))
        rows = ThankYou.objects.visible_to(request.member).filter(pk__in=ids, state__in=PRINTED_STATES)
        if rows.count() != len(ids):
            raise Http404
    return _printed(request, kind, rows)


@require_safe
@member_required
def week_cards_printed(request: PracticeRequest, week: Week, kind: str) -> HttpResponse:
    """The same for the cards of one week that wait, `?physician=7` alone if asked."""
    rows = waiting_cards(request.member).filter(list__week_starts_on=week.monday)
    if physician := _number(request.GET.get("physician", "")):
        rows = rows.filter(list__physician=physician)
    return _printed(request, kind, rows)


def _queue(request: PracticeRequest) -> HttpResponse:
    member, physician = request.member, request.GET.get("physician", "")
    shown = card_queue(
        request,
        member,
        stage=request.GET.get("stage", ""),
        physician_id=_number(physician),
        today=member.practice.today(timezone.now()),
    )
    is_chosen = request.GET.get("chosen") == "all"
    members = _members()
    physicians = [one for one in members if one.is_physician]
    context = {
        "shown": shown,
        "chosen": is_chosen,
        "choose_url": query_with(request, stage=shown.stage, chosen=None if is_chosen else "all"),
        "physician": physician,
        "physicians": [] if member.is_physician else physicians,
        "hand_over": HandOverSeveralForm(members=members if shown.may_decide else []),
        "printing": PrintForm(stationery=Stationery.objects.first() or Stationery()),
    }
    return render(request, "touchpoints/cards.html", context)


def _members() -> list[Member]:
    return list(Member.objects.active().select_related("user").order_by("user__name"))


def _mark(request: PracticeRequest, rows: list[ThankYou], act: str) -> HttpResponse:
    mark, states = {
        "written": (acts.mark_written, [State.TO_WRITE]),
        "mailed": (acts.mark_mailed, [State.TO_WRITE, State.WRITTEN]),
    }[act]
    changed, now = [row for row in rows if row.state in states], timezone.now()
    for row in changed:
        mark(row, by=request.member, now=now)
    if not changed:
        messages.info(request, _("Those cards were marked already."))
        return redirect(back_to(request, reverse("thank_you")))
    text = {
        "written": ngettext("%(n)d card is written.", "%(n)d cards are written.", len(changed)),
        "mailed": ngettext("%(n)d card is mailed.", "%(n)d cards are mailed.", len(changed)),
    }[act]
    said = text % {"n": len(changed)}
    done_so = remember_marked(changed, said=said, by=request.member, now=now)
    return done(request, said, back_to(request, page_of(request, changed[0])), undo=undo_url(done_so))


def _put_back(request: PracticeRequest, row: ThankYou, *, to: State) -> None:
    try:
        acts.put_back(row, to=to, by=request.member, now=timezone.now())
    except acts.NotPossible as refusal:
        messages.info(request, str(refusal))
    else:
        words = {"name": row.provider.short_name, "state": to.label}
        messages.success(request, _("Taken back: %(name)s is %(state)s again.") % words)


def _hand_over(request: PracticeRequest, rows: list[ThankYou]) -> HttpResponse:
    """To somebody, or back to each card's physician."""
    decides = request.member.role in DECIDES_THANK_YOUS
    form = HandOverSeveralForm(request.POST, members=_members() if decides else [])
    if not form.is_valid():
        raise PermissionDenied(_("You can give a card back to its physician, and to nobody else."))
    chosen = form.cleaned_data["to"]
    to = {row.pk: None if chosen == row.list.physician else chosen for row in rows}
    if not all(may_pass_on(request.member, row, to=to[row.pk]) for row in rows):
        raise PermissionDenied(_("You can give a card back to its physician, and to nobody else."))
    name = chosen.name if chosen else _("the physician")
    text = ngettext("%(n)d card is with %(name)s now.", "%(n)d cards are with %(name)s now.", len(rows))
    said = text % {"n": len(rows), "name": name}
    act = hand_cards_over(rows, to, said=said, by=request.member, now=timezone.now())
    return done(request, said, back_to(request, reverse("thank_you_cards")), undo=undo_url(act))


def _to_document(request: PracticeRequest, kind: Kind, ids: list[int]) -> HttpResponse:
    """An address of its own, so that it can be opened beside the queue and printed again."""
    query = {"rows": "-".join(map(str, ids))}
    for name in ("sheet", "start", "envelope"):
        if value := request.POST.get(name):
            query[name] = value
    return redirect(f"{reverse('cards_printed', args=[kind])}?{urlencode(query)}")


def _printed(request: PracticeRequest, kind: str, rows: QuerySet[ThankYou]) -> HttpResponse:
    """The PDF; a page that names what can't be printed, when something can't."""
    if kind not in list(Kind):
        raise Http404
    practice = request.member.practice
    cards = cards_of(rows, practice=practice, today=practice.today(timezone.now()))
    if not cards:
        messages.info(request, _("No card waits to be printed."))
        return redirect("thank_you_cards")
    form = PrintForm(request.GET, stationery=stationery_of(practice))
    document = form.document(Kind(kind)) if form.is_valid() else None
    problems = with_problems(cards, document.problem) if document else []
    if document and not problems:
        return _pdf(document, cards)
    return _not_printed(request, kind, form, cards, problems)


def _pdf(document: Document, cards: list[Card]) -> HttpResponse:
    response = HttpResponse(document.pdf(cards), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{document.kind}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


def _not_printed(
    request: PracticeRequest, kind: str, form: PrintForm, cards: list[Card], problems: list[tuple[Card, str]]
) -> HttpResponse:
    failed = {card.row_id for card, _why in problems}
    others = [card.row_id for card in cards if card.row_id not in failed]
    query = {name: request.GET[name] for name in ("sheet", "start", "envelope") if name in request.GET}
    query["rows"] = "-".join(map(str, others))
    context = {
        "form": form,
        "problems": problems,
        "others": len(others) if problems else 0,
        "others_url": f"{reverse('cards_printed', args=[kind])}?{urlencode(query)}",
    }
    return render(request, "touchpoints/card_problems.html", context, status=422)


def _numbers(text: str) -> list[int]:
    return [number for part in text.split("-") if (number := _number(part)) is not None]


def _number(text: str) -> int | None:
    """A row's number; longer ones than the database counts to are none."""
    return int(text) if text.isdecimal() and len(text) < 19 else None
