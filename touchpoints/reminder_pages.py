"""A reminder's line: what part of the page it stands in, when it is due, where it is read and where it is done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from practices.models import Member
from touchpoints.models import Reminder
from touchpoints.models.reminders import ReminderQuerySet
from touchpoints.reminder_doing import CALLS, Doing, doing_of, done_at, opens

PARTS = {
    "overdue": gettext_lazy("Overdue"),
    "today": gettext_lazy("Today"),
    "coming": gettext_lazy("Coming"),
    "snoozed": gettext_lazy("Put off"),
}


@dataclass(frozen=True)
class ReminderLine:
    """A reminder as its line shows it."""

    reminder: Reminder
    part: str
    due: str
    url: str
    doing: Doing | None
    done_url: str
    is_mine: bool
    may_act: bool

    @property
    def is_done_by_a_call(self) -> bool:
        return self.reminder.rule in CALLS

    @property
    def is_put_off(self) -> bool:
        return self.part == "snoozed"


def visible_to(member: Member) -> ReminderQuerySet:
    """What this member may see and close: their own; the manager everybody's."""
    return _with_what_it_shows() if member.is_manager else _with_what_it_shows().filter(member=member)


def own_of(member: Member) -> ReminderQuerySet:
    """What falls to this member, without a look at who had it before."""
    return _with_what_it_is_about().filter(member=member)


def in_reach_of(member: Member) -> ReminderQuerySet:
    """These, and what this member handed over to somebody else: it can be taken back."""
    if member.is_manager:
        return _with_what_it_shows()
    return _with_what_it_shows().filter(Q(member=member) | Q(handed_over_by=member))


def _with_what_it_shows() -> ReminderQuerySet:
    return _with_what_it_is_about().with_members("member", "handed_over_from")


def _with_what_it_is_about() -> ReminderQuerySet:
    return Reminder.objects.select_related("provider", "office", "thank_you_list")


def lines_of(rows: Iterable[Reminder], member: Member, *, today: date) -> list[ReminderLine]:
    """The lines, in the order given."""
    return [
        ReminderLine(
            reminder=row,
            part=_part(row, today),
            due=due_in_words(row.due_on, today),
            url=opens(row, member),
            doing=doing_of(row, member),
            done_url=done_at(row, member),
            is_mine=row.member_id == member.pk,
            may_act=member.is_manager or row.member_id == member.pk,
        )
        for row in rows
    ]


def due_in_words(day: date, today: date) -> str:
    """ "Due today", "3 days overdue", "due on Monday, 23 November"."""
    days = (today - day).days
    if days > 0:
        return ngettext("%(n)d day overdue", "%(n)d days overdue", days) % {"n": days}
    return _("due on %(day)s") % {"day": day_in_words(day, today)} if days else _("due today")


def day_in_words(day: date, today: date) -> str:
    """ "Monday, November 23"; with its year where that is another."""
    return date_format(day, "l, F j" if day.year == today.year else "l, F j, Y")


def _part(row: Reminder, today: date) -> str:
    if row.snoozed_at and row.due_on > today:
        return "snoozed"
    if row.due_on < today:
        return "overdue"
    return "today" if row.due_on == today else "coming"
