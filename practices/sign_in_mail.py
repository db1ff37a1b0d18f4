"""Who signs in is told by mail what changed about it: if it was somebody else, they hear of it."""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practices.browsers import in_words
from practices.outbox import queue_mail

# By allauth's name for the change.
CHANGES = {
    "account/email/password_changed": gettext_lazy("Your password was changed."),
    "account/email/password_reset": gettext_lazy("Your password was set anew, by a link from your mail."),
    "mfa/email/totp_activated": gettext_lazy("An authenticator app was added to your sign-in."),
    "mfa/email/totp_deactivated": gettext_lazy("The authenticator app was taken off your sign-in."),
    "mfa/email/webauthn_added": gettext_lazy("A passkey was added to your sign-in."),
    "mfa/email/webauthn_removed": gettext_lazy("A passkey was taken off your sign-in."),
    "mfa/email/recovery_codes_generated": gettext_lazy(
        "New recovery codes were made; the old ones are void."
    ),
}


def tell_of_change(user: Any, what: Any, *, now: datetime, seen: dict[str, str] | None = None) -> None:
    """Queue the letter. `seen` is where it was done: address and browser."""
    where = {"address": seen["address"], "browser": in_words(seen["browser"])} if seen else None
    context = {"user": user, "what": what, "where": where, "at": now}
    queue_mail(
        to=user.email,
        subject=_("Your sign-in to Referral CRM was changed"),
        text=render_to_string("practices/email/sign_in_changed.txt", context),
        html=render_to_string("practices/email/sign_in_changed.html", context),
        now=now,
    )
