"""The gift ledger: recorded after the running totals were shown, withdrawn, cured, exported; the years' limits."""

from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.models import Provider
from contacts.senders import main_office
from practices.drafts import drop_draft, keeps_draft
from practices.models import UndoableAct
from practices.pages import as_id, done, key_page, page, page_of_acts
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, member_required, role_required
from practices.shared_rows import for_change
from practices.undo import undo_url
from touchpoints import gift_ledger, undoing
from touchpoints.gift_export import gifts_csv
from touchpoints.gift_forms import GiftForm, LimitForm, ReturnForm, WithdrawGiftForm
from touchpoints.gift_ledger import NotSeen, Preview, record_gift
from touchpoints.gift_pages import account_lines, preview_lines
from touchpoints.meeting_people import People
from touchpoints.models import Gift, GiftLimit, GiftReturn, Meeting
from touchpoints.touchpoint_log import NotPossible
from touchpoints.views.asking import Asked, ask, kept_here
from touchpoints.views.touchpoints import carry_out

FORM_METHODS = require_http_methods(["GET", "POST"])
DRAFT = "gift"
YEARS = range(2000, 2200)


@require_safe
@member_required
def gifts(request: PracticeRequest) -> HttpResponse:
    """A year: each physician's total against the limit, and what was given, the newest first."""
    return _ledger(request, _year(request))


def _ledger(request: PracticeRequest, year: int, form: Any = None) -> HttpResponse:
    today, limits = request.member.practice.today(timezone.now()), gift_ledger.limits_by_year()
    provider = _named(request, "provider", Provider.objects.current())
    found = gift_ledger.accounts(year, providers=[provider] if provider else None, limits=limits)
    context = {
        "year": year,
        "years": sorted({*limits, today.year, year}, reverse=True),
        "limit": limits.get(year),
        "provider": provider,
        "lines": account_lines(found, today=today),
        "page": _gifts_page(request, year, provider),
        "returns": [back for account in found for back in account.recorded],
        "form": form,
        "return_form": ReturnForm(),
        "take_back_form": WithdrawGiftForm(),
    }
    return page(request, "touchpoints/gifts.html", context)


def _gifts_page(request: PracticeRequest, year: int, provider: Provider | None) -> Any:
    rows = Gift.objects.filter(given_on__year=year).select_related("meeting", "logged_by__user")
    if provider:
        rows = rows.filter(pk__in=provider.gift_shares.values("gift"))
    return key_page(
        request,
        rows.order_by("-given_on", "-pk"),
        key=lambda row: (row.given_on.isoformat(), row.pk),
        after=lambda rows, key: _after(rows, date.fromisoformat(key[0]), int(key[1])),
    )


def _after(rows: QuerySet, day: date, pk: int) -> QuerySet:
    return rows.filter(Q(given_on__lt=day) | Q(given_on=day, pk__lt=pk))


@FORM_METHODS
@keeps_draft(DRAFT)
@member_required
def gift_new(request: PracticeRequest) -> HttpResponse:
    """Record what was given: first the running totals are shown, then it is written."""
    now, member = timezone.now(), request.member
    meeting, asked = _asked(request, now)
    preview = None
    if asked.is_valid():
        people = _people(asked, meeting)
        try:
            with transaction.atomic():
                gift = record_gift(
                    asked.form.instance, people=people, by=member, now=now, **asked.form.answers()
                )
            drop_draft(member, form=DRAFT)
            return done(request, _("Recorded."), *(("meeting", meeting.pk) if meeting else ("gift", gift.pk)))
        except NotSeen as first:
            preview = first.preview
        except NotPossible as refusal:
            asked.form.add_error(None, str(refusal))
            preview = _preview_again(asked, people)
        if preview:
            asked.form.show(preview.key)
    context = {
        "meeting": meeting,
        "preview": preview,
        "parts": preview_lines(preview) if preview else [],
        "draft": DRAFT,
    }
    return asked.answer(request, "touchpoints/gift_new.html", context)


