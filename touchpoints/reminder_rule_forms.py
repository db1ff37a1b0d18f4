"""The form of one rule of the reminders."""

import hashlib
import json
from itertools import pairwise
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practices.models import Member
from practices.shared_rows import SharedRow
from touchpoints.models import RuleSetting
from touchpoints.reminder_rules.rule import Rule


class RuleForm(SharedRow, forms.Form):
    """On or off, the rule's numbers, and who has what nobody has; `setting` as this form would have it."""

    is_on = forms.BooleanField(label=gettext_lazy("This rule reminds"), required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rule: Rule, stored: RuleSetting, **kwargs: Any) -> None:
        self.rule, self.stored = rule, stored
        initial = {"is_on": stored.is_on, "owner": stored.owner_id, **rule.numbers_of(stored.numbers)}
        super().__init__(*args, initial=initial, **kwargs)
        for number in rule.numbers:
            self.fields[number.name] = forms.IntegerField(
                label=number.label,
                min_value=number.least,
                max_value=number.most,
                help_text=_("%(least)d to %(most)d; as it comes: %(default)d.") % vars(number),
            )
        if rule.lets_choose_owner:
            self.fields["owner"] = _owner_field(rule)
        self.open_over(stored, initial, key=rule.key)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.rule.apart is None:
            return data
        for before, number in pairwise(self.rule.numbers):
            days, first = data.get(number.name), data.get(before.name)
            if first is not None and days is not None and days < first + self.rule.apart:
                words = {"n": first + self.rule.apart, "before": before.label}
                self.add_error(number.name, _("At least %(n)d: “%(before)s” come before it.") % words)
        return data

    def column_of(self, name: str) -> str:
        return super().column_of(name) if name in ("is_on", "owner") else "numbers"

    @property
    def setting(self) -> RuleSetting:
        """The setting that a valid form asks for."""
        said = self.cleaned_data
        return RuleSetting(
            rule=self.rule.key,
            is_on=said["is_on"],
            numbers={number.name: said[number.name] for number in self.rule.numbers},
            owner=said.get("owner"),
        )

    @property
    def what_is_seen(self) -> str:
        """Stands for this change to what is stored: whoever saves has seen what it does, and nobody changed it since."""
        stored, wanted = self.stored, self.setting
        both = [[one.is_on, self.rule.numbers_of(one.numbers), one.owner_id] for one in (stored, wanted)]
        return hashlib.sha256(json.dumps(both).encode()).hexdigest()[:20]

    @property
    def is_seen(self) -> bool:
        return self.cleaned_data["seen"] == self.what_is_seen


def _owner_field(rule: Rule) -> forms.ModelChoiceField:
    members = Member.objects.active().filter(role__in=rule.owners).select_related("user")
    return forms.ModelChoiceField(
        label=_("Who has what falls to nobody else"),
        queryset=members.order_by("user__name"),
        required=False,
        empty_label=_("Whoever has been here longest as %(role)s") % {"role": rule.owners[0].label.lower()},
    )
