"""Whom one tells, and of which patients: what the page of the one act shows, as its address or form says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Referral
from contacts.referral_rows import patient_of, sender_of
from practices.models import Member
from practices.pages import as_id
from touchpoints.report_back_board import Board, BoardRow, as_shown, caution_of, rows_of
from touchpoints.reporting_back import REACHED, Told
from touchpoints.touchpoint_pages import About

OFFERED = 30


@dataclass(frozen=True)
class Telling:
    """The referrals named, all of one referrer or of several; and what else that one waits for."""

    named: list[Referral]
    others: list[Referral]

    @property
    def is_one_sender(self) -> bool:
        return len({_sender_key(row) for row in self.named}) == 1

    @property
    def about(self) -> About:
        """Whom to call."""
        first = self.named[0]
        return About(first.provider, first.office) if self.is_one_sender else About()

    @property
    def owes_word(self) -> bool:
        return any(row.owes_word for row in self.named)

    @property
    def why_not(self) -> str:
        """ "R-17 is reported back: no word is owed." """
        words = {"reference": self.named[0].reference, "status": self.named[0].get_status_display()}
        return _("%(reference)s is %(status)s: no word is owed.") % words

    @property
    def caution(self) -> str:
        """The state of a referrer who is no longer active."""
        return caution_of(self.named[0]) if self.is_one_sender else ""

    @property
    def to(self) -> str:
        """The referrer; or how many there are."""
        if self.is_one_sender:
            return sender_of(self.named[0])
        senders = len({_sender_key(row) for row in self.named})
        return ngettext("%(n)d referrer", "%(n)d referrers", senders) % {"n": senders}

    @property
    def url_after(self) -> str:
        """Where one came from, most likely."""
        return (
            reverse("referral", args=[self.named[0].pk]) if len(self.named) == 1 else reverse("report_back")
        )

    def choices(self, member: Member, now: datetime) -> list[tuple[int, str]]:
        """Each patient by initials, with how long the referrer has waited."""
        lines = Board(member, {}, now).lines([*self.named, *self.others])
        return [(line.pk, self._words(line)) for line in lines]

    def rows(self, ids: Iterable[int]) -> list[Referral]:
        """Those ticked."""
        wanted = set(ids)
        return [row for row in (*self.named, *self.others) if row.pk in wanted]

    def _words(self, line: BoardRow) -> str:
        row = line.row.referral
        sender = "" if self.is_one_sender else sender_of(row)
        parts = [patient_of(row, names_shown=False), sender, line.row.physician, line.age, line.over]
        return " · ".join(filter(None, parts))


def telling(wanted: Iterable[str], member: Member, now: datetime) -> Telling:
    """The referrals of these numbers, with others the same referrer waits for.

    Raises Http404 for what is not theirs to see, and where nobody is named.
    """
    ids = {as_id(text) for text in wanted}
    rows = as_shown(rows_of(member, member.practice.today(now)), member)
    named = list(rows.filter(pk__in=[pk for pk in ids if pk is not None]).order_by("pk"))
    if not named or len(named) != len(ids):
        raise Http404
    found = Telling(named, [])
    if not found.is_one_sender:
        return found
    first = named[0]
    same = (
        {"provider": first.provider_id}
        if first.provider_id
        else {"provider": None, "office": first.office_id}
    )
    waiting = rows.awaiting_report_back().filter(next_action_due_at__isnull=False, **same)
    others = waiting.exclude(pk__in=ids).order_by("next_action_due_at", "pk")
    return Telling(named, list(others[:OFFERED]))


def said_of(told: Told, rows: list[Referral]) -> str:
    """What was done, in a sentence."""
    if told.steps:
        count = len(told.steps)
        return ngettext("Told of %(n)d patient.", "Told of %(n)d patients.", count) % {"n": count}
    if told.call and told.call.call_outcome != REACHED:
        return _("The call is logged. They were not reached, so word is still owed.")
    return ngettext(
        "It was told already. Nothing was logged again.",
        "They were told already. Nothing was logged again.",
        len(rows),
    )


def undo_url(told: Told) -> str:
    """The address that takes all of it back; none where nothing was done."""
    parts = [f"step={step.pk}" for step in told.steps]
    if not parts:
        return ""
    return f"{reverse('report_back_undo')}?{'&'.join([*parts, *([f'call={told.call.pk}'] if told.call else [])])}"


def _sender_key(row: Referral) -> tuple[int | None, int | None]:
    return row.provider_id, None if row.provider_id else row.office_id
