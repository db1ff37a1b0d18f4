"""What the tests of the reminders' rules share: a practice that has been going since June, and what is open in it."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from contacts.models import Provider
from practices.roles import Role
from tests import make
from touchpoints.models import Reminder, RuleSetting, Touchpoint
from touchpoints.reminders import remind

START = date(2026, 6, 1)
TODAY = date(2026, 11, 18)  # a Wednesday; Thanksgiving, a holiday, is on the 26th


def at(day: date, hour: int = 15) -> datetime:
    """In the morning in New York."""
    return datetime.combine(day, time(hour), UTC)


def new_desk(**practice: Any) -> SimpleNamespace:
    """A practice with one of each role. Call outside any scope."""
    made = make.practice(**{"starts_on": START, **practice})
    return SimpleNamespace(practice=made, **{role.value: make.member(role, made) for role in Role})


def provider(name: str = "Okafor", *, entered_on: date = date(2026, 1, 1), **fields: Any) -> Provider:
    """One who was entered long ago."""
    made = make.provider(name, **fields)
    Provider.objects.filter(pk=made.pk).update(created_at=at(entered_on))
    made.refresh_from_db()
    return made


def referral(desk: Any, on: date, **fields: Any) -> Any:
    return make.referral(
        desk.coordinator, now=at(on), received_on=on, **{"physician": desk.physician, **fields}
    )


def touched(desk: Any, whom: Provider, on: date, kind: str = "call", outcome: str = "reached") -> Touchpoint:
    return Touchpoint.objects.create(
        kind=kind,
        happened_on=on,
        provider=whom,
        member=desk.liaison,
        call_outcome=outcome if kind == "call" else "",
        logged_at=at(on),
        logged_by=desk.liaison,
    )


def tuned(rule: str, **fields: Any) -> RuleSetting:
    return RuleSetting.objects.create(rule=rule, **fields)


def due(rule: str, on: date = TODAY) -> list[tuple[date, str]]:
    """The open reminders of that rule after a tick in the morning of that day: when, and what for."""
    remind(now=at(on))
    rows = Reminder.objects.open().filter(rule=rule).order_by("due_on", "cause")
    return [(row.due_on, row.cause) for row in rows]


def days(count: int) -> timedelta:
    return timedelta(days=count)
