"""Every request has a number: in its answer, on its error page, in its log lines and in the audit trail."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FROM_A_PROXY = re.compile(r"[0-9A-Za-z_-]{8,64}")
_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_request() -> HttpRequest | None:
    """The request that is being answered, or None outside one."""
    return _current.get()


def current_request_id() -> str:
    """The number of the request that is being answered, or nothing outside one."""
    return getattr(_current.get(), "request_id", "")


class NumberRequests:
    """Sets `request.request_id`, and says it in the answer. The first middleware, so that every other has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = _number_of_the_proxy(request) or uuid4().hex
        request.request_id = number  # type: ignore[attr-defined]  # declared in practices.requests
        token = _current.set(request)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(token)
        response["X-Request-ID"] = number
        return response


def _number_of_the_proxy(request: HttpRequest) -> str:
    """What a trusted proxy numbered the request with; what anybody else sends under that name is not believed."""
    header = settings.REQUEST_ID_HEADER
    said = request.headers.get(header, "") if header else ""
    return said if FROM_A_PROXY.fullmatch(said) else ""
