"""What the reminders page shows: what is overdue, due today, coming and put off, each with what it is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from practices.models import Member
from touchpoints.models import Reminder
from touchpoints.models.reminders import ReminderQuerySet

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
    is_mine: bool


def visible_to(member: Member) -> ReminderQuerySet:
    """What this member may see and close: their own; the manager everybody's."""
    rows = Reminder.objects.select_related("member__user", "provider", "office", "thank_you_list")
    return rows if member.is_manager else rows.filter(member=member)


def lines_of(rows: Iterable[Reminder], member: Member, *, today: date) -> list[ReminderLine]:
    """The lines, in the order given."""
    return [
        ReminderLine(
            reminder=row,
            part=_part(row, today),
            due=due_in_words(row.due_on, today),
            url=_opens(row, member),
            is_mine=row.member_id == member.pk,
        )
        for row in rows
    ]


def in_parts(lines: Iterable[ReminderLine]) -> list[dict[str, Any]]:
    """Overdue, today, coming, put off; without those that are empty."""
    lines = list(lines)
    parts = [
        {"id": part, "label": label, "lines": [line for line in lines if line.part == part]}
        for part, label in PARTS.items()
    ]
    return [part for part in parts if part["lines"]]


def due_in_words(day: date, today: date) -> str:
    """ "Due today", "3 days overdue", "due on Monday, 23 November"."""
    days = (today - day).days
    if days > 0:
        return ngettext("%(n)d day overdue", "%(n)d days overdue", days) % {"n": days}
    return _("due on %(day)s") % {"day": date_format(day, "l, F j")} if days else _("due today")


def _part(row: Reminder, today: date) -> str:
    if row.snoozed_at and row.due_on > today:
        return "snoozed"
    if row.due_on < today:
        return "overdue"
    return "today" if row.due_on == today else "coming"


def _opens(row: Reminder, member: Member) -> str:
    """Where the thing is done."""
    found = row.thank_you_list
    if found and (member.is_manager or found.physician_id == member.pk):
        week = reverse("thank_you_week", args=[found.week])
        return f"{week}?physician={found.physician_id}"
    if found:
        return reverse("thank_you")
    if row.rule in ("promised_next_steps", "unreached_calls") and row.cause.startswith("touchpoint "):
        return reverse("touchpoint", args=[row.cause.removeprefix("touchpoint ")])
    if row.rule == "issues_unresolved":
        return reverse("feedback_issue", args=[row.cause.split()[1]])
    if row.rule in ("promised_next_steps", "meetings_tomorrow") and row.cause.startswith("meeting "):
        return reverse("meeting", args=[row.cause.split()[1]])
    if row.referral_id:
        return reverse("referral", args=[row.referral_id])
    if row.provider_id:
        return reverse("provider", args=[row.provider_id])
    return reverse("office", args=[row.office_id]) if row.office_id else ""
