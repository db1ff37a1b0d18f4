"""allauth's forms as they are here: tries are counted in the database, a code is taken once, junk is no error of ours."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    default_token_generator,
)
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from practices import guessing
from practices.forms import DayField
from practices.models import Practice, User
from practices.settings_forms import day_input
from practices.shared_rows import SharedRow
from practices.sign_in import note, too_many

CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}


def counted(*subjects: guessing.Subject, user: Any = None) -> None:
    """Count a try. Raises ValidationError when there were too many."""
    try:
        guessing.count_try(*subjects, now=timezone.now())
    except guessing.TooManyTries as refusal:
        note("still to wait", request=context.request, user=user)
        raise too_many(refusal) from refusal


class CountedCode:
    """A code of the app or a recovery code, slowed like a password, and taken once."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        mine = guessing.account("code", context.request, self.user.email)
        shared = guessing.network(context.request)
        counted(mine, shared, user=self.user)
        code = super().clean_code()  # type: ignore[misc]  # of the form it is mixed into
        if self.authenticator.type == Authenticator.Type.TOTP and not take_code(self.authenticator, code):
            raise get_adapter().validation_error("incorrect_code")
        guessing.forgive(mine)
        guessing.take_back(shared)
        return code


@transaction.atomic
def take_code(app: Authenticator, code: str) -> bool:
    """Whether it is good and was not taken before. RFC 6238, 5.2: the step of the last code taken is kept with the secret, so that a restart forgets none."""
    row = Authenticator.objects.select_for_update().get(pk=app.pk)
    secret = get_adapter().decrypt(row.data["secret"])
    steps = [step for step in totp.yield_hotp_counters_from_time() if _code_of(secret, step) == code.strip()]
    if not steps or max(steps) <= row.data.get("last_step", -1):
        return False
    row.data["last_step"] = max(steps)
    row.save(update_fields=["data"])
    return True


def _code_of(secret: str, step: int) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, step))


class CodeForm(CountedCode, AuthenticateForm):
    """After the password."""

    code = forms.CharField(label=_("Code"), widget=forms.TextInput(attrs=CODE))


class CodeAgainForm(CountedCode, ReauthenticateForm):
    """Before a change of how one signs in."""

    code = forms.CharField(label=_("Code"), widget=forms.TextInput(attrs=CODE))


class AppForm(ActivateTOTPForm):
    """The first code of an app. Its secret waits in the session, encrypted like all that are kept."""

    code = forms.CharField(label=_("The code it shows"), widget=forms.TextInput(attrs=CODE))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        forms.Form.__init__(self, *args, **kwargs)
        self.user, self.secret = user, _waiting_secret(is_new=not self.is_bound)


def _waiting_secret(*, is_new: bool) -> str:
    session, adapter = context.request.session, get_adapter()
    if is_new or totp.SECRET_SESSION_KEY not in session:
        session[totp.SECRET_SESSION_KEY] = adapter.encrypt(totp.generate_totp_secret())
    return adapter.decrypt(session[totp.SECRET_SESSION_KEY])


class Parsed:
    """What a device says is read as JSON and CBOR from the visitor's hand: whatever can't be read is a wrong answer."""

    def full_clean(self) -> None:
        try:
            super().full_clean()  # type: ignore[misc]  # of the form it is mixed into
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            self.cleaned_data: dict[str, Any] = {}
            wrong = get_adapter().validation_error("incorrect_code")
            self.add_error("credential", wrong)  # type: ignore[attr-defined]  # of the same


class PasskeyForm(Parsed, AuthenticateWebAuthnForm):
    """After the password."""


class PasskeyAgainForm(Parsed, ReauthenticateWebAuthnForm):
    """Before a change of how one signs in."""


class PasskeySignInForm(Parsed, LoginWebAuthnForm):
    """In place of the password."""


class NewPasskeyForm(Parsed, AddWebAuthnForm):
    """A device and its name."""

    passwordless = None  # a device that can do without the password may: it is asked to be one in the browser
    name = forms.CharField(label=_("Its name"), max_length=60, required=False)


class NewPasswordForm(ChangePasswordForm):
    """The old password is slowed like one at the door: a session left open must not be the place to guess it."""

    def clean_oldpassword(self) -> str:
        mine = guessing.account("password", context.request, self.user.email)
        counted(mine, user=self.user)
        old = super().clean_oldpassword()
        guessing.forgive(mine)
        return old


class ForgottenPasswordForm(ResetPasswordForm):
    """As much work is done, and as long is taken, for an address without an account."""

    def clean_email(self) -> str:
        request, email = context.request, self.cleaned_data["email"]
        counted(guessing.Subject("reset", email.lower()), guessing.network(request, "reset-address"))
        return super().clean_email()

    def save(self, request: Any, **kwargs: Any) -> str:
        email = self.cleaned_data["email"]
        with transaction.atomic():
            self._write(request, email, **kwargs)
            transaction.set_rollback(not self.users)
        if not self.users:
            guessing.write_for_nothing(guessing.Subject("reset", email.lower()))
        return email

    def _write(self, request: Any, email: str, **kwargs: Any) -> None:
        users = self.users or [User(pk=0, email=email, name="", password="!")]  # noqa: S106  # none opens it
        request_password_reset(request, email, users, kwargs.get("token_generator"))


class NewPasswordByLinkForm(ResetPasswordKeyForm):
    """A link is good for one password, even when it is used twice at the same moment."""

    @transaction.atomic
    def save(self) -> None:
        user = User.objects.select_for_update().get(pk=self.user.pk)
        if not default_token_generator.check_token(user, self.temp_key):
            raise PermissionDenied(_("This link was used already. Ask for a new one."))
        super().save()


class SignInRulesForm(SharedRow, forms.ModelForm):
    """What the practice asks of whoever signs in."""

    second_factor_from = DayField(
        label=_("Second factor needed from"),
        required=False,
        widget=day_input(),
        help_text=Practice._meta.get_field("second_factor_from").help_text,
    )

    class Meta:
        model = Practice
        fields = ("second_factor_from", "idle_minutes")
