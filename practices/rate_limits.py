"""How often one address may try a public page, counted in the cache, so that several processes count together."""

from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

MINUTE = 60  # seconds


def client_address(request: HttpRequest) -> str:
    """Whose try it is: the trusted proxy's word where one is set, otherwise the other end of the connection.

    An IPv6 visitor holds a whole /64, so that is what is counted.
    """
    whole = whole_address(request)
    if not whole:  # they share one count
        return "unknown"
    address = ip_address(whole)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)


def whole_address(request: HttpRequest) -> str:
    """The same, whole; nothing for a unix socket, or a proxy that says nothing of use."""
    header = settings.CLIENT_ADDRESS_HEADER
    said = request.headers.get(header, "") if header else ""
    try:
        address = ip_address((said or request.META.get("REMOTE_ADDR", "")).strip())
    except ValueError:
        return ""
    plain, _zone, _interface = str(getattr(address, "ipv4_mapped", None) or address).partition("%")
    return plain


def tries_too_often(request: HttpRequest, *, what: str, limit: int, now: datetime) -> bool:
    """Count this try, and say whether the address has had more than `limit` of them in this minute."""
    key = f"tries:{what}:{client_address(request)}:{int(now.timestamp()) // MINUTE}"
    cache.add(key, 0, timeout=2 * MINUTE)
    try:
        return cache.incr(key) > limit
    except ValueError:  # the cache's server went or came back between the two
        cache.set(key, 1, timeout=2 * MINUTE)
        return False
