"""What each role finds on top when the day begins: the next thing, then what else waits, each opening its rows."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider, Referral
from contacts.models.referrals import Status
from contacts.referral_rows import TONES as REFERRAL_TONES
from contacts.referral_rows import ReferralRow, referral_rows, sender_of
from contacts.standing import TONES, Rhythm, Standing, in_words, providers_with_rhythm, standing_on
from practices.addresses import page_url, row_url
from practices.models import Member, Practice
from practices.roles import Role
from touchpoints.card_queue import waiting_cards
from touchpoints.home_offices import Waiting, Waits, first_offices, waiting_column
from touchpoints.home_parts import Figure, HomePage, HomeRow, Kept, Section
from touchpoints.models import Reminder, ThankYou, ThankYouList
from touchpoints.reminder_pages import lines_of, own_of
from touchpoints.suggestions import asking_for_a_call, facts_of, reports_due
from touchpoints.thank_you_pages import ListLine, with_progress
from touchpoints.thank_you_rows import ASK_FOR_CALL

SHOWN = 6
OFFICES_SHOWN = 2 * SHOWN
QUIET = (Standing.DECLINING, Standing.LAPSED)


def home_page(member: Member, *, now: datetime, kept: Kept) -> HomePage:
    """The home of the member's role."""
    return HOMES[Role(member.role)](member, now, kept)


def _intake_home(member: Member, now: datetime, kept: Kept) -> HomePage:
    """Manager and coordinator: intake, who sent this, lists still open, overdue, new and quiet referrers."""
    today = member.practice.today(now)
    lists = [ListLine.of(one) for one in _unfinished(ThankYouList.objects.all())]
    overdue = Referral.objects.overdue(now).with_what_a_row_shows()
    rows = referral_rows(overdue.order_by("next_action_due_at", "pk")[:SHOWN], member=member, now=now)
    found = _intake_counts(member, now, today, kept)
    quiet, new = _quiet_and_new(kept.noteworthy(Provider.objects.active(), found["kept"]), today)
    return HomePage(
        figures=_intake_figures(found, today),
        kept=found["kept"],
        sections=[
            _overdue_section(rows),
            _lists_section(lists, member),
            *_relationship_sections(quiet, new, today),
        ],
    )


def _overdue_section(rows: list[ReferralRow]) -> Section:
    shown = [
        HomeRow(
            title=f"{row.next_action}: {row.who}",
            url=row.url,
            note=", ".join(filter(None, [row.sender, row.owner, _due(row.due_at)])),
            label=row.status,
            tone=row.tone,
        )
        for row in rows
    ]
    return Section("overdue", _("Overdue next steps"), shown, page_url("referrals") + "?status=overdue")


def _intake_counts(member: Member, now: datetime, today: date, kept: Kept) -> dict[str, Any]:
    return _counts(
        member.practice,
        kept=kept.figures,
        sender=Referral.objects.awaiting_provider(),
        overdue=Referral.objects.overdue(now),
        patient=Referral.objects.awaiting_patient(),
        cards=_cards_of(member),
        waiting=waiting_cards(member) if member.is_manager else ThankYou.objects.none(),
        reports=reports_due(),
        reminders=own_of(member).due_on(today),
        today=Referral.objects.standing().filter(received_on=today),
    )


def _intake_figures(found: Mapping[str, Any], today: date) -> list[Figure]:
    to, day = page_url("referrals"), today.isoformat()
    return [
        Figure(
            found["overdue"],
            ngettext("%(n)d next step is overdue", "%(n)d next steps are overdue", found["overdue"]),
            f"{to}?status=overdue",
        ),
        Figure(
            found["sender"],
            ngettext(
                "%(n)d referral asks: who sent this?", "%(n)d referrals ask: who sent this?", found["sender"]
            ),
            f"{to}?awaiting=provider",
        ),
        Figure(
            found["patient"],
            ngettext("%(n)d patient is to complete", "%(n)d patients are to complete", found["patient"]),
            f"{to}?awaiting=patient",
        ),
        _cards_figure(found["cards"]),
        _waiting_figure(found["waiting"]),
        _reminders_figure(found["reminders"]),
        Figure(
            found["reports"],
            ngettext("%(n)d report back is due", "%(n)d reports back are due", found["reports"]),
            page_url("report_back"),
        ),
        Figure(
            found["today"],
            ngettext("%(n)d referral came in today", "%(n)d referrals came in today", found["today"]),
            f"{to}?received_from={day}&received_until={day}",
        ),
    ]


