"""How allauth behaves here: nobody signs up, guessing is slowed, mail goes through the outbox."""

import logging
from datetime import timedelta
from math import ceil
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices import guessing
from practices.demo_sign_in import refuse_demo_from_afar
from practices.models import Session, User
from practices.outbox import queue_mail
from practices.rate_limits import client_address
from practices.session_limits import end_sessions, seen_from
from practices.sign_in_log import NOTED, Act, record_sign_in
from practices.sign_in_mail import CHANGES, tell_of_change

logger = logging.getLogger("practices.sign_in")
UNSENT = f"{settings.COOKIE_PREFIX}unsent"
UNSENT_FOR = timedelta(hours=1)


def note(event: str, *, request: HttpRequest | None = None, user: Any = None) -> None:
    """What happened around a sign-in: every refusal, every end of a session, every change that no signal tells of.

    Without the e-mail: of who is unknown nothing is kept (docs/decisions/sign-in.md lists the events).
    """
    who, where = getattr(user, "pk", None), client_address(request) if request else None
    logger.info("sign-in: %s", event, extra={"user_id": who, "address": where})
    if act := NOTED.get(event):
        record_sign_in(act, user=user, request=request)


def note_unsent(response: HttpResponse) -> None:
    """What this browser sent came after its session's end, and nothing keeps it: to be said after signing in."""
    response.set_cookie(
        UNSENT, "1", max_age=UNSENT_FOR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def _tell_unsent(request: HttpRequest, response: HttpResponse) -> None:
    if UNSENT in request.COOKIES:
        messages.warning(
            request, _("What you sent last came after you were signed out. Please send it again.")
        )
        response.delete_cookie(UNSENT, samesite="Lax")


def too_many(refusal: guessing.TooManyTries) -> ValidationError:
    """The refusal in words; the same for an account that does not exist."""
    minutes = ceil(refusal.wait / timedelta(minutes=1))
    said = ngettext(
        "Too many tries in vain. Wait a minute, then try again.",
        "Too many tries in vain. Wait %(minutes)d minutes, then try again.",
        minutes,
    )
    return ValidationError(said % {"minutes": minutes}, code="too_many_tries")


class AccountAdapter(DefaultAccountAdapter):
    """An account comes from an invitation alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """By whom allauth's own limits count; a unix socket is no reason to refuse."""
        return client_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at."""
        try:
            guessing.count_try(*_tried(request, credentials), now=timezone.now())
        except guessing.TooManyTries as refusal:
            note("still to wait", request=request)
            raise too_many(refusal) from refusal

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user = super().authenticate(request, **credentials)
        if user is not None:
            account, network = _tried(request, credentials)
            guessing.forgive(account)
            guessing.take_back(network)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Say when this was one too many. For nobody's address the same is written, and taken back: as long for both."""
        account, now = _tried(request, credentials)[0], timezone.now()
        user = _named(credentials)
        note("wrong password", request=request, user=user)
        acts = [] if user else [Act.WRONG_PASSWORD]  # for an account the signal's receiver has done it
        acts += [Act.TOO_MANY_TRIES] if guessing.wait_of(account, now=now) else []
        with transaction.atomic():
            for act in acts:
                record_sign_in(act, user=user or User.objects.order_by("pk").first(), request=request)
            transaction.set_rollback(user is None)
        for _act in acts if user is None else ():
            guessing.write_for_nothing(account)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Whichever way somebody signs in, it goes through here."""
        refuse_demo_from_afar(request, user.get_username())
        return super().pre_login(request, user, **kwargs)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """And whoever is through arrives here."""
        response = super().post_login(request, user, **kwargs)
        started = Session.objects.filter(session_key=request.session.session_key)
        started.update(user_id=user.pk, **seen_from(request))
        guessing.know_browser(request, response, user.get_username())
        _tell_unsent(request, response)
        return response

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """A new password signs everybody out who came in by the old one."""
        super().set_password(user, password)
        end_sessions(user, but=self.request.session.session_key)
        guessing.forgive(guessing.Subject("password", f"account:{user.get_username()}"))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """From SITE_URL: a Host header is the visitor's to write."""
        user, _, secret = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[user, secret])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        html = next((body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), "")
        queue_mail(to=email, subject=message.subject, text=message.body, html=html, now=timezone.now())

    def send_notification_mail(
        self, template_prefix: str, user: AbstractBaseUser, context: Any = None, email: str | None = None
    ) -> None:
        """Each change of how somebody signs in is told to them."""
        tell_of_change(user, CHANGES[template_prefix], seen=seen_from(self.request), now=timezone.now())


def _tried(request: HttpRequest, credentials: dict[str, Any]) -> tuple[guessing.Subject, guessing.Subject]:
    return guessing.account("password", request, credentials.get("email", "")), guessing.network(request)


def _named(credentials: dict[str, Any]) -> User | None:
    return User.objects.filter(email=credentials.get("email", "").lower()).first()
