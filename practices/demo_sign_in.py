"""The demo's sign-ins have a printed password: they open a demo alone, and on its own machine."""

from ipaddress import ip_address

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

DEMO_DOMAIN = "demo.example"
# A proxy on this machine connects from it for everybody: then the address says nothing.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def is_demo_address(email: str) -> bool:
    """Whether an address is one of those that seeding makes."""
    domain = email.rpartition("@")[2].lower()
    return domain == DEMO_DOMAIN or domain.endswith(f".{DEMO_DOMAIN}")


def refuse_demo_from_afar(request: HttpRequest, email: str) -> None:
    """Raise PermissionDenied for a demo address where there is no demo, or from another machine."""
    if is_demo_address(email) and not (settings.DEMO and _comes_from_this_machine(request)):
        raise PermissionDenied(_("The demo’s sign-ins work in the demo alone, on the machine it runs on."))


def _comes_from_this_machine(request: HttpRequest) -> bool:
    if any(request.META.get(header) for header in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class Backend(AuthenticationBackend):
    """Once the demo is switched off, its sessions are nobody's."""

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        is_allowed = settings.DEMO or user is None or not is_demo_address(user.get_username())
        return is_allowed and super().user_can_authenticate(user)
