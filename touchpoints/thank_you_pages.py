"""The thank-you pages' data, put together before the template: a week's lists, and the rows of the chosen one."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from django.db.models import Case, Count, Q, QuerySet, When
from django.urls import reverse
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Provider, Referral
from practices.models import Member, Practice
from practices.pages import PAGE_ROWS, KeyPage
from practices.roles import DECIDES_THANK_YOUS
from practices.weeks import Week
from touchpoints.models import ThankYou, ThankYouList
from touchpoints.reminder_rules.lists import week_in_words
from touchpoints.suggestions import RowFacts, add_referrals, facts_of
from touchpoints.thank_you_lists import gathering
from touchpoints.thank_you_rows import RowLine

State = ThankYou.State
WAITING_FOR_CARD = (State.TO_WRITE, State.WRITTEN)
EARLIER_LISTS = 40
OTHERS = 25  # cards that wait, where no list is shown; all stand in the queue of the cards


def url_of_list(*, week: Week | str, physician_id: int) -> str:
    """A physician's list of a week."""
    return f"{reverse('thank_you_week', args=[week])}?physician={physician_id}"


def url_of_row(row_id: int, *, week: Week | str, physician_id: int, names: bool = False) -> str:
    """Where a row stands on it, also on a long one that is shown in parts."""
    shown = f"&row={row_id}" + ("&names=shown" if names else "")
    return f"{url_of_list(week=week, physician_id=physician_id)}{shown}#thank-you-{row_id}"


@dataclass(frozen=True)
class ListLine:
    """How a physician's list of one week stands."""

    id: int
    physician_id: int
    physician: str
    week: str
    week_words: str
    total: int
    decided: int
    to_write: int
    to_mail: int
    is_finished: bool
    is_selected: bool = False

    @classmethod
    def of(cls, found: Any, *, is_selected: bool = False) -> Self:
        return cls(
            id=found.pk,
            physician_id=found.physician_id,
            physician=found.physician.user.name,
            week=str(found.week),
            week_words=week_in_words(found.week),
            total=found.total,
            decided=found.total - found.undecided,
            to_write=found.to_write,
            to_mail=found.to_mail,
            is_finished=found.finished_at is not None,
            is_selected=is_selected,
        )

    @property
    def url(self) -> str:
        return url_of_list(week=self.week, physician_id=self.physician_id)

    def url_of(self, row: ThankYou, *, names: bool = False) -> str:
        """Where a row of it stands."""
        return url_of_row(row.pk, week=self.week, physician_id=self.physician_id, names=names)

    @property
    def undecided(self) -> int:
        return self.total - self.decided

    @property
    def what_is_left(self) -> str:
        """ "5 to decide, 2 to write, 1 to mail", or that it is finished."""
        if self.is_finished:
            return _("finished")
        parts = [
            (self.undecided, _("%(n)d to decide")),
            (self.to_write, ngettext("%(n)d card to write", "%(n)d cards to write", self.to_write)),
            (self.to_mail, ngettext("%(n)d card to mail", "%(n)d cards to mail", self.to_mail)),
        ]
        return ", ".join(text % {"n": count} for count, text in parts if count)


def with_progress(lists: QuerySet[ThankYouList]) -> QuerySet[ThankYouList]:
    """The lists with how many rows are undecided, to write and to mail."""
    count = {state: Count("rows", filter=Q(rows__state=state)) for state in State}
    return lists.select_related("physician__user").annotate(
        total=Count("rows"),
        undecided=count[State.UNDECIDED],
        to_write=count[State.TO_WRITE],
        to_mail=count[State.WRITTEN],
    )


