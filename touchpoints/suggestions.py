"""What a row of a thank-you list should know, and the act it suggests with its reason in plain words.

A card and a call are worth nothing in money, so they may be suggested; nothing of value ever is.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.db.models import F, Min, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import ProviderOffice, Referral
from contacts.models.referrals import OWES_WORD, Urgency
from touchpoints.models import ThankYou, ThankYouList, ThankYouReferral, Touchpoint


class Suggestion(StrEnum):
    CARD_AND_CALL = "card_and_call"
    CALL = "call"
    CARD = "card"
    CARRY = "carry"


@dataclass
class RowFacts:
    """A row with all that its line on the page shows."""

    row: ThankYou
    office: str = ""
    referrals: list[Referral] = field(default_factory=list)
    is_first_ever: bool = False
    reports_due: list[Referral] = field(default_factory=list)
    carried_count: int = 0
    last_card_on: date | None = None
    last_thanks: Touchpoint | None = None
    suggestion: Suggestion = Suggestion.CARD
    reason: str = ""

    @property
    def is_urgent(self) -> bool:
        return any(referral.urgency != Urgency.ROUTINE for referral in self.referrals)

    @property
    def order(self) -> tuple:
        """First-timers, report due, urgent, longest unthanked, name."""
        thanked_on = self.last_thanks.happened_on if self.last_thanks else date.min
        provider = self.row.provider
        name = (provider.family_name.casefold(), provider.given_name.casefold(), provider.pk)
        return (not self.is_first_ever, not self.reports_due, not self.is_urgent, thanked_on, name)


def rows_of(thank_you_list: ThankYouList, *, today: date) -> list[RowFacts]:
    """The list's rows in their order, from a number of queries that does not grow with them."""
    rows = thank_you_list.rows.select_related("provider", "assignee__user", "call", "card")
    facts = {row.provider_id: RowFacts(row) for row in rows}
    _add_offices(facts)
    _add_referrals(facts, thank_you_list)
    _add_history(facts, thank_you_list)
    _add_thanks(facts, thank_you_list)
    days = thank_you_list.practice.card_interval_days
    for fact in facts.values():
        fact.suggestion, fact.reason = suggest(fact, today=today, card_interval_days=days)
    return sorted(facts.values(), key=lambda fact: fact.order)


def suggest(fact: RowFacts, *, today: date, card_interval_days: int) -> tuple[Suggestion, str]:
    """The first that applies."""
    name = fact.row.provider.short_name
    if fact.is_first_ever:
        return Suggestion.CARD_AND_CALL, _("First referral ever from %(name)s: a card and a call.") % {
            "name": name
        }
    if fact.reports_due:
        count = len(fact.reports_due)
        text = ngettext(
            "%(count)d report is due: a call that reports back.",
            "%(count)d reports are due: a call that reports back.",
            count,
        )
        return Suggestion.CALL, text % {"count": count}
    if fact.last_card_on is None:
        return Suggestion.CARD, _("No card from this physician yet: a card.")
    days = (today - fact.last_card_on).days
    if days >= card_interval_days:
        return Suggestion.CARD, _("The last card was %(days)d days ago: a card.") % {"days": days}
    on = date_format(fact.last_card_on, "j F")
    return Suggestion.CARRY, _("A card went out on %(day)s: carry these to the next one.") % {"day": on}


def _add_offices(facts: dict[int, RowFacts]) -> None:
    places = ProviderOffice.objects.filter(provider__in=facts, is_main=True).select_related("office")
    for place in places:
        facts[place.provider_id].office = ", ".join(filter(None, [place.office.name, place.office.city]))


def _add_referrals(facts: dict[int, RowFacts], thank_you_list: ThankYouList) -> None:
    links = ThankYouReferral.objects.filter(thank_you__list=thank_you_list, referral__withdrawn_at=None)
    for link in links.select_related("referral", "thank_you").order_by(
        "referral__received_on", "referral_id"
    ):
        facts[link.thank_you.provider_id].referrals.append(link.referral)


def _add_history(facts: dict[int, RowFacts], thank_you_list: ThankYouList) -> None:
    """Whose first referral falls into this week, who waits for our report, what was carried since the last card."""
    everything = Referral.objects.standing().filter(provider__in=facts)
    firsts = everything.order_by().values("provider_id").annotate(first_on=Min("received_on"))
    first_on = {row["provider_id"]: row["first_on"] for row in firsts}
    due = everything.filter(
        physician=thank_you_list.physician_id, status__in=OWES_WORD, reported_back_at=None
    ).exclude(next_action_due_at=None)
    reports: dict[int, list[Referral]] = defaultdict(list)
    for referral in due.order_by("received_on", "id"):
        reports[referral.provider_id].append(referral)
    for provider_id, fact in facts.items():
        on_row = {referral.received_on for referral in fact.referrals}
        fact.is_first_ever = first_on.get(provider_id) in on_row
        fact.reports_due = reports[provider_id]


def _add_thanks(facts: dict[int, RowFacts], thank_you_list: ThankYouList) -> None:
    """The last thanks of anybody's, the last card of this physician's; this row's own do not count."""
    own = {pk for fact in facts.values() for pk in (fact.row.card_id, fact.row.call_id) if pk}
    thanks = (
        Touchpoint.objects.thanks()
        .filter(provider__in=facts)
        .exclude(pk__in=own)
        .select_related("member__user")
    )
    for touchpoint in thanks.order_by("provider_id", "-happened_on", "-id").distinct("provider_id"):
        facts[touchpoint.provider_id].last_thanks = touchpoint
    cards = thanks.filter(member=thank_you_list.physician_id, kind=Touchpoint.Kind.CARD).select_related(None)
    for card in cards.order_by("provider_id", "-happened_on", "-id").distinct("provider_id"):
        facts[card.provider_id].last_card_on = card.happened_on
    carried = ThankYouReferral.objects.filter(
        Q(referral__withdrawn_at=None),
        thank_you__provider__in=facts,
        thank_you__state=ThankYou.State.CARRIED,
        thank_you__list__physician=thank_you_list.physician_id,
        thank_you__list__week_starts_on__lt=thank_you_list.week_starts_on,
    ).values_list(F("thank_you__provider_id"), F("referral__received_on"))
    for provider_id, received_on in carried:
        fact = facts[provider_id]
        if fact.last_card_on is None or received_on > fact.last_card_on:
            fact.carried_count += 1
