"""The forms of the gift ledger: a gift, its withdrawal, an excess returned, a year's limit."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practices.forms import DayField, PracticeForm
from practices.shared_rows import SharedRowForm
from touchpoints.gift_shares import CENT, says_cash
from touchpoints.models import Gift, GiftLimit

YES, NO = "yes", "no"
FIRST_YEAR = 2007


def _yes_or_no(label: Any, *, refusal: Any, asked: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[(NO, gettext_lazy("No")), (YES, gettext_lazy("Yes"))],
        widget=forms.RadioSelect,
        error_messages={"required": asked, "refused": refusal},
    )


class GiftForm(PracticeForm):
    """What was given, on which day; the two questions that refuse; the reason for going over, once it is asked."""

    is_solicited = _yes_or_no(
        gettext_lazy("Was it solicited?"),
        asked=gettext_lazy("Say whether they asked for it."),
        refusal=gettext_lazy("What was asked for is not given: the law allows nothing solicited."),
    )
    is_cash = _yes_or_no(
        gettext_lazy("Was it cash, a gift card or the like?"),
        asked=gettext_lazy("Say whether it was cash or spent like cash."),
        refusal=gettext_lazy("Cash and what is spent like it, gift cards too, are not given."),
    )
    seen = forms.CharField(required=False, max_length=100_000, widget=forms.HiddenInput)

    class Meta:
        model = Gift
        fields = ["nature", "description", "amount", "given_on", "over_limit_reason"]
        widgets = {
            "nature": forms.RadioSelect,
            "given_on": forms.DateInput(attrs={"type": "date"}),
            "amount": forms.NumberInput(attrs={"step": "0.01", "min": "0.01", "inputmode": "decimal"}),
        }
        help_texts = {"description": gettext_lazy("Sandwiches, a textbook … Never name a patient.")}

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        amount: Any = self.fields["amount"]
        amount.validators.append(MinValueValidator(CENT))
        nature: Any = self.fields["nature"]
        nature.choices = Gift.Nature.choices
        if self.instance.meeting_id:
            del self.fields["given_on"]

    def clean_given_on(self) -> date:
        on: date = self.cleaned_data["given_on"]
        if on > self.today:
            raise forms.ValidationError(_("It can't have been in the future."))
        return on

    def clean_description(self) -> str:
        words: str = self.cleaned_data["description"]
        if says_cash(words):
            raise forms.ValidationError(_("Cash and what is spent like it, gift cards too, are not given."))
        return words

    def clean_is_solicited(self) -> str:
        return self._refused_if_yes("is_solicited")

    def clean_is_cash(self) -> str:
        return self._refused_if_yes("is_cash")

    def _refused_if_yes(self, name: str) -> str:
        answer: str = self.cleaned_data[name]
        if answer == YES:
            raise forms.ValidationError(self.fields[name].error_messages["refused"])
        return answer

    def show(self, key: str) -> None:
        """Remember on the page which totals it shows."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data["seen"] = key
        self.data = data

    def answers(self) -> dict[str, Any]:
        """What the rule asks beside the gift itself."""
        value = self.cleaned_data
        answers = {name: value[name] == YES for name in ("is_solicited", "is_cash")}
        return {**answers, "seen": value["seen"]}


class WithdrawGiftForm(forms.Form):
    """Why it is withdrawn."""

    reason = forms.CharField(
        label=gettext_lazy("Why?"), max_length=300, error_messages={"required": gettext_lazy("Say why.")}
    )


class ReturnForm(forms.Form):
    """When the physician gave the excess back."""

    on = DayField(label=gettext_lazy("Returned on"), widget=forms.DateInput(attrs={"type": "date"}))


class LimitForm(SharedRowForm):
    """A year's limit, with where the number is from."""

    class Meta:
        model = GiftLimit
        fields = ["year", "amount", "source", "is_checked"]

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        year: Any = self.fields["year"]
        year.validators += [MinValueValidator(FIRST_YEAR), MaxValueValidator(today.year + 2)]
        amount: Any = self.fields["amount"]
        amount.validators.append(MinValueValidator(CENT))
        if self.instance.pk:
            del self.fields["year"]
