"""What a row of a thank-you list should know, and the act it suggests with its reason in plain words.

A card and a call are worth nothing in money, so they may be suggested; nothing of value ever is.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import ProviderOffice, Referral
from contacts.models.referrals import Urgency
from practices.models import Member, Practice
from touchpoints.models import ThankYou, ThankYouReferral, Touchpoint


class Suggestion(StrEnum):
    CARD_AND_CALL = "card_and_call"
    CALL = "call"
    CARD = "card"
    CARRY = "carry"


@dataclass(frozen=True)
class Thanks:
    """One time somebody of ours thanked a provider."""

    on: date
    kind: str
    by: str


@dataclass
class RowFacts:
    """A row with all that its line on the page shows."""

    row: ThankYou
    office: dict[str, str] = field(default_factory=dict)
    count: int = 0
    is_first_ever: bool = False
    is_urgent: bool = False
    reports_due_count: int = 0
    carried_count: int = 0
    last_card_on: date | None = None
    last_thanks: Thanks | None = None
    suggestion: Suggestion = Suggestion.CARD
    reason: str = ""
    physician: str = ""  # whose list it is, where the reader is somebody else
    referrals: list[Referral] = field(default_factory=list)
    reports_due: list[Referral] = field(default_factory=list)

    @property
    def patients(self) -> list[Referral]:
        """Whose names its card must not bear."""
        return [*self.referrals, *self.reports_due]

    @property
    def order(self) -> tuple[Any, ...]:
        """First-timers, report due, urgent, longest unthanked, name."""
        thanked_on = self.last_thanks.on if self.last_thanks else date.min
        provider = self.row.provider
        name = (provider.family_name.casefold(), provider.given_name.casefold(), provider.pk)
        return (not self.is_first_ever, not self.reports_due_count, not self.is_urgent, thanked_on, name)


def facts_of(
    rows: QuerySet[ThankYou], *, practice: Practice, today: date, reader: Member | None = None
) -> list[RowFacts]:
    """The rows in their order, each with its suggestion as its reader is told it, from two queries."""
    facts = [_facts(row) for row in _with_facts(rows)]
    for fact in facts:
        physician = fact.row.list.physician
        fact.physician = "" if reader and reader.pk == physician.pk else physician.name
        fact.suggestion, fact.reason = suggest(
            fact, today=today, card_interval_days=practice.card_interval_days
        )
    return sorted(facts, key=lambda fact: fact.order)


def asking_for_a_call(rows: QuerySet[ThankYou]) -> QuerySet[ThankYou]:
    """Those whose suggestion may be a call (`suggest`), without the facts of the others."""
    is_first_ever = Q(first_on=F("first_ever_on"))
    rows = rows.alias(first_on=_first_on(), first_ever_on=_first_ever_on())
    return rows.filter(Exists(_reports_due()) | is_first_ever)


def queue_facts_of(rows: Iterable[Any]) -> list[RowFacts]:
    """As much of rows `with_office_and_count` as a line of the card queue says."""
    return [RowFacts(row=row, office=row.found_office or {}, count=row.found_count) for row in rows]


def add_referrals(facts: Iterable[RowFacts]) -> None:
    """Give each row its referrals, and those of its provider whose report is due to come from this physician."""
    by_row = {fact.row.pk: fact for fact in facts}
    physicians = {fact.row.list.physician_id for fact in by_row.values()}
    providers = {fact.row.provider_id for fact in by_row.values()}
    due = reports_due().filter(provider__in=providers, physician__in=physicians)
    on_rows = Referral.objects.standing().filter(links__thank_you__in=by_row)
    # one set of both: asked by either of two, all referrals of the practice would be read
    either = due.order_by().values("pk").union(on_rows.order_by().values("pk"))
    found = Referral.objects.filter(pk__in=either).annotate(
        row_id=Subquery(ThankYouReferral.objects.filter(referral=OuterRef("pk")).values("thank_you_id")[:1])
    )
    owed: dict[tuple[int | None, int | None], list[Referral]] = defaultdict(list)
    for referral in found.order_by("received_on", "id"):
        if referral.row_id in by_row:
            by_row[referral.row_id].referrals.append(referral)
        if referral.owes_word and referral.next_action_due_at:
            owed[referral.provider_id, referral.physician_id].append(referral)
    for fact in by_row.values():
        fact.reports_due = owed[fact.row.provider_id, fact.row.list.physician_id]


def reports_due() -> QuerySet[Referral]:
    """Referrals whose referrer waits for our word; history, which has no next action, is left in peace."""
    return Referral.objects.awaiting_report_back().filter(next_action_due_at__isnull=False)


def suggest(fact: RowFacts, *, today: date, card_interval_days: int) -> tuple[Suggestion, str]:
    """The first that applies."""
    if fact.is_first_ever:
        name = fact.row.provider.short_name
        text = _("First referral ever from %(name)s: a card and a call.")
        return Suggestion.CARD_AND_CALL, text % {"name": name}
    if fact.reports_due_count:
        text = ngettext(
            "%(count)d report is due: a call that reports back.",
            "%(count)d reports are due: a call that reports back.",
            fact.reports_due_count,
        )
        return Suggestion.CALL, text % {"count": fact.reports_due_count}
    if fact.last_card_on is None:
        text = (
            _("No card from %(name)s yet: a card.") if fact.physician else _("No card from you yet: a card.")
        )
        return Suggestion.CARD, text % {"name": fact.physician}
    days = (today - fact.last_card_on).days
    if days >= card_interval_days:
        return Suggestion.CARD, _card_long_ago(fact.physician, days)
    on = date_format(fact.last_card_on, "F j")
    return Suggestion.CARRY, _("A card went out on %(day)s: carry these to the next one.") % {"day": on}


def _card_long_ago(physician: str, days: int) -> str:
    if not physician:
        text = ngettext(
            "Your last card was %(days)d day ago: a card.",
            "Your last card was %(days)d days ago: a card.",
            days,
        )
        return text % {"days": days}
    text = ngettext(
        "The last card from %(name)s was %(days)d day ago: a card.",
        "The last card from %(name)s was %(days)d days ago: a card.",
        days,
    )
    return text % {"name": physician, "days": days}


def _facts(row: Any) -> RowFacts:
    thanks = row.found_thanks
    return RowFacts(
        row=row,
        office=row.found_office or {},
        count=row.found_count,
        is_first_ever=row.found_first_on is not None and row.found_first_on == row.found_first_ever_on,
        is_urgent=row.found_urgent,
        reports_due_count=row.found_reports_due,
        carried_count=row.found_carried,
        last_card_on=row.found_card_on,
        last_thanks=Thanks(date.fromisoformat(thanks["on"]), thanks["kind"], thanks["by"])
        if thanks
        else None,
    )


def _with_facts(rows: QuerySet[ThankYou]) -> QuerySet[ThankYou]:
    # What this row itself has led to is no reason for it.
    thanks = (
        Touchpoint.objects.thanks()
        .filter(provider=OuterRef("provider"))
        .exclude(pk=Coalesce(OuterRef("card_id"), Value(0)))
        .exclude(pk=Coalesce(OuterRef("call_id"), Value(0)))
        .order_by("-happened_on", "-id")
    )
    cards = thanks.filter(member=OuterRef("list__physician"), kind=Touchpoint.Kind.CARD)
    return with_office_and_count(rows).annotate(
        found_first_on=_first_on(),
        found_first_ever_on=_first_ever_on(),
        found_urgent=Exists(_links().exclude(referral__urgency=Urgency.ROUTINE)),
        found_reports_due=Coalesce(Subquery(_reports_due_count()), Value(0)),
        found_thanks=Subquery(
            thanks.values(json=JSONObject(on="happened_on", kind="kind", by="member__user__name"))[:1]
        ),
        found_card_on=Subquery(cards.values("happened_on")[:1]),
        found_carried=Coalesce(Subquery(_carried_count()), Value(0)),
    )


def with_office_and_count(rows: QuerySet[ThankYou]) -> QuerySet[ThankYou]:
    """The rows, each with where its card goes and for how many patients."""
    counts = _links().order_by().values("thank_you").annotate(n=Count("pk"))
    shown: Any = rows.select_related("provider", "list", "call")
    return shown.with_members("list__physician", "assignee", "decided_by").annotate(
        found_office=Subquery(_main_office()),
        found_count=Coalesce(Subquery(counts.values("n")), Value(0)),
    )


def _links() -> QuerySet[ThankYouReferral]:
    return ThankYouReferral.objects.filter(thank_you=OuterRef("pk"), referral__withdrawn_at=None)


def _first_on() -> Subquery:
    return Subquery(_links().order_by("referral__received_on").values("referral__received_on")[:1])


def _first_ever_on() -> Subquery:
    ever = Referral.objects.standing().filter(provider=OuterRef("provider"))
    return Subquery(ever.order_by("received_on", "id").values("received_on")[:1])


def _main_office() -> QuerySet[ProviderOffice, Any]:
    main = ProviderOffice.objects.filter(provider=OuterRef("provider"), is_main=True)
    parts = ("name", "street", "suite", "city", "state", "zip_code", "phone")
    return main.values(json=JSONObject(id="office_id", **{part: f"office__{part}" for part in parts}))[:1]


def _reports_due() -> QuerySet[Referral]:
    return reports_due().filter(provider=OuterRef("provider"), physician=OuterRef("list__physician"))


def _reports_due_count() -> QuerySet[Referral, Any]:
    return _reports_due().order_by().values("provider").annotate(n=Count("pk")).values("n")


def _carried_count() -> QuerySet[ThankYouReferral, Any]:
    """Patients of earlier weeks that were carried since this physician's last card."""
    carried = ThankYouReferral.objects.filter(
        referral__withdrawn_at=None,
        thank_you__provider=OuterRef("provider"),
        thank_you__state=ThankYou.State.CARRIED,
        thank_you__list__physician=OuterRef("list__physician"),
        thank_you__list__week_starts_on__lt=OuterRef("list__week_starts_on"),
        referral__received_on__gt=Coalesce(OuterRef("found_card_on"), Value(date.min)),
    )
    return carried.order_by().values("thank_you__provider").annotate(n=Count("pk")).values("n")