def _physician_home(member: Member, now: datetime, kept: Kept) -> HomePage:
    """This week's thank-yous, calls to make, report-backs due, own reminders."""
    today = member.practice.today(now)
    unfinished = list(_unfinished(ThankYouList.objects.visible_to(member), kept=kept.figures))
    lists = [ListLine.of(one) for one in unfinished]
    due = _counted(reports_due().filter(physician=member).order_by("next_action_due_at", "pk"))
    reports = list(due.select_related("provider", "office"))
    reminders = list(_counted(own_of(member).due_on(today)))
    count = _total(reports)
    text = ngettext("%(n)d referrer waits for your word", "%(n)d referrers wait for your word", count)
    return HomePage(
        figures=[
            *[Figure(1, _list_in_words(line), line.url, is_counted=False) for line in lists],
            Figure(count, text, page_url("report_back")),
            *_cards_on_lists(lists),
            _reminders_figure(_total(reminders)),
        ],
        # A list brings the figures along, whose rows take a query of their own.
        kept=unfinished[0].kept if unfinished else _counts(member.practice, kept=kept.figures)["kept"],
        sections=[
            Section("calls", _("Calls to make"), _calls(lists, member, today)),
            _reports_section(reports),
            _reminders_section(reminders, member, today),
        ],
    )


def _liaison_home(member: Member, now: datetime, kept: Kept) -> HomePage:
    """Their offices and what waits there, who has gone quiet, cards handed over, reminders."""
    today = member.practice.today(now)
    column = waiting_column(member, today, most=OFFICES_SHOWN)
    found = _counts(member.practice, cards_of=_cards_of(member), kept=kept.figures, waiting=column)
    reminders = list(_counted(own_of(member).due_on(today)))
    own = Provider.objects.active().in_territory_of(member.pk)
    waiting = Waiting.of(found["waiting"])
    quiet, new = _quiet_and_new(kept.noteworthy(own, found["kept"]), today)
    return HomePage(
        figures=[
            _cards_figure(found["cards_of"]),
            _reminders_figure(_total(reminders)),
            _offices_figure(waiting.offices),
        ],
        kept=found["kept"],
        sections=[
            Section("offices", _("Your offices"), _office_rows(member, waiting, today), page_url("offices")),
            _reminders_section(reminders, member, today),
            *_relationship_sections(quiet, new, today),
        ],
    )


HOMES: dict[str, Callable[[Member, datetime, Kept], HomePage]] = {
    Role.MANAGER: _intake_home,
    Role.COORDINATOR: _intake_home,
    Role.PHYSICIAN: _physician_home,
    Role.LIAISON: _liaison_home,
}


def _unfinished(lists: QuerySet[ThankYouList], **also: Any) -> QuerySet[Any]:
    """Lists on which something is left to do, the newest first."""
    found = with_progress(lists.filter(finished_at=None)).annotate(**also)
    return found.order_by("-week_starts_on", "physician__user__name")[:SHOWN]


def _lists_section(lists: list[ListLine], member: Member) -> Section:
    opens = page_url("thank_you")
    rows = [
        HomeRow(
            title=line.physician,
            url=line.url if member.is_manager else "",
            note=f"{line.week_words}: {line.what_is_left}",
        )
        for line in lists
    ]
    return Section("lists", _("Thank-you lists still open"), rows, opens)


def _list_in_words(line: ListLine) -> str:
    words = {"week": line.week_words, "left": line.what_is_left}
    return _("Your thank-yous of %(week)s: %(left)s") % words


def _calls(lists: list[ListLine], member: Member, today: date) -> list[HomeRow]:
    """Whom the newest open list suggests to call."""
    if not lists:
        return []
    rows = asking_for_a_call(ThankYou.objects.undecided().filter(list=lists[0].id))
    facts = facts_of(rows, practice=member.practice, today=today, reader=member)
    return [
        HomeRow(
            title=str(fact.row.provider),
            url=lists[0].url_of(fact.row),
            note=fact.reason,
            phone=fact.row.provider.phone or fact.office.get("phone", ""),
            log_url=row_url("thank_you_call", fact.row.pk),
        )
        for fact in facts
        if fact.suggestion in ASK_FOR_CALL
    ][:SHOWN]


def _reports_section(reports: list[Referral]) -> Section:
    rows = [
        HomeRow(
            title=sender_of(referral),
            url=row_url("referral", referral.pk),
            note=", ".join(filter(None, [referral.patient_initials, _due(referral.next_action_due_at)])),
            label=referral.get_status_display(),
            tone=REFERRAL_TONES[Status(referral.status)],
            log_url=f"{page_url('touchpoint_new')}?kind=call&referral={referral.pk}",
        )
        for referral in reports
    ]
    return Section("reports", _("Reports back due"), rows, page_url("report_back"))


def _reminders_section(reminders: list[Reminder], member: Member, today: date) -> Section:
    rows = [
        HomeRow(title=line.reminder.reason, url=line.url or page_url("reminders"), note=line.due)
        for line in lines_of(reminders, member, today=today)
    ]
    return Section("reminders", _("Reminders"), rows, page_url("reminders"), is_aside=True)


