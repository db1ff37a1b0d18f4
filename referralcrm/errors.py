"""The pages of errors that are ours: the fault, and the moment too busy."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

RETRY_AFTER = "30"  # seconds


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that it is our fault, or that we are too busy, with the number by which the log finds it.

    Called while the exception is handled. Nothing here asks the database, which may be what is wrong.
    """
    is_busy = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    context = {"request_id": getattr(request, "request_id", "")}
    page = render_to_string("503.html" if is_busy else "500.html", context)
    response = HttpResponse(page, status=503 if is_busy else 500)
    if is_busy:
        response["Retry-After"] = RETRY_AFTER
    return response
