"""The rules of the reminders. To add one: write its small file, name it here, test it."""

from touchpoints.reminder_rules import calls, feedback, lists, meetings, referrals, relationships
from touchpoints.reminder_rules.rule import Rule

RULES: dict[str, Rule] = {
    rule.key: rule
    for family in (referrals, lists, relationships, feedback, calls, meetings)
    for rule in family.RULES
}
