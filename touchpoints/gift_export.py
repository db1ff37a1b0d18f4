"""A year of the gift ledger to take away: one line for each person's share, physicians first, then the others."""

import csv
import io
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from practices.formulas import as_text
from touchpoints.gift_ledger import accounts
from touchpoints.models import GiftShare


def gifts_csv(year: int) -> bytes:
    """In UTF-8 with the mark that Excel asks for; withdrawn gifts are there, and counted nowhere."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(_header())
    totals = {account.provider.pk: account for account in accounts(year)}
    for share in _shares(year):
        lines.writerow([as_text(cell) for cell in _line(share, totals)])
    return "\ufeff".encode() + text.getvalue().encode()


def _header() -> list[str]:
    return [
        _("Received by"), _("NPI"), _("Counts"), _("Date"), _("Nature"), _("What"), _("In all, USD"),
        _("Share, USD"), _("Returned, USD"), _("Returned on"), _("Year's total, USD"), _("Year's limit, USD"),
        _("Reason for going over"), _("Withdrawn"), _("Recorded by"), _("Gift"),
    ]  # fmt: skip


def _shares(year: int) -> Any:
    rows = GiftShare.objects.filter(gift__given_on__year=year).select_related(
        "provider", "office_contact", "member__user", "gift__logged_by__user"
    )
    return rows.order_by("-counts", "provider__family_name", "provider_id", "gift__given_on", "gift_id", "pk")


def _line(share: GiftShare, totals: dict[int, Any]) -> list[str]:
    gift, provider = share.gift, share.provider
    account = totals.get(provider.pk) if provider and share.counts else None
    return [
        str(share.person),
        (provider.npi or "") if provider else "",
        _("yes") if share.counts else _("no"),
        gift.given_on.isoformat(),
        gift.nature,
        gift.description,
        str(gift.amount),
        str(share.amount),
        str(share.returned_amount or Decimal("0.00")),
        share.returned_on.isoformat() if share.returned_on else "",
        str(account.total) if account else "",
        str(account.limit) if account and account.limit is not None else "",
        gift.over_limit_reason,
        gift.withdrawn_reason if gift.withdrawn_at else "",
        gift.logged_by.user.name,
        str(gift.pk),
    ]