@dataclass
class WeekPage:
    """One week of thank-yous as one member sees it."""

    week: Week
    words: str
    older: Week | None
    newer: Week | None
    is_gathering: bool
    lists: list[ListLine] = field(default_factory=list)
    earlier: list[ListLine] = field(default_factory=list)
    chosen: ListLine | None = None
    rows: list[RowLine] = field(default_factory=list)
    handed_over: list[RowLine] = field(default_factory=list)
    elsewhere: list[RowLine] = field(default_factory=list)
    gathered: list[dict[str, Any]] = field(default_factory=list)
    why_empty: str = ""
    page: KeyPage | None = None
    has_more_cards: bool = False
    physician_id: int | None = None
    chosen_is_own: bool = False
    shows_names: bool = False

    @property
    def lines(self) -> list[RowLine]:
        return [*self.rows, *self.handed_over, *self.elsewhere]

    @property
    def has_several_lists(self) -> bool:
        return len(self.lists) > 1

    @property
    def keeps_physician(self) -> str:
        """What a link to another week carries along."""
        return f"?physician={self.physician_id}" if self.physician_id else ""

    @property
    def names_url(self) -> str:
        if self.chosen and self.page and self.page.rows:
            return self.chosen.url_of(self.page.rows[0].row, names=True).partition("#")[0]
        return f"{self.keeps_physician or '?'}&names=shown"

    @property
    def may_mark_several(self) -> bool:
        """Several cards are written in one sitting: then one act marks them."""
        lines = [*self.rows, *self.handed_over]
        return sum(line.is_waiting_for_card and line.may_write for line in lines) > 1

    @property
    def may_show_names(self) -> bool:
        """Initials stand there that this member could open."""
        return not self.shows_names and any(line.patients and not line.shows_names for line in self.lines)


def week_page(
    member: Member,
    week: Week,
    *,
    now: datetime,
    physician_id: int | None = None,
    row_id: int | None = None,
    names: bool = False,
) -> WeekPage:
    """The week's lists, the rows of the chosen one, and what was handed over to this member.

    Of a long list the part in which the row of that number stands.
    """
    practice, today = member.practice, member.practice.today(now)
    current = Week.of(today)
    shown = WeekPage(
        week=week,
        words=week_in_words(week),
        older=week.previous() if week.monday > practice.starts_on else None,
        newer=week.next() if week < current else None,
        is_gathering=week == current,
        physician_id=physician_id if member.is_manager else None,
        shows_names=names,
    )
    if member.role in DECIDES_THANK_YOUS:
        _add_lists(shown, member, physician_id if member.is_manager else member.pk)
    # A list that stands is shown, even when the clock was set back into its week.
    shown.is_gathering = shown.is_gathering and not shown.lists
    if shown.is_gathering:
        _add_gathering(shown, member, physician_id, today)
    _add_rows(shown, member, is_latest=week == current.previous(), today=today, row_id=row_id)
    if not shown.lists and not shown.lines and not shown.is_gathering:
        decides = member.role in DECIDES_THANK_YOUS
        shown.why_empty = (
            _why_empty(practice, week, now) if decides else _("No card waits to be written or mailed.")
        )
    return shown


def chosen_list(list_id: int) -> ListLine:
    """How a list stands now."""
    return ListLine.of(with_progress(ThankYouList.objects.filter(pk=list_id)).get(), is_selected=True)


def _add_lists(shown: WeekPage, member: Member, physician_id: int | None) -> None:
    lists = ThankYouList.objects.visible_to(member).filter(
        Q(week_starts_on=shown.week.monday) | Q(finished_at=None)
    )
    found = list(with_progress(lists).order_by("-week_starts_on", "physician__user__name")[:EARLIER_LISTS])
    of_week = [one for one in found if one.week == shown.week]
    if len(of_week) == 1 and physician_id is None:
        physician_id = of_week[0].physician_id
    shown.lists = [ListLine.of(one, is_selected=one.physician_id == physician_id) for one in of_week]
    shown.earlier = [ListLine.of(one) for one in found if one.week != shown.week]
    shown.chosen = next((line for line in shown.lists if line.is_selected), None)
    shown.chosen_is_own = shown.chosen is not None and shown.chosen.physician_id == member.pk