def _asked(request: PracticeRequest, now: datetime) -> tuple[Meeting | None, Asked]:
    meeting = _named(request, "meeting", Meeting.objects.held().select_related("practice", "office"))
    provider = _named(request, "provider", Provider.objects.active())
    today = request.member.practice.today(now)
    gift = Gift(meeting=meeting, given_on=meeting.held_on if meeting else today)
    down = People.at(meeting) if meeting else People((provider,) if provider else ())
    is_fixed = meeting is not None and bool(down.theirs)
    asked = ask(
        request,
        lambda data, typed: GiftForm(data, initial=typed, instance=gift, today=today),
        draft=kept_here(request, form=DRAFT),
        down=down,
        office=meeting.office if meeting else main_office(provider) if provider else None,
        asks_office=not is_fixed,
        is_fixed=is_fixed,
    )
    return meeting, asked


def _people(asked: Asked, meeting: Meeting | None) -> People:
    """A meal of a meeting is everybody's who was there, where it is known; otherwise theirs who are ticked."""
    is_meal = asked.form.cleaned_data["nature"] == Gift.Nature.MEAL
    return People.at(meeting) if meeting and is_meal and asked.present.is_fixed else asked.present.down


def _preview_again(asked: Asked, people: People) -> Preview | None:
    """What was shown stays in sight while the reason is asked for."""
    return gift_ledger.preview_of(asked.form.instance, people) if asked.form.cleaned_data["seen"] else None


@require_safe
@member_required
def gift(request: PracticeRequest, gift_id: int) -> HttpResponse:
    """One gift, and what it is to each."""
    return _shown(request, _gift(gift_id))


@require_POST
@member_required
def gift_withdraw(request: PracticeRequest, gift_id: int) -> HttpResponse:
    """It was recorded in error."""
    row, form = _gift(gift_id), WithdrawGiftForm(request.POST)
    if not _may_withdraw(request, row):
        raise PermissionDenied(_("This is for whoever recorded it, and for the manager."))

    acts: list[UndoableAct | None] = []

    def act() -> None:
        reason = form.cleaned_data["reason"]
        acts.append(undoing.withdraw_gift(row, by=request.member, now=timezone.now(), reason=reason))

    if carry_out(form, act):
        return done(request, _("Withdrawn."), "gift", row.pk, undo=undo_url(acts[0]))
    return _shown(request, row, form)


@require_POST
@role_required(*ADMINISTERS)
def gift_return(request: PracticeRequest, year: int, provider_id: int) -> HttpResponse:
    """The physician gave the excess of that year back."""
    provider = get_object_or_404(Provider.objects.current(), pk=provider_id)
    form = ReturnForm(request.POST)

    def act() -> Any:
        who = {"by": request.member, "now": timezone.now()}
        return gift_ledger.return_excess(provider, year=_known(year), on=form.cleaned_data["on"], **who)

    if carry_out(form, act):
        return done(request, _("Recorded: the excess was returned."), f"{reverse('gifts')}?year={year}")
    return _ledger(request, _known(year), form)


@require_POST
@role_required(*ADMINISTERS)
def gift_return_withdraw(request: PracticeRequest, return_id: int) -> HttpResponse:
    """The return was recorded in error."""
    back, form = get_object_or_404(GiftReturn.objects.all(), pk=return_id), WithdrawGiftForm(request.POST)

    acts: list[UndoableAct | None] = []

    def act() -> None:
        reason = form.cleaned_data["reason"]
        acts.append(undoing.take_gift_return_back(back, by=request.member, now=timezone.now(), reason=reason))

    if carry_out(form, act):
        url = f"{reverse('gifts')}?year={back.year}"
        return done(request, _("Taken back."), url, undo=undo_url(acts[0]))
    return _ledger(request, back.year, form)


@require_POST
@role_required(*ADMINISTERS)
def gift_count(request: PracticeRequest, year: int, provider_id: int) -> HttpResponse:
    """What was recorded before they were known as a physician counts too."""
    provider, form = get_object_or_404(Provider.objects.current(), pk=provider_id), Form(request.POST)
    acts: list[UndoableAct | None] = []

    def act() -> None:
        who = {"by": request.member, "now": timezone.now()}
        acts.append(undoing.count_gifts(provider, year=_known(year), **who))

    if carry_out(form, act):
        url = f"{reverse('gifts')}?year={year}"
        return done(request, _("It counts now."), url, undo=undo_url(acts[0]))
    return _ledger(request, _known(year), form)


