"""What the ledger's pages say of a physician's year, and of its cure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from touchpoints.gift_ledger import Account, Part, Preview, why_not_cured


@dataclass(frozen=True)
class AccountLine:
    """One physician's year in the table; over the limit, what the cure asks, or why it does not reach."""

    account: Account
    advice: str = ""
    may_return: bool = False


def account_lines(found: Iterable[Account], *, today: date) -> list[AccountLine]:
    """The lines of those who were given something."""
    return [
        AccountLine(account, cure_in_words(account, on=today), may_return=_may_return(account))
        for account in found
        if account.entries or account.returns or account.uncounted
    ]


@dataclass(frozen=True)
class PartLine:
    """What the gift is to one person, and the year it makes; over the limit, what the cure asks."""

    part: Part
    advice: str


def preview_lines(preview: Preview) -> list[PartLine]:
    """The lines of a gift not recorded yet."""
    return [
        PartLine(part, cure_in_words(part.after, on=part.after.entries[-1].given_on) if part.after else "")
        for part in preview.parts
    ]


def cure_in_words(account: Account, *, on: date) -> str:
    """What 42 CFR 411.357(k)(3) lets one do about it, in a sentence; nothing when it is not over."""
    cure = account.cure
    if cure is None:
        return ""
    words = {"excess": f"${cure.excess}", "day": date_format(cure.return_by, "F j, Y")}
    over = _("%(excess)s over the limit.") % words
    if reason := why_not_cured(cure, on=on):
        return f"{over} {reason}"
    cured = _(
        "If that was inadvertent, it is cured when the physician returns %(excess)s, or what it is worth, by"
        " %(day)s: once in three years (42 CFR 411.357(k)(3))."
    )
    return f"{over} {cured % words}"


def _may_return(account: Account) -> bool:
    """Returned in time it may also be written down later."""
    return account.cure is not None and account.cure.is_open
