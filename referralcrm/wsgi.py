"""The web server's way in: `gunicorn referralcrm.wsgi`."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
os.environ.setdefault("PROCESS", "web")  # its statements may not take long (database_limits.py)


WAITING = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Retry-After", "10"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]


class OnceKeysAreVerified:
    """Serves no page before the database could say that the keys are the right ones.

    With wrong keys the server stops at its start. When the database is away then, or not migrated yet, it stays
    up so that `/readyz` can say so, and asks again at each request; with wrong keys each then fails.
    """

    def __init__(self, served: "WSGIApplication") -> None:
        self.served = served
        self.is_verified = _keys_are_verified()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        address = environ.get("PATH_INFO")
        if address != "/healthz":
            self.is_verified = self.is_verified or _keys_are_verified()
        if self.is_verified or address in ("/healthz", "/readyz"):
            return self.served(environ, start_response)
        start_response("503 Service Unavailable", WAITING)
        return [b"Referral CRM waits for its database. Try again in a moment.\n"]


def _keys_are_verified() -> bool:
    """Whether they are; False while the database can't say. Raises KeysRefused."""
    from django.db import DatabaseError, connection

    from practices.encryption import verify_keys

    try:
        verify_keys()
    except DatabaseError:
        return False
    finally:
        connection.close()  # a server that loads before it forks must not hand one connection to all
    return True


application = OnceKeysAreVerified(get_wsgi_application())
