"""How large a request may be: said before anything of it is read, and before anybody is asked who they are."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

BESIDE = 64 * 1024  # what a request carries beside its fields or its file: names, boundaries, the token


def takes_upload(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view that is sent a file."""
    view.takes_upload = True  # type: ignore[attr-defined]  # read below
    return view


class LimitRequestSize:
    """Answers 413. It stands before the CSRF check, which reads the body of whoever asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        if _length(request) <= _most(request, view) + BESIDE:
            return None
        return render(request, "413.html", status=413)


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _most(request: HttpRequest, view: Callable[..., HttpResponse]) -> int:
    """A form's size; for who has a session and sends a file twice a file's, so that one somewhat too large is told
    so beside its field."""
    if getattr(view, "takes_upload", False) and settings.SESSION_COOKIE_NAME in request.COOKIES:
        return 2 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE
