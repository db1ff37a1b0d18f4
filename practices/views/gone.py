"""Where there is nothing: said so, and where it was removed under somebody's hands, with what they had typed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

from practices.shared_rows import typed_over


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404; or 410 with the words that were typed into a form whose row was removed or merged meanwhile."""
    member: Any = getattr(request, "member", None)
    if request.method == "POST" and member is not None:
        typed = typed_over(request.POST, practice_id=member.practice_id)
        if typed is not None:
            response = render(request, "gone.html", {"typed": typed}, status=410)
            response["Cache-Control"] = "no-store"
            return response
    return page_not_found(request, exception)
