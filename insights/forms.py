"""Which figures the address asks for; what makes no sense is passed over."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from insights.scope import Scope, spans_of
from practices.forms import DayField
from practices.models import Member
from practices.periods import SPANS, Period, Span
from practices.roles import Role
from practices.settings_forms import day_input
from touchpoints.models import Touchpoint

ANY = ("", _("all"))


class FiguresForm(forms.Form):
    """Period, physician and location, as far as the reader may choose them."""

    fields: dict[str, Any]

    period = forms.ChoiceField(label=_("Period"), required=False)
    physician = forms.TypedChoiceField(label=_("Physician"), required=False, coerce=int, empty_value=None)
    location = forms.TypedChoiceField(label=_("Location"), required=False, coerce=int, empty_value=None)

    def __init__(
        self, data: Any, *, reader: Member, members: Iterable[Member], locations: Mapping[int, str]
    ) -> None:
        spans = spans_of(Scope.of(reader))
        self.span = spans[-1]  # where none is asked for
        super().__init__({"period": self.span, **data.dict()}, label_suffix="")
        self.reader = reader
        self.fields["period"].choices = [(span.value, SPANS[span]) for span in spans]
        ours = [(member.pk, member.name) for member in members if member.role == Role.PHYSICIAN]
        self.fields["physician"].choices = [ANY, *ours]
        self.fields["location"].choices = [ANY, *locations.items()]
        if reader.role in (Role.PHYSICIAN, Role.LIAISON):
            del self.fields["physician"]
        if reader.role == Role.LIAISON or len(self.fields["location"].choices) < 3:
            del self.fields["location"]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select"

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def is_narrowed(self) -> bool:
        """Something was asked for that is not what stands there anyway."""
        return bool(self.chosen.keys() - {"period"}) or self.chosen.get("period", self.span) != self.span

    def shown(self, *names: str) -> list[Any]:
        """The fields that a page asks for, as far as the reader has them."""
        return [self[name] for name in names if name in self.fields]

    def in_words(self, *names: str) -> str:
        """ "Twelve months, Dr. Chen, Main Street": what a print on paper must say of them."""
        said = ((self.fields[name].choices, self.chosen.get(name)) for name in names if name in self.fields)
        return ", ".join(str(dict(choices)[value]) for choices, value in said if value)

    def scope(self) -> Scope:
        """Whose figures."""
        asked = {name: value for name, value in self.chosen.items() if name != "period"}
        return Scope.of(self.reader, **asked)

    def period_of(self, today: Any) -> Period:
        """Of which days."""
        return Period.of(Span(self.chosen.get("period", self.span)), today)


class TouchpointsForm(forms.Form):
    """Which touchpoints the list behind a figure shows."""

    fields: dict[str, Any]

    member = forms.TypedChoiceField(label=_("Member"), required=False, coerce=int, empty_value=None)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[ANY, *Touchpoint.Kind.choices])
    happened_from = DayField(label=_("From"), required=False, widget=day_input())
    happened_until = DayField(label=_("Until"), required=False, widget=day_input())

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")
        members = Member.objects.select_related("user").order_by("user__name", "pk")
        self.fields["member"].choices = [ANY, *((member.pk, member.name) for member in members)]
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
