"""The log of who was shown which patients. Every view that shows one calls this."""

from collections.abc import Iterable

from practices.acting import current_actor
from practices.models import Member, PatientAccess


def record_access(
    member: Member,
    *,
    act: PatientAccess.Act,
    page: str,
    referral_ids: Iterable[int] = (),
    return_referral_ids: Iterable[int] = (),
    covering_for: Member | None = None,
) -> None:
    """Write down one act that showed patients; nothing when no row was shown, but for a search."""
    ids, return_ids = list(referral_ids), list(return_referral_ids)
    if ids or return_ids or act == PatientAccess.Act.SEARCHED:
        actor = current_actor()
        PatientAccess.objects.create(
            member=member,
            act=act,
            page=page,
            referral_ids=ids,
            return_referral_ids=return_ids,
            covering_for=covering_for,
            address=actor.address or None,
            request_id=actor.request_id,
        )
