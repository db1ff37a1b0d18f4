"""An act takes its reminders with it, at once: when it is committed, what is open about it is asked again.

Only what is open already: what the act makes due is made by the tick. So an act about which nothing is open costs one
query. It happens in a transaction of its own, after the act's: nobody who waits for the practice's lock holds one of
a referral's or a list's, and what went wrong here would not undo the act; the tick would mend it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from threading import local

from django.db import transaction

from practices.isolation import entered_practice_id, practice_scope
from touchpoints.models import Reminder
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_rules.asked import About
from touchpoints.reminders import remind


class _Noted(local):
    """By practice, what this thread's acts were about. What was rolled back stays, and is asked about in vain."""

    def __init__(self) -> None:
        self.about: dict[int, About] = defaultdict(About)


_noted = _Noted()


def ask_again(
    *,
    now: datetime,
    providers: Iterable[int | None] = (),
    referrals: Iterable[int | None] = (),
    lists: Iterable[int | None] = (),
) -> None:
    """Once the act is committed, let go of the reminders about these that it has done away with."""
    practice_id = entered_practice_id()
    _noted.about[practice_id] |= About.of(providers=providers, referrals=referrals, lists=lists)
    transaction.on_commit(partial(_ask, practice_id, now), robust=True)


def _ask(practice_id: int, now: datetime) -> None:
    """The first of a transaction's asks about all that was noted, the others find nothing left."""
    about = _noted.about.pop(practice_id, None)
    if about is None:
        return
    with practice_scope(practice_id):
        rows = Reminder.objects.open().filter(about.reminders).order_by()
        rules = set(rows.values_list("rule", flat=True).distinct()) & RULES.keys()
        if rules:
            remind(now=now, only=rules, about=about)