def _cards_of(member: Member) -> QuerySet[ThankYou]:
    return ThankYou.objects.filter(assignee=member, state__in=["to_write", "written"])


def _cards_figure(count: int) -> Figure:
    text = ngettext("%(n)d card was handed over to you", "%(n)d cards were handed over to you", count)
    return Figure(count, text, page_url("thank_you_cards"))


def _waiting_figure(count: int) -> Figure:
    text = ngettext(
        "%(n)d card waits to be written or mailed", "%(n)d cards wait to be written or mailed", count
    )
    return Figure(count, text, page_url("thank_you_cards"))


def _cards_on_lists(lists: list[ListLine]) -> list[Figure]:
    """The way to the cards; each list's own sentence has said how many."""
    waits = any(line.to_write or line.to_mail for line in lists)
    text = _("Your cards to write and to mail")
    return [Figure(1, text, page_url("thank_you_cards"), is_counted=False)] if waits else []


def _reminders_figure(count: int) -> Figure:
    text = ngettext("%(n)d reminder is due", "%(n)d reminders are due", count)
    return Figure(count, text, page_url("reminders"))


def _offices_figure(count: int) -> Figure:
    text = ngettext("Something waits at %(n)d office", "Something waits at %(n)d offices", count)
    return Figure(count, text, "#offices")


def _office_rows(member: Member, waiting: Waiting, today: date) -> list[HomeRow]:
    return [
        HomeRow(
            title=str(office),
            url=row_url("office", office.pk),
            note=", ".join(filter(None, [office.place, _visited(office.visited_on, today)])),
            label=_what_waits(office.waits),
            tone="due",
            phone=office.phone,
        )
        for office in first_offices(member, waiting, most=OFFICES_SHOWN)
    ]


def _what_waits(waits: Waits) -> str:
    parts = [
        (waits.reports, ngettext("%(n)d report due", "%(n)d reports due", waits.reports)),
        (waits.cards, ngettext("%(n)d card waits", "%(n)d cards wait", waits.cards)),
        (waits.due, ngettext("%(n)d reminder", "%(n)d reminders", waits.due)),
    ]
    return ", ".join(text % {"n": count} for count, text in parts if count)


def _visited(on: date | None, today: date) -> str:
    if on is None:
        return _("not visited yet")
    days = (today - on).days
    return ngettext("visited %(n)d day ago", "visited %(n)d days ago", days) % {"n": days}


def _quiet_and_new(
    providers: QuerySet, today: date
) -> tuple[list[tuple[Any, Rhythm]], list[tuple[Any, Rhythm]]]:
    """Who has gone quiet, those who used to send most first; and who is new, the newest first."""
    known = providers_with_rhythm(providers, today)
    quiet = [one for one in known if standing_on(today, one[1]) in QUIET]
    new = [one for one in known if standing_on(today, one[1]) == Standing.NEW]
    quiet.sort(key=lambda one: -one[1].days)
    new.sort(key=lambda one: one[1].first_ever_on or today, reverse=True)
    return quiet, new


def _relationship_sections(
    quiet: list[tuple[Any, Rhythm]], new: list[tuple[Any, Rhythm]], today: date
) -> list[Section]:
    to = page_url("providers")
    declining, fresh = f"{to}?standing={Standing.DECLINING}", f"{to}?standing={Standing.NEW}"
    return [
        Section(
            "quiet", _("Gone quiet"), [_relationship(*one, today) for one in quiet[:SHOWN]], declining, True
        ),
        Section("new", _("New referrers"), [_relationship(*one, today) for one in new[:SHOWN]], fresh, True),
    ]


def _relationship(provider: Any, rhythm: Rhythm, today: date) -> HomeRow:
    standing = standing_on(today, rhythm)
    return HomeRow(
        title=str(provider),
        url=row_url("provider", provider.pk),
        note=in_words(today, rhythm),
        label=standing.label,
        tone=TONES[standing],
    )


def _due(at: datetime | None) -> str:
    return _("due %(day)s") % {"day": date_format(localtime(at), "F j")} if at else ""


def _counted(rows: QuerySet) -> QuerySet:
    """The first rows, each with how many there are in all."""
    return rows.annotate(in_all=_count(rows))[:SHOWN]


def _total(rows: list[Any]) -> int:
    return rows[0].in_all if rows else 0


def _counts(practice: Practice, **rows: Any) -> dict[str, Any]:
    """How many rows each has, and columns as they are, from one query."""
    counts = {
        f"count_{name}": _count(which) if isinstance(which, QuerySet) else which
        for name, which in rows.items()
    }
    found = Practice.objects.annotate(**counts).get(pk=practice.pk)
    return {name: getattr(found, f"count_{name}") for name in rows}


def _count(rows: QuerySet) -> Coalesce:
    per_practice = rows.order_by().values("practice").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(per_practice), Value(0))
