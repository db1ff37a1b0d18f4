"""Sessions in a table of our own: it says whose a session is, since when, and what was done last, in the one query
that reads the session anyway (docs/decisions/sign-in.md)."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.middleware import SessionMiddleware as DjangosSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


class SessionStore(db.SessionStore):
    """Django's, on our table."""

    row: Any = None  # the Session as it was read; None for a new one

    @classmethod
    def get_model_class(cls) -> type:
        from practices.models import Session

        return Session

    def _get_session_from_db(self) -> Any:
        self.row = super()._get_session_from_db()
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        return row


class SessionMiddleware(DjangosSessionMiddleware):
    """Django's, but a session that is over keeps its cookie: it opens nothing, and still tells whose form is posted
    after the end (practices.drafts). Signing out takes the cookie away."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.session.is_empty() and not request.session.modified:
            if request.session.accessed:
                patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)