@require_safe
@role_required(*ADMINISTERS)
def gifts_exported(request: PracticeRequest, year: int) -> HttpResponse:
    """The year as a file for a spreadsheet, of one physician where the address names one."""
    provider = _named(request, "provider", Provider.objects.current())
    answer = HttpResponse(gifts_csv(_known(year), provider), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="gifts-{year}.csv"'
    return answer


@FORM_METHODS
@role_required(*ADMINISTERS)
def gift_limits(request: PracticeRequest) -> HttpResponse:
    """The limit of each year, with its source; a year more."""
    limits = gift_ledger.limits_by_year()
    first = {"year": request.GET.get("year", "")}
    today = request.member.practice.today(timezone.now())
    form = LimitForm(request.POST if request.method == "POST" else None, initial=first, today=today)
    if form.is_valid():
        form.save()
        return done(
            request, _("The limit of %(year)d is entered.") % {"year": form.instance.year}, "gift_limits"
        )
    return page(request, "touchpoints/gift_limits.html", {"limits": limits.values(), "form": form})


@FORM_METHODS
@role_required(*ADMINISTERS)
def gift_limit(request: PracticeRequest, year: int) -> HttpResponse:
    """Mend a year's number, or say that it was checked."""
    row = get_object_or_404(for_change(request, GiftLimit.objects.all()), year=_known(year))
    today = request.member.practice.today(timezone.now())
    form = LimitForm(request.POST if request.method == "POST" else None, instance=row, today=today)
    if form.is_valid():
        form.save()
        return done(request, form.saved(_("Saved.")), "gift_limits")
    return page(request, "touchpoints/gift_limit.html", {"limit": row, "form": form})


@require_POST
@role_required(*ADMINISTERS)
def gift_limit_remove(request: PracticeRequest, year: int) -> HttpResponse:
    """Take a year's limit away that nothing stands on."""
    row = get_object_or_404(GiftLimit.objects.all(), year=_known(year))
    form, acts = Form(request.POST), []

    def act() -> None:
        acts.append(undoing.remove_gift_limit(row, by=request.member, now=timezone.now()))

    if carry_out(form, act):
        return done(request, _("Removed."), "gift_limits", undo=undo_url(acts[0]))
    today = request.member.practice.today(timezone.now())
    context = {"limit": row, "form": LimitForm(instance=row, today=today), "refused": form}
    answer = page(request, "touchpoints/gift_limit.html", context)
    answer.status_code = 422
    return answer


def _year(request: PracticeRequest) -> int:
    """The year asked for; this one where none is, or none there could be."""
    wanted = as_id(request.GET.get("year", ""))
    return wanted if wanted and wanted in YEARS else request.member.practice.today(timezone.now()).year


def _known(year: int) -> int:
    if year not in YEARS:
        raise Http404
    return year


def _named(request: PracticeRequest, name: str, rows: QuerySet) -> Any:
    """The row an address names; None where it names none."""
    wanted = request.GET.get(name, "")
    return get_object_or_404(rows, pk=as_id(wanted)) if wanted else None


def _gift(gift_id: int) -> Gift:
    rows = Gift.objects.select_related("meeting", "logged_by__user", "withdrawn_by__user")
    return get_object_or_404(rows, pk=gift_id)


def _may_withdraw(request: PracticeRequest, row: Gift) -> bool:
    return request.member.is_manager or row.logged_by_id == request.member.pk


def _shown(request: PracticeRequest, row: Gift, form: WithdrawGiftForm | None = None) -> HttpResponse:
    is_offered = _may_withdraw(request, row) and row.withdrawn_at is None
    context = {
        "gift": row,
        "shares": gift_ledger.shares_of(row),
        "may_withdraw": is_offered,
        "withdraw": form or WithdrawGiftForm(),
    }
    return page_of_acts(request, "touchpoints/gift.html", context, failed=form, is_offered=is_offered)