def _add_rows(shown: WeekPage, member: Member, *, is_latest: bool, today: date, row_id: int | None) -> None:
    """What was handed over waits on the latest page, whatever its week; on another only that week's is shown."""
    mine = Q(assignee=member)
    if member.role not in DECIDES_THANK_YOUS:
        mine |= Q(state__in=WAITING_FOR_CARD)
    mine &= Q(state__in=WAITING_FOR_CARD) if is_latest else Q(list__week_starts_on=shown.week.monday)
    wanted = mine | Q(list=shown.chosen.id) if shown.chosen else mine
    rows = ThankYou.objects.filter(wanted)
    if not shown.chosen:
        is_others = Case(When(assignee=member, then=0), default=1)
        rows = rows.order_by(is_others, "list__week_starts_on", "pk")[: OTHERS + 1]  # as _turn
    facts = facts_of(rows, practice=member.practice, today=today, reader=member)
    if shown.chosen:
        facts = _part_of(shown, shown.chosen, facts, row_id)
    elif len(facts) > OTHERS:
        shown.has_more_cards = True
        facts.remove(max(facts, key=lambda fact: _turn(fact.row, member)))
    if facts:
        add_referrals(facts)
    for fact in facts:
        names = shown.shows_names or fact.row.list.physician_id == member.pk
        line = RowLine(fact, member, today, shows_names=names)
        if shown.chosen and fact.row.list_id == shown.chosen.id:
            shown.rows.append(line)
        elif fact.row.assignee_id == member.pk:
            shown.handed_over.append(line)
        else:
            shown.elsewhere.append(line)


def _turn(row: ThankYou, member: Member) -> tuple[Any, ...]:
    """What was handed over to this member is not crowded out by others' cards; then the oldest first."""
    return row.assignee_id != member.pk, row.list.week_starts_on, row.pk


def _part_of(shown: WeekPage, chosen: ListLine, facts: list[RowFacts], row_id: int | None) -> list[RowFacts]:
    """The part of the chosen list in which that row stands, the first without one; and what is of other lists."""
    of_list = [fact for fact in facts if fact.row.list_id == chosen.id]
    place = next((number for number, fact in enumerate(of_list) if fact.row.pk == row_id), 0)
    first = place - place % PAGE_ROWS
    part, rest = of_list[first : first + PAGE_ROWS], of_list[first + PAGE_ROWS :]
    before = of_list[max(0, first - PAGE_ROWS)] if first else None
    shown.page = KeyPage(
        part,
        older_url=chosen.url_of(rest[0].row, names=shown.shows_names) if rest else None,
        newer_url=chosen.url_of(before.row, names=shown.shows_names) if before else None,
    )
    return [*part, *(fact for fact in facts if fact.row.list_id != chosen.id)]


def _add_gathering(shown: WeekPage, member: Member, physician_id: int | None, today: date) -> None:
    """A physician's providers; for the manager first the physicians."""
    chosen = Member.objects.filter(pk=physician_id).first() if member.is_manager and physician_id else None
    physician = member if member.is_physician else chosen
    if physician:
        providers: Any = gathering(physician, today=today)
        providers = providers.order_by("-count", "family_name", "given_name")
        shown.gathered = [{"provider": provider, "count": provider.count} for provider in providers]
    elif member.is_manager:
        shown.gathered = _gathered_by_physician(shown.week, member.practice, today)


def _gathered_by_physician(week: Week, practice: Practice, today: date) -> list[dict[str, Any]]:
    rows = Referral.objects.standing().filter(
        received_on__gte=max(week.monday, practice.starts_on),
        received_on__lte=today,
        physician__isnull=False,
        provider__state=Provider.State.ACTIVE,
        provider__merged_into=None,
    )
    counts = rows.values("physician_id", "physician__user__name").annotate(
        count=Count("pk"), providers=Count("provider", distinct=True)
    )
    return [
        {
            "physician": row["physician__user__name"],
            "url": f"?physician={row['physician_id']}",
            "count": row["count"],
            "providers": row["providers"],
        }
        for row in counts.order_by("physician__user__name")
    ]


def _why_empty(practice: Practice, week: Week, now: datetime) -> str:
    if week.sunday < practice.starts_on:
        return _(
            "Referrals before %(day)s are history: they count for the relationship, and join no list."
        ) % {"day": date_format(practice.starts_on, "F j, Y")}
    if practice.lists_made_through and week.monday <= practice.lists_made_through:
        return _("No referrals came in this week, so there is nobody to thank.")
    day = week.next().monday + timedelta(days=practice.list_weekday)
    hour = time(practice.list_hour)
    if now < datetime.combine(day, hour, practice.zone):
        when = {"day": date_format(day, "l, F j"), "hour": time_format(hour)}
        return _("The list of this week is made on %(day)s, at %(hour)s.") % when
    return _("The list of this week is being made. Look again in a few minutes.")
