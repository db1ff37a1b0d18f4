"""What the frame of every page needs."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from practices.addresses import page_url
from practices.roles import ADMINISTERS, MAKES_RETURN_REFERRALS, MERGES
from practices.session_limits import idle_limit


@dataclass(frozen=True)
class NavItem:
    label: str
    url: str
    icon: str
    is_current: bool
    key: str = ""


ITEMS = [
    ("today", _("Today"), "home", None),
    ("referrals", _("Referrals"), "referrals", None),
    ("thank-you", _("Thank-yous"), "thank_you", None),
    ("reminders", _("Reminders"), "reminders", None),
    ("list-check", _("Report back"), "report_back", None),
    ("cup-hot", _("Meetings"), "meetings", None),
    ("arrow-left-right", _("Return referrals"), "return_referrals", MAKES_RETURN_REFERRALS),
    ("providers", _("Providers"), "providers", None),
    ("offices", _("Offices"), "offices", None),
    ("chat-left-text", _("Feedback"), "feedback", None),
    ("figures", _("Figures"), "insights", None),
    ("imports", _("Imports"), "imports", ADMINISTERS),
    ("duplicates", _("Duplicates"), "duplicates", MERGES),
    ("settings", _("Settings"), "settings", ADMINISTERS),
]


def frame(request: HttpRequest) -> dict[str, Any]:
    """`member`, `nav`, `theme`, `can_log`, `log_touchpoint_url`, `demo`, `idle_minutes`, `second_factor_from`."""
    member, user = getattr(request, "member", None), getattr(request, "user", None)
    is_signed_in = user is not None and user.is_authenticated
    return {
        "member": member,
        "nav": _nav(request, member.role) if member else [],
        "theme": request.COOKIES.get(f"{settings.COOKIE_PREFIX}theme", "system"),
        "can_log": member is not None,
        "log_touchpoint_url": _log_touchpoint_url(request) if member else "",
        "demo": settings.DEMO,
        "idle_minutes": idle_limit(getattr(request, "seats", [])).seconds // 60 if is_signed_in else None,
        "second_factor_from": getattr(request, "second_factor_from", None) if member else None,
    }


def _log_touchpoint_url(request: HttpRequest) -> str:
    """On the page of somebody or something, a touchpoint is logged about them."""
    match, url = request.resolver_match, page_url("touchpoint_new")
    if match and match.url_name in ("provider", "office", "referral"):
        return f"{url}?{match.url_name}={match.kwargs[f'{match.url_name}_id']}"
    return url


def _nav(request: HttpRequest, role: str) -> list[NavItem]:
    items = []
    for icon, label, name, roles in ITEMS:
        if roles is None or role in roles:
            url = reverse(name)
            is_current = request.path == url if name == "home" else request.path.startswith(url)
            items.append(NavItem(str(label), url, icon, is_current))
    return items
