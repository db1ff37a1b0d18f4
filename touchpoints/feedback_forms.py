"""The forms of feedback: a referrer's own answer, what is taken down, and how an issue is mended and told."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practices.forms import DayField, not_past, of_late
from practices.models import Member
from practices.roles import OWNS_ISSUES
from practices.shared_rows import SharedRow
from touchpoints.feedback_issues import CALL, EMAIL, LETTER
from touchpoints.models import Feedback, FeedbackIssue
from touchpoints.touchpoint_forms import WhomForm

WORDS = 4000


def _score(label: Any, lowest: int, highest: int, help_text: Any, **options: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        choices=[(number, str(number)) for number in range(lowest, highest + 1)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose one of these numbers.")},
        **options,
    )


class ScoresForm(forms.Form):
    """Overall 0 to 10, three parts 1 to 5, words, and whether it is a complaint."""

    overall = _score(
        gettext_lazy("All in all"), 0, 10, gettext_lazy("0 is very bad, 10 could not be better.")
    )
    scheduling = _score(
        gettext_lazy("Scheduling"),
        1,
        5,
        gettext_lazy("How soon and how easily patients are seen: 1 is poor, 5 excellent."),
    )
    communication = _score(
        gettext_lazy("Communication"),
        1,
        5,
        gettext_lazy("Reports, answers, and being reached: 1 is poor, 5 excellent."),
    )
    care = _score(
        gettext_lazy("Care of the patient"),
        1,
        5,
        gettext_lazy("What patients tell about us: 1 is poor, 5 excellent."),
    )
    physician = forms.TypedChoiceField(
        label=gettext_lazy("About one of our physicians?"), coerce=int, empty_value=None, required=False
    )
    words = forms.CharField(
        label=gettext_lazy("In words"),
        help_text=gettext_lazy("What is good, and what should be better? Please name no patient."),
        required=False,
        max_length=WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_complaint = forms.BooleanField(label=gettext_lazy("This is a complaint"), required=False)

    def __init__(self, *args: Any, physicians: list[Member], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["physician"]
        field.choices = [("", _("the practice as a whole")), *[(one.pk, str(one)) for one in physicians]]
        if len(physicians) < 2:
            del self.fields["physician"]
        self.physicians = physicians

    @property
    def scores(self) -> list[Any]:
        """The fields that are numbers to choose from."""
        return [self[name] for name in ("overall", *Feedback.PARTS)]

    def said(self) -> dict[str, Any]:
        """What the rule takes. A practice's only physician is whom it is about."""
        names = ("overall", *Feedback.PARTS, "words", "is_complaint")
        only = self.physicians[0].pk if len(self.physicians) == 1 else None
        return {name: self.cleaned_data[name] for name in names} | {
            "physician_id": self.cleaned_data.get("physician", only)
        }


class AnswerForm(ScoresForm):
    """What the referrer answers on the public page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["overall"].required = True
        self.fields["overall"].error_messages["required"] = _("Choose a number from 0 to 10.")


class TakeDownForm(ScoresForm, WhomForm):
    """What a referrer said in a call or visit."""

    source = forms.ChoiceField(
        label=gettext_lazy("Heard in"),
        choices=[
            (Feedback.Source.CALL, gettext_lazy("a call")),
            (Feedback.Source.VISIT, gettext_lazy("a visit")),
        ],
        initial=Feedback.Source.CALL,
        widget=forms.RadioSelect,
    )
    given_on = DayField(label=gettext_lazy("On"), widget=forms.DateInput(attrs={"type": "date"}))
    about = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["given_on"].initial = today
        self.fields["given_on"].widget.attrs["max"] = today.isoformat()

    def clean_given_on(self) -> date:
        return of_late(self.cleaned_data["given_on"], today=self.today)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        said = [cleaned.get(name) for name in ("overall", *Feedback.PARTS)]
        if not self.errors and all(value is None for value in said) and not cleaned.get("words", "").strip():
            self.add_error("words", _("Take down a number or what was said."))
        return cleaned


class ResolveForm(SharedRow, forms.Form):
    """What was changed."""

    what_changed = forms.CharField(
        label=gettext_lazy("What was changed?"),
        help_text=gettext_lazy("It goes into the message to the referrer. Never name a patient."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, issue: FeedbackIssue, initial: Any = None, **kwargs: Any) -> None:
        stands = {"what_changed": issue.what_changed}
        super().__init__(*args, initial={**stands, **(initial or {})}, **kwargs)
        self.open_over(issue, stands)


class TellForm(forms.Form):
    """How the referrer is told, and in which words."""

    message = forms.CharField(
        label=gettext_lazy("You said, we did"),
        help_text=gettext_lazy("A draft to make yours. Never name a patient."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    how = forms.ChoiceField(
        label=gettext_lazy("How?"),
        widget=forms.RadioSelect,
        choices=[
            (EMAIL, gettext_lazy("Send it by e-mail now")),
            (CALL, gettext_lazy("I told them by phone")),
            (LETTER, gettext_lazy("I wrote a letter")),
        ],
    )

    def __init__(self, *args: Any, may_mail: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        how: Any = self.fields["how"]
        if not may_mail:
            how.choices = [choice for choice in how.choices if choice[0] != EMAIL]
        how.initial = how.choices[0][0]


class HandOverIssueForm(SharedRow, forms.Form):
    """Who owns it, until when."""

    owner = forms.ModelChoiceField(
        label=gettext_lazy("Owner"), queryset=Member._base_manager.none(), empty_label=None
    )
    due_on = DayField(label=gettext_lazy("Due on"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, issue: FeedbackIssue, today: date, **kwargs: Any) -> None:
        stands = {"owner": issue.owner_id, "due_on": issue.due_on}
        super().__init__(*args, initial=stands, **kwargs)
        self.open_over(issue, stands)
        self.today = today
        owner: Any = self.fields["owner"]
        seats = Member.objects.active().filter(role__in=OWNS_ISSUES)
        owner.queryset = seats.select_related("user").order_by("user__name")

    def clean_due_on(self) -> date | None:
        on: date = self.cleaned_data["due_on"]
        return on if on == self.initial["due_on"] else not_past(on, today=self.today)
