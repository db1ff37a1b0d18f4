"""Whose figures: what a role sees, narrowed by what the address asks for."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from contacts.models import Provider, Referral
from contacts.models.referrals import ReferralQuerySet
from practices.models import Member
from practices.periods import Period, Span
from practices.roles import Role


@dataclass(frozen=True)
class Scope:
    """The referrals that somebody's figures are made of: the practice's, or a part of them."""

    physician: int | None = None
    location: int | None = None
    territory: int | None = None

    @classmethod
    def of(cls, member: Member, *, physician: int | None = None, location: int | None = None) -> "Scope":
        """A physician's own, a liaison's territory; for the others what they ask for."""
        if member.role == Role.PHYSICIAN:
            return cls(physician=member.pk, location=location)
        territory = member.pk if member.role == Role.LIAISON else None
        return cls(physician=physician, location=location, territory=territory)

    @property
    def is_whole(self) -> bool:
        """Nothing is left out, so that the figures kept ahead answer."""
        return not self._asked

    @property
    def is_by_sender(self) -> bool:
        """Whole senders, with all that they sent: what is kept of each of them answers."""
        return self.physician is None and self.location is None

    @property
    def _asked(self) -> dict[str, int]:
        names = ("physician", "location", "territory")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def rows(self) -> ReferralQuerySet:
        """The referrals themselves."""
        rows: Any = Referral.objects.standing()
        for name in ("physician", "location"):
            if name in self._asked:
                rows = rows.filter(**{name: self._asked[name]})
        if self.territory is not None:
            rows = rows.filter(provider__in=Provider.objects.in_territory_of(self.territory))
        return rows

    def referrals_url(self, period: Period | None = None, **also: Any) -> str:
        """The list of referrals, filtered to these."""
        asked: dict[str, Any] = {**self._asked, **also}
        if period:
            asked |= {"received_from": period.first, "received_until": period.last}
        return f"{reverse('referrals')}?{urlencode(asked)}" if asked else reverse("referrals")


def spans_of(scope: Scope) -> tuple[Span, ...]:
    """The periods whose figures are counted: those of a territory from the rows themselves, so short ones."""
    return (Span.WEEK, Span.MONTH) if scope.territory is not None else tuple(Span)
