"""A page with two forms: what it is, and who was there. Adding somebody to those ticked keeps the rest as typed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from practices.drafts import draft_of
from practices.pages import page
from practices.requests import PracticeRequest
from touchpoints.present_form import PresentForm


@dataclass
class Asked:
    """The two forms, and whether somebody is only being added, or an earlier draft shown."""

    form: Any
    present: PresentForm
    is_adding: bool = False
    is_restored: bool = False

    def is_valid(self) -> bool:
        are_valid = [self.present.is_valid(), self.form.is_valid()]
        return all(are_valid) and not self.is_adding

    def saved(self, text: str) -> str:
        """What was done, and what a colleague changed meanwhile that was kept."""
        return self.form.saved(self.present.saved(text))

    def answer(self, request: PracticeRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """The page again, or for htmx the part with the people alone; 422 where something is wrong."""
        context = {**context, "form": self.form, "present": self.present, "asked": self}
        if self.is_adding and not self.is_restored and request.headers.get("HX-Request"):
            return render(request, "touchpoints/_meeting_people.html", context)
        answer = page(request, template, context)
        if self.present.errors and not self.is_adding:
            answer.status_code = 422
        return answer


def ask(
    request: PracticeRequest,
    make: Callable[[QueryDict | None, dict[str, Any]], Any],
    *,
    draft: QueryDict | None = None,
    **present: Any,
) -> Asked:
    """Both forms over what was posted, or over an earlier draft.

    `make(data, typed)` builds the first: bound to `data`, or unbound with what was `typed` as its initial values.
    """
    posted = request.POST if request.method == "POST" else draft
    is_adding = posted is not None and (draft is not None or "add" in posted)
    typed = posted.dict() if posted is not None and is_adding else {}
    form = make(None if is_adding else posted, typed)
    asked = Asked(form, PresentForm(posted, **present), is_adding, is_restored=draft is not None)
    if asked.present.is_valid() and draft is None:
        asked.present.add_newcomer()
    return asked


def kept_here(request: PracticeRequest, *, form: str) -> QueryDict | None:
    """What was typed at this very address and not saved."""
    draft = draft_of(request.member, form=form) if request.method == "GET" else None
    return draft if draft is not None and draft.get("of") == request.get_full_path() else None
