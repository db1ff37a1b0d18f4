"""Secret links: 32 random bytes in an address. Only their SHA-256 is kept, with what they open."""

import hashlib
import secrets
from datetime import datetime

from django.db.models import Q, QuerySet

from practices.models import LinkToken


def new_link(
    purpose: LinkToken.Purpose, *, practice_id: int | None, object_id: int, expires_at: datetime | None
) -> tuple[str, LinkToken]:
    """A fresh secret, readable nowhere else, and its row to save. Without `expires_at` it lasts until revoked."""
    token = secrets.token_urlsafe(32)
    return token, LinkToken(
        token_hash=hash_of(token),
        practice_id=practice_id,
        purpose=purpose,
        object_id=object_id,
        expires_at=expires_at,
    )


def live_link(
    token: str, purpose: LinkToken.Purpose, *, now: datetime, lock: bool = False
) -> LinkToken | None:
    """What the link opens, or None: forged, used, revoked and expired are all one."""
    links = LinkToken.objects.select_for_update() if lock else LinkToken.objects.select_related("practice")
    lasts = Q(expires_at=None) | Q(expires_at__gt=now)
    return links.filter(lasts, token_hash=hash_of(token), purpose=purpose, used_at=None).first()


def unused_links(
    purpose: LinkToken.Purpose, *, practice_id: int | None, object_id: int
) -> QuerySet[LinkToken]:
    """The links to one object that still open; delete them to void them."""
    return LinkToken.objects.filter(practice=practice_id, purpose=purpose, object_id=object_id, used_at=None)


def hash_of(token: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode()).digest()
