"""The second factor: what is kept of it, who needs one since when, and how a lost one is taken away."""

import base64
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_removed
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext as _

from practices.demo_sign_in import is_demo_address
from practices.encryption import decrypt, encrypt
from practices.isolation import set_practice
from practices.models import Member, User
from practices.session_limits import end_sessions
from practices.sign_in_mail import tell_of_change

FIELD = "mfa.authenticator"  # in the associated data of what is encrypted
SECRETS = ("secret", "seed")  # of an authenticator's data: the app's, the recovery codes'
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class SitsElsewhere(PermissionDenied):
    """The account opens another practice's rows too: its second factor is not one manager's to take away."""


class MfaAdapter(DefaultMFAAdapter):
    """Secrets under the installation's keys, with the key's id in front; our name where a device shows it."""

    def encrypt(self, text: str) -> str:
        key_id, _colon, ciphertext = encrypt(text, practice_id=None, field=FIELD).partition(b":")
        return f"{key_id.decode()}:{base64.b64encode(ciphertext).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        key_id, _colon, ciphertext = encrypted_text.partition(":")
        stored = key_id.encode() + b":" + base64.b64decode(ciphertext)
        return decrypt(stored, practice_id=None, field=FIELD)

    def get_totp_issuer(self) -> str:
        return "Referral CRM"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Referral CRM"}

    def _get_site_name(self) -> str:
        return "Referral CRM"

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey %(number)d") % {"number": count + 1}


def sets_up_sign_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that is open to who lacks the second factor their practice asks for; read by EnterPractice."""
    view.sets_up_sign_in = True  # type: ignore[attr-defined]  # functions take attributes
    return view


def encrypted_anew(data: dict[str, Any]) -> dict[str, Any]:
    """An authenticator's data with its secrets under the key that writes now."""
    adapter = MfaAdapter()
    anew = {name: adapter.encrypt(adapter.decrypt(data[name])) for name in SECRETS if name in data}
    return {**data, **anew}


def has_second_factor(user: str) -> Exists:
    """For a query: whether the user of this column has an app or a passkey."""
    return Exists(Authenticator.objects.filter(user_id=OuterRef(user), type__in=SECOND_FACTORS))


def user_has_second_factor(user: User) -> bool:
    """The same for one user."""
    return Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists()


def second_factor_from(user: User, seats: list[Member]) -> date | None:
    """From when on the strictest of their practices asks a user without a second factor for one; None: never."""
    return min((practice.second_factor_from for practice in _asking(user, seats)), default=None)


def is_missing(user: User, seats: list[Member], *, now: datetime) -> bool:
    """Whether a practice of theirs lets nobody in without a second factor by now, and they have none."""
    return any(practice.second_factor_from <= practice.today(now) for practice in _asking(user, seats))


def _asking(user: User, seats: list[Any]) -> list[Any]:
    if is_demo_address(user.email) or not seats or seats[0].has_second_factor:
        return []
    return [seat.practice for seat in seats if seat.practice.second_factor_from]


@transaction.atomic
def reset_second_factor(
    user: User, *, by: Member | None, now: datetime, request: HttpRequest | None = None
) -> bool:
    """Take every factor of who lost theirs away, sign them out everywhere and tell them; False: there was none.

    Raises SitsElsewhere when a manager asks for somebody who has a seat in another practice.
    """
    if by is not None and _sits_elsewhere(user, by):
        raise SitsElsewhere(
            _("This account has a seat in another practice, too: the operator of this installation can help.")
        )
    lost = list(Authenticator.objects.filter(user=user))
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user)
    for authenticator in lost:
        authenticator_removed.send(
            sender=Authenticator, request=request, user=user, authenticator=authenticator
        )
    if lost:
        who = by.name if by else _("The operator of this installation")
        said = _("%(who)s took the second factor off your sign-in, so that you can set up a new one.")
        tell_of_change(user, said % {"who": who}, now=now)
    return bool(lost)


def _sits_elsewhere(user: User, by: Member) -> bool:
    """A user's own policy shows their seats in every practice; it is closed again at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user.pk)])
    seats = Member._base_manager.filter(user=user, left_at=None).exclude(practice_id=by.practice_id)
    found = seats.exists()
    set_practice(by.practice_id)
    return found
