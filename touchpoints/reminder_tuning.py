"""How a practice tunes the rules of its reminders: what they are now, what a change would do, the change itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices.models import Member, Practice
from touchpoints.models import Reminder, RuleSetting
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_rules.asked import Asked, Round
from touchpoints.reminder_rules.rule import Rule
from touchpoints.reminders import Changes, remind, settings_of_rules, what_changes
from touchpoints.touchpoint_log import lock_practice

EXAMPLES = 5


@dataclass(frozen=True)
class RuleLine:
    """A rule as its line shows it."""

    title: str
    sentence: str
    falls_to: str
    is_on: bool
    open_count: int
    url: str


def rule_lines(practice: Practice, *, now: datetime) -> list[RuleLine]:
    """Every rule as this practice has it, with how many of its reminders are open."""
    asked_at, settings = Round(practice, now), settings_of_rules()
    open_ones = Reminder.objects.open().order_by().values("rule")
    open_counts = dict(open_ones.annotate(n=Count("pk")).values_list("rule", "n"))
    names = {member.pk: member.name for member in Member.objects.active().select_related("user")}
    return [
        RuleLine(
            title=str(rule.title),
            sentence=rule.in_words(settings[rule.key].numbers),
            falls_to=falls_to_in_words(rule, settings[rule.key], asked_at, names),
            is_on=settings[rule.key].is_on,
            open_count=open_counts.get(rule.key, 0),
            url=reverse("reminder_rule", args=[rule.key]),
        )
        for rule in RULES.values()
    ]


def falls_to_in_words(rule: Rule, setting: RuleSetting, asked_at: Round, names: dict[int, str]) -> str:
    """ "The liaison of the provider, otherwise Lea Ortiz"."""
    nobody = names.get(Asked(asked_at, {}, setting.owner_id, rule.owners).of_nobody or 0, "")
    text = _("%(falls_to)s, otherwise %(name)s") if rule.lets_choose_owner and nobody else "%(falls_to)s"
    return text % {"falls_to": rule.falls_to, "name": nobody}


def preview(practice: Practice, setting: RuleSetting, *, now: datetime) -> Changes:
    """What this setting would make and close, if it were saved now."""
    return what_changes(Round(practice, now), [setting.rule], {setting.rule: setting})


@transaction.atomic
def save_setting(setting: RuleSetting, *, now: datetime) -> Changes:
    """Have the rule so from now on, and its reminders with it. Saved twice it is one setting."""
    lock_practice()
    values = {"is_on": setting.is_on, "numbers": setting.numbers, "owner_id": setting.owner_id}
    RuleSetting.objects.update_or_create(rule=setting.rule, defaults=values)
    return remind(now=now, only=[setting.rule])


def in_sentences(changes: Changes, practice: Practice, *, now: datetime) -> list[str]:
    """How many are made, how many of them are due, how many close or change."""
    today = practice.today(now)
    made = [row for row in changes.all_made if row.due_on <= today]
    return [
        *_counted(
            len(changes.all_made),
            ngettext("%(n)d reminder is made", "%(n)d reminders are made", len(changes.all_made)),
            ngettext("%(n)d of them is due by today", "%(n)d of them are due by today", len(made))
            % {"n": len(made)},
        ),
        *_counted(
            len(changes.gone),
            ngettext("%(n)d open reminder closes", "%(n)d open reminders close", len(changes.gone)),
        ),
        *_counted(
            len(changes.moved),
            ngettext(
                "%(n)d reminder changes its day, member or wording",
                "%(n)d reminders change their day, member or wording",
                len(changes.moved),
            ),
        ),
    ] or [_("No reminder is made or closed.")]


def examples_of(rows: Iterable[Reminder]) -> list[Any]:
    """The first few by day."""
    return sorted(rows, key=lambda row: (row.due_on, row.reason))[:EXAMPLES]


def _counted(count: int, text: str, more: str = "") -> list[str]:
    said = text % {"n": count}
    return [f"{said}; {more}." if more else f"{said}."] if count else []
