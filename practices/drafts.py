"""What was typed and not saved yet lives on the server, encrypted, never in browser storage."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from practices.isolation import enter_practice
from practices.models import Draft, Member, Session

LIMIT = 64 * 1024
KEPT_FOR = timedelta(days=7)
_forms: set[str] = set()


def keeps_draft(form: str) -> Callable:
    """Mark a view: its POST, sent after the session expired, is kept under that form's name."""

    _forms.add(form)

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        view.keeps_draft = form  # type: ignore[attr-defined]  # read by practices.middleware
        return view

    return decorate


def is_draft_form(form: str) -> bool:
    """Whether some view keeps drafts under that name: no other name may fill the table."""
    return form in _forms


def keep_draft(member: Member, *, form: str, data: QueryDict) -> bool:
    """Remember the form's fields; one draft per member and form. False: too much to keep."""
    fields = {name: values for name, values in data.lists() if name != "csrfmiddlewaretoken"}
    text = json.dumps(fields)
    if len(text) > LIMIT:
        return False
    Draft.objects.update_or_create(member=member, form=form, defaults={"data": text})
    return True


def draft_of(member: Member, *, form: str) -> QueryDict | None:
    """What this member typed into the form and has not saved, or None."""
    draft = Draft.objects.filter(member=member, form=form, kept_at__gt=timezone.now() - KEPT_FOR).first()
    return _as_query(json.loads(draft.data)) if draft else None


def drop_draft(member: Member, *, form: str) -> None:
    Draft.objects.filter(member=member, form=form).delete()


def keep_for_expired_session(request: HttpRequest, *, form: str) -> bool:
    """The expired session's row still says whose it was: keep the post as their draft. False: it is lost."""
    from practices.middleware import seat_in, seats_of

    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    expired = Session.objects.filter(session_key=key, user__is_active=True).select_related("user").first()
    if expired is None or expired.user is None:
        return False
    with transaction.atomic():
        member = seat_in(seats_of(expired.user), expired.get_decoded().get("practice_id"))
        if member is None:
            return False
        with enter_practice(member.practice.pk):
            return keep_draft(member, form=form, data=request.POST)


def _as_query(fields: Mapping[str, list[str]]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in fields.items():
        query.setlist(name, values)
    return query
