"""The yearly ledger of what physicians were given. It records and warns; counsel decides.

Nothing here knows how many patients anybody sends, nor may it: what is given is never sized by referrals.
Meals are divided by everybody present; of the odd cents one each goes first to physicians, then to others of
theirs, last to ours, each in the order they were added to the network: no physician's share is understated.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import OfficeContact, Provider
from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from touchpoints.gift_shares import Cure, Entry, Return, cure_of, is_physician, kept, says_cash, split
from touchpoints.meeting_people import People, field_of, key_of
from touchpoints.models import Gift, GiftLimit, GiftReturn, GiftShare
from touchpoints.touchpoint_log import NotPossible, lock_practice

SECOND_PRESS = timedelta(minutes=1)
SOURCE = "42 CFR 411.357(k), as CMS adjusts it each year"
LIMITS = {
    2014: 385, 2015: 392, 2016: 392, 2017: 398, 2018: 407, 2019: 416, 2020: 423, 2021: 429, 2022: 452,
    2023: 489, 2024: 507, 2025: 519, 2026: 535,
}  # fmt: skip
UNCHECKED = (2025, 2026)
WHO_RETURNED = ("provider", "logged_by__user", "withdrawn_by__user")


@dataclass(frozen=True)
class Account:
    """One physician's calendar year: what they were given and kept, against the limit.

    `uncounted`: what was recorded before they were known as a physician, and counts once somebody says so.
    """

    provider: Provider
    year: int
    limit: Decimal | None
    entries: tuple[Entry, ...] = ()
    recorded: tuple[GiftReturn, ...] = ()
    cures_used: tuple[date, ...] = ()
    uncounted: Decimal = Decimal(0)

    @property
    def given(self) -> Decimal:
        return sum((entry.amount for entry in self.entries), Decimal(0))

    @property
    def returns(self) -> tuple[Return, ...]:
        """What was recorded as returned and not taken back. It outlives the gifts that it was for."""
        standing = (back for back in self.recorded if back.withdrawn_at is None)
        return tuple(Return(back.returned_on, back.amount) for back in standing)

    @property
    def returned(self) -> Decimal:
        return sum((back.amount for back in self.returns), Decimal(0))

    @property
    def total(self) -> Decimal:
        return kept(self.entries, self.returns)

    @property
    def cure(self) -> Cure | None:
        """What the cure asks for the excess; None: there is none."""
        if self.limit is None:
            return None
        return cure_of(self.entries, self.limit, returns=self.returns, used_on=self.cures_used)

    @property
    def left(self) -> Decimal | None:
        return None if self.limit is None else max(self.limit - self.total, Decimal(0))

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.total > self.limit


@dataclass(frozen=True)
class Part:
    """What a gift is to one person; of a physician, how their year stands before and after it."""

    person: Provider | OfficeContact | Member
    amount: Decimal
    before: Account | None = None
    after: Account | None = None

    @property
    def counts(self) -> bool:
        return self.after is not None

    @property
    def lacks_credentials(self) -> bool:
        return isinstance(self.person, Provider) and not self.person.credentials


@dataclass(frozen=True)
class Preview:
    """What recording a gift would do: shown before it is done."""

    year: int
    limit: GiftLimit | None
    parts: tuple[Part, ...]

    @property
    def over(self) -> list[Part]:
        return [part for part in self.parts if part.after and part.after.is_over]

    @property
    def lacks_limit(self) -> bool:
        return self.limit is None and any(part.counts for part in self.parts)

    @property
    def key(self) -> str:
        """What was shown: another's gift meanwhile makes another key."""
        parts = [
            f"{key_of(part.person)}:{part.amount}:{part.before.total if part.before else ''}"
            for part in self.parts
        ]
        return " ".join([str(self.limit.amount if self.limit else ""), *parts])


class NotSeen(Exception):
    """The running totals were not shown yet, or changed since."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


def add_gift_limits(practice: Practice) -> None:
    """Give the practice the limits known when this was written; those not checked say so. Call inside its scope."""
    GiftLimit.objects.bulk_create(
        [
            GiftLimit(
                practice=practice, year=year, amount=amount, source=SOURCE, is_checked=year not in UNCHECKED
            )
            for year, amount in LIMITS.items()
        ],
        ignore_conflicts=True,
    )


def limits_by_year() -> dict[int, GiftLimit]:
    """The practice's limits by year, the newest first; a practice that has none yet gets those known."""
    rows = {row.year: row for row in GiftLimit.objects.order_by("-year")}
    if rows:
        return rows
    add_gift_limits(Practice.objects.get(pk=entered_practice_id()))
    return {row.year: row for row in GiftLimit.objects.order_by("-year")}


