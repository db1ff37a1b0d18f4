"""A line for each request: what was asked of which address, who asked, what they got and how long it took."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("referralcrm.request")

# Asked every few seconds by whatever watches over us.
NOT_WORTH_A_LINE = {"/healthz", "/readyz"}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class LogRequests:
    """By the name of the address's pattern: the address itself may hold a secret, its query a name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        response = self.get_response(request)
        if route_of(request) not in NOT_WORTH_A_LINE:
            facts = {
                "method": request.method if request.method in METHODS else "other",
                "status": response.status_code,
                "duration_ms": round((perf_counter() - began) * 1000),
            }
            logger.info("answered", extra=facts)
        return response


def route_of(request: Any) -> str:
    """The address as the table of addresses writes it, without what stands in its gaps."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(no such address)"
