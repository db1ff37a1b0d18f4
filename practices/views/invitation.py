"""The page behind an invitation's link."""

from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from practices.invitations import accept, live_token
from practices.isolation import practice_scope
from practices.models import Invitation, LinkToken, User
from practices.pages import page
from practices.requests import PracticeRequest
from practices.settings_forms import NewUserForm, OwnPasswordForm


# Who is invited has no account yet; the link's 32 random bytes are what lets them in.
@login_not_required
@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("password", "password_again")
def invitation(request: PracticeRequest, token: str) -> HttpResponse:
    """Take the seat: with a new password, or with one's own where the address has an account."""
    link = live_token(token, now=timezone.now())
    if link is None:
        return _gone(request)
    if request.user.is_authenticated:
        return page(request, "practices/invitation_signed_in.html")
    invited = _invited(link)
    user = User.objects.filter(email=invited.email).first()
    form = _form(request, invited, user)
    if form.is_valid() and (user := _proven(request, form, invited, user)):
        return _take_seat(request, token, user)
    context = {"form": form, "invited": invited, "practice": link.practice, "has_account": user is not None}
    return page(request, "practices/invitation.html", context)


def _gone(request: PracticeRequest) -> HttpResponse:
    response = page(request, "practices/invitation_gone.html")
    response.status_code = 404
    return response


def _invited(link: LinkToken) -> Invitation:
    with practice_scope(link.practice_id):
        return Invitation.objects.get(pk=link.object_id)


def _form(request: PracticeRequest, invited: Invitation, user: User | None) -> NewUserForm | OwnPasswordForm:
    if user:
        return OwnPasswordForm(request.POST or None)
    return NewUserForm(request.POST or None, email=invited.email, initial={"name": invited.name})


def _proven(
    request: PracticeRequest, form: NewUserForm | OwnPasswordForm, invited: Invitation, user: User | None
) -> User | None:
    """The user of a right password, or a new one not yet saved; None with the form's error."""
    if user is None:
        made = User(email=invited.email, name=form.cleaned_data["name"])
        made.set_password(form.cleaned_data["password"])
        return made
    try:
        known = get_adapter(request).authenticate(
            request, email=user.email, password=form.cleaned_data["password"]
        )
    except ValidationError as error:  # too many tries
        form.add_error(None, error)
        return None
    if known is None:
        form.add_error("password", _("This is not the password of your account."))
    return known


def _take_seat(request: PracticeRequest, token: str, user: User) -> HttpResponse:
    with transaction.atomic():
        if user.pk is None:
            user.save()
        member = accept(token, user=user, now=timezone.now())
        if member is None:  # used up by a second press or another tab
            transaction.set_rollback(True)
            return _gone(request)
    request.session["practice_id"] = member.practice_id
    # Through every stage of signing in: an account with a second factor is asked for it here, too.
    response = perform_login(request, user, email=user.email)
    if request.user.is_authenticated:
        messages.success(request, _("Welcome. This is what waits today."))
    return response