@transaction.atomic
def remove_limit(limit: GiftLimit) -> None:
    """It was entered in error. Raises NotPossible while something given in that year stands on it."""
    lock_practice()
    if Gift.objects.standing().filter(given_on__year=limit.year).exists():
        raise NotPossible(_("Something was given that year: mend the number instead."))
    limit.delete()


def accounts(
    year: int,
    *,
    providers: Iterable[Provider] | None = None,
    limits: Mapping[int, GiftLimit] | None = None,
) -> list[Account]:
    """The year of each physician who was given something in it, or of just these, by name."""
    shares, returned = _provider_shares(year), GiftReturn.objects.all()
    if providers is not None:
        shares, returned = shares.filter(provider__in=providers), returned.filter(provider__in=providers)
    limit = (limits or limits_by_year()).get(year)
    found = {provider.pk: _empty(provider, year, limit) for provider in providers or ()}
    for share in shares.select_related("provider", "gift").order_by("gift__given_on", "gift_id"):
        provider = cast(Provider, share.provider)
        if share.counts or is_physician(provider.credentials):
            account = found.get(provider.pk) or _empty(provider, year, limit)
            found[provider.pk] = _with_share(account, share)
    used: dict[int, list[date]] = defaultdict(list)
    for back in returned.select_related(*WHO_RETURNED).order_by("returned_on", "pk"):
        if back.withdrawn_at is None:
            used[back.provider_id].append(back.returned_on)
        if back.year == year:
            account = found.get(back.provider_id) or _empty(back.provider, year, limit)
            found[back.provider_id] = replace(account, recorded=(*account.recorded, back))
    made = [replace(account, cures_used=tuple(used[pk])) for pk, account in found.items()]
    return sorted(made, key=lambda account: (account.provider.family_name, account.provider.pk))


def preview_of(gift: Gift, people: People) -> Preview:
    """How the gift is shared, and what that makes of each physician's year."""
    limit = limits_by_year().get(gift.year)
    physicians = [provider for provider in people.providers if is_physician(provider.credentials)]
    before = {account.provider: account for account in accounts(gift.year, providers=physicians)}
    parts = []
    for person, amount in _shared(gift, people, physicians):
        if account := before.get(person):  # type: ignore[call-overload]  # only providers have one
            entries = (*account.entries, Entry(gift.given_on, amount))
            parts.append(Part(person, amount, account, replace(account, entries=entries)))
        else:
            parts.append(Part(person, amount))
    return Preview(gift.year, limit, tuple(parts))


@transaction.atomic
def record_gift(
    gift: Gift,
    *,
    people: People,
    by: Member,
    now: datetime,
    is_solicited: bool,
    is_cash: bool,
    seen: str = "",
) -> Gift:
    """Write down what was given, and to whom. `seen` is the key of the preview that was shown.

    Raises NotSeen until the running totals were shown as they stand; NotPossible for what is refused: solicited,
    cash or its like, in the future, given to nobody, in a year whose limit is not entered, over it with no reason.
    """
    lock_practice()
    if twice := _pressed_before(gift, people, by=by, now=now):
        return twice
    _refuse(gift, people, is_solicited=is_solicited, is_cash=is_cash, today=by.practice.today(now))
    preview = preview_of(gift, people)
    if preview.lacks_limit:
        text = _("The limit of %(year)d is not entered yet, and no other year's is taken in its place.")
        ask = "" if by.is_manager else _("Ask a manager to enter it.")
        raise NotPossible(f"{text % {'year': gift.year}} {ask}".strip())
    if preview.key != seen:
        raise NotSeen(preview)
    if preview.over and not gift.over_limit_reason:
        raise NotPossible(_("It goes over the limit: say why, or leave it."))
    if not preview.over:
        gift.over_limit_reason = ""
    gift.logged_at, gift.logged_by = now, by
    gift.save()
    GiftShare.objects.bulk_create(
        GiftShare(gift=gift, amount=part.amount, counts=part.counts, **{field_of(part.person): part.person})
        for part in preview.parts
    )
    return gift


@transaction.atomic
def withdraw_gift(gift: Gift, *, by: Member, now: datetime, reason: str) -> Gift:
    """It was recorded in error: it counts no more, and stays on the record with the reason."""
    lock_practice()
    return _withdrawn(gift, by=by, now=now, reason=reason)


