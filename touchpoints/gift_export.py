"""A year of the gift ledger to take away: each person's share, physicians first; then what physicians returned."""

import csv
import io
from typing import Any

from django.utils.translation import gettext as _

from contacts.models import Provider
from practices.formulas import as_text
from touchpoints.gift_ledger import accounts
from touchpoints.models import GiftReturn, GiftShare


def gifts_csv(year: int, provider: Provider | None = None) -> bytes:
    """In UTF-8 with the mark that Excel asks for; withdrawn gifts are there, and counted nowhere."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(_header())
    found = accounts(year, providers=[provider] if provider else None)
    totals = {account.provider.pk: account for account in found}
    for line in [*_shares(year, provider, totals), *_returns(year, provider, totals)]:
        lines.writerow([as_text(cell) for cell in line])
    return "\ufeff".encode() + text.getvalue().encode()


def _header() -> list[str]:
    return [
        _("Received by"), _("NPI"), _("Counts"), _("Date"), _("Nature"), _("What"), _("In all, USD"),
        _("Share, USD"), _("Returned, USD"), _("Returned on"), _("Year's total, USD"), _("Year's limit, USD"),
        _("Reason for going over"), _("Withdrawn"), _("Recorded by"), _("Gift"),
    ]  # fmt: skip


def _shares(year: int, provider: Provider | None, totals: dict[int, Any]) -> list[list[str]]:
    rows = GiftShare.objects.filter(gift__given_on__year=year).select_related(
        "provider", "office_contact", "member__user", "gift__logged_by__user"
    )
    if provider:
        rows = rows.filter(provider=provider)
    by = ("-counts", "provider__family_name", "provider_id", "gift__given_on", "gift_id", "pk")
    return [_share_line(share, totals) for share in rows.order_by(*by)]


def _returns(year: int, provider: Provider | None, totals: dict[int, Any]) -> list[list[str]]:
    rows = GiftReturn.objects.filter(year=year).select_related("provider", "logged_by__user")
    if provider:
        rows = rows.filter(provider=provider)
    by = ("provider__family_name", "provider_id", "returned_on", "pk")
    return [_return_line(back, totals) for back in rows.order_by(*by)]


def _share_line(share: GiftShare, totals: dict[int, Any]) -> list[str]:
    gift, provider = share.gift, share.provider
    return [
        str(share.person),
        (provider.npi or "") if provider else "",
        _("yes") if share.counts else _("no"),
        gift.given_on.isoformat(),
        gift.nature,
        gift.description,
        str(gift.amount),
        str(share.amount),
        "",
        "",
        *_year(totals.get(provider.pk) if provider and share.counts else None),
        gift.over_limit_reason,
        gift.withdrawn_reason if gift.withdrawn_at else "",
        gift.logged_by.user.name,
        str(gift.pk),
    ]


def _return_line(back: GiftReturn, totals: dict[int, Any]) -> list[str]:
    return [
        str(back.provider),
        back.provider.npi or "",
        _("yes"),
        "",
        "",
        _("Excess returned"),
        "",
        "",
        str(back.amount),
        back.returned_on.isoformat(),
        *_year(totals.get(back.provider_id)),
        "",
        back.withdrawn_reason if back.withdrawn_at else "",
        back.logged_by.user.name,
        "",
    ]


def _year(account: Any) -> list[str]:
    if account is None:
        return ["", ""]
    return [str(account.total), "" if account.limit is None else str(account.limit)]
