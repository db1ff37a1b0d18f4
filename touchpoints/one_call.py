"""What one call to somebody can settle, beside what it was made for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from practices.models import Member
from touchpoints.models import Reminder
from touchpoints.reminder_acts import doable_by
from touchpoints.reminder_doing import ASKED_IN_A_CALL, GO_ONCE_REACHED
from touchpoints.reminder_pages import visible_to
from touchpoints.reminder_rules.asked import AHEAD
from touchpoints.touchpoint_pages import About


@dataclass(frozen=True)
class OneCall:
    """The reminder it was made for, what goes once they are reached, and what may have been settled too."""

    made_for: Reminder | None = None
    goes: list[Reminder] = field(default_factory=list)
    asked: list[Reminder] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        return [row.reason for row in (self.made_for, *self.goes) if row]

    @property
    def choices(self) -> list[tuple[int, str]]:
        return [(row.pk, row.reason) for row in self.asked]

    def answers(self, ticked: Iterable[int]) -> list[Reminder]:
        """What the call settles when these were ticked."""
        ticked = set(ticked)
        return [*filter(None, [self.made_for]), *[row for row in self.asked if row.pk in ticked]]


def one_call(found: About, member: Member, *, today: date) -> OneCall:
    """What waits with whom the call reaches, as far as this member may settle it."""
    if not found.is_known:
        return OneCall()
    rows = visible_to(member).open().filter(due_on__lte=today + AHEAD)
    rows = rows.filter(provider=found.provider) if found.provider else rows.filter(office=found.office)
    waiting = list(doable_by(rows, member, today=today).defer("dismissed_reason"))
    others = [row for row in waiting if row != found.reminder]
    return OneCall(
        made_for=next((row for row in waiting if row == found.reminder), None),
        goes=[row for row in others if row.rule in GO_ONCE_REACHED],
        asked=[row for row in others if row.rule in ASKED_IN_A_CALL and not _is_asked_already(row, found)],
    )


def _is_asked_already(row: Reminder, found: About) -> bool:
    """The form of a call about a referral asks by itself whether it reported back."""
    return row.rule == "report_backs" and found.referral is not None and row.referral_id == found.referral.pk
