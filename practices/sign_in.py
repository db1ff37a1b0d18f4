"""How allauth behaves here: nobody signs up, mail goes through the outbox."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from practices.demo_sign_in import refuse_demo_from_afar
from practices.outbox import queue_mail


class AccountAdapter(DefaultAccountAdapter):
    """An account comes from an invitation alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Whichever way somebody signs in, it goes through here."""
        refuse_demo_from_afar(request, user.get_username())
        return super().pre_login(request, user, **kwargs)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """From SITE_URL: a Host header is the visitor's to write."""
        user, _, secret = key.partition("-")
        return settings.SITE_URL + reverse("account_reset_password_from_key", args=[user, secret])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        html = next((body for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), "")
        queue_mail(to=email, subject=message.subject, text=message.body, html=html, now=timezone.now())