@transaction.atomic
def return_excess(provider: Provider, *, year: int, on: date, by: Member, now: datetime) -> GiftReturn:
    """The physician gave the whole excess back on that day: the cure.

    Raises NotPossible where the cure does not reach: counsel decides then what becomes of it.
    """
    lock_practice()
    (account,) = accounts(year, providers=[provider])
    if account.cure is None:
        raise NotPossible(_("Nothing is over the limit."))
    if on > by.practice.today(now):
        raise NotPossible(_("It can't have been in the future."))
    if on < account.cure.since:
        text = _("It can't have been returned before %(day)s: the excess arose that day.")
        raise NotPossible(text % {"day": f"{account.cure.since:%m/%d/%Y}"})
    if reason := why_not_cured(account.cure, on=on):
        raise NotPossible(reason)
    return GiftReturn.objects.create(
        provider=provider, year=year, returned_on=on, amount=account.cure.excess, logged_at=now, logged_by=by
    )


@transaction.atomic
def take_return_back(back: GiftReturn, *, by: Member, now: datetime, reason: str) -> GiftReturn:
    """It was recorded in error: the excess stands again, the cure is unused, the reason stays on the record."""
    lock_practice()
    return _withdrawn(back, by=by, now=now, reason=reason)


@transaction.atomic
def count_earlier(provider: Provider, *, year: int) -> None:
    """What was recorded that year before they were known as a physician counts from now on."""
    lock_practice()
    if not is_physician(provider.credentials):
        raise NotPossible(_("By their credentials they are no physician: nothing counts."))
    _provider_shares(year).filter(provider=provider).update(counts=True)


def why_not_cured(cure: Cure, *, on: date) -> str:
    """A sentence that says why returning it on that day is no cure, or nothing."""
    if not cure.is_small_enough:
        return _("The excess is more than half of the limit: the cure does not reach it. Ask counsel.")
    if cure.used_on:
        text = _("The cure was used on %(day)s, and it can be used once in three years. Ask counsel.")
        return text % {"day": f"{cure.used_on:%m/%d/%Y}"}
    if on > cure.return_by:
        text = _("It had to be returned by %(day)s. Ask counsel.")
        return text % {"day": f"{cure.return_by:%m/%d/%Y}"}
    return ""


def _empty(provider: Provider, year: int, limit: GiftLimit | None) -> Account:
    return Account(provider, year, limit.amount if limit else None)


def _with_share(account: Account, share: GiftShare) -> Account:
    if not share.counts:
        return replace(account, uncounted=account.uncounted + share.amount)
    return replace(account, entries=(*account.entries, Entry(share.gift.given_on, share.amount)))


def _withdrawn(row: Any, *, by: Member, now: datetime, reason: str) -> Any:
    row = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now, by, reason
        row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    return row


def _shared(gift: Gift, people: People, physicians: list[Provider]) -> list[tuple[Any, Decimal]]:
    """Each person's share; who comes first takes an odd cent first. A thing counts whole to each of theirs."""
    if gift.nature == Gift.Nature.ITEM:
        return [(person, gift.amount) for person in _in_order(people.theirs, physicians)]
    present = _in_order(people, physicians)
    return list(zip(present, split(gift.amount, len(present)), strict=True))


def _in_order(people: Iterable[Any], physicians: list[Provider]) -> list[Any]:
    kinds = (Provider, OfficeContact, Member)
    return sorted(people, key=lambda one: (one not in physicians, kinds.index(type(one)), one.pk))


def _refuse(gift: Gift, people: People, *, is_solicited: bool, is_cash: bool, today: date) -> None:
    if is_solicited:
        raise NotPossible(_("What was asked for is not given: the law allows nothing solicited."))
    if is_cash or says_cash(gift.description):
        raise NotPossible(_("Cash and what is spent like it, gift cards too, are not given."))
    if not people.theirs:
        raise NotPossible(_("Say who received it."))
    if gift.given_on > today:
        raise NotPossible(_("It can't have been in the future."))
    if gift.meeting and not gift.meeting.is_held:
        raise NotPossible(_("Say first how the meeting went: its costs are divided by who was there."))


def _pressed_before(gift: Gift, people: People, *, by: Member, now: datetime) -> Gift | None:
    same = ("meeting_id", "given_on", "nature", "description", "amount")
    lately = Gift.objects.standing().filter(logged_by=by, logged_at__gt=now - SECOND_PRESS)
    rows = lately.filter(**{name: getattr(gift, name) for name in same})
    wanted = people.keys if gift.nature == Gift.Nature.MEAL else {key_of(person) for person in people.theirs}
    return next((row for row in rows if {key_of(share.person) for share in shares_of(row)} == wanted), None)


def _provider_shares(year: int) -> Any:
    return GiftShare.objects.filter(
        provider__isnull=False, gift__withdrawn_at=None, gift__given_on__year=year
    )


def shares_of(gift: Gift) -> list[GiftShare]:
    """Each person's share, those that count first."""
    rows = gift.shares.select_related("provider", "office_contact", "member__user")
    return list(rows.order_by("-counts", "pk"))
