"""Who wants to know that referrals or providers have changed: apps that this one does not know.

They name a function once, when the product starts (touchpoints.apps). It is called within the act, so it only notes
what it will do once the act is committed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

followers: list[Callable[..., None]] = []


def changed(
    *, now: datetime, providers: Iterable[int | None] = (), referrals: Iterable[int | None] = ()
) -> None:
    """Tell whoever follows that something was done about these."""
    for follow in followers:
        follow(now=now, providers=providers, referrals=referrals)
