"""What a relationship asks for: to be in touch, to look after who is new, to win back who has gone quiet."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Provider, Referral
from contacts.standing import Rhythm, Standing, standing_on, stands_so_since
from practices.roles import Role
from touchpoints.models import Touchpoint
from touchpoints.reminder_rules.asked import AHEAD, Asked, spread
from touchpoints.reminder_rules.calls import NOT_REACHED
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule

Kind = Touchpoint.Kind
QUIET = (Standing.DECLINING, Standing.LAPSED)


def in_touch(asked: Asked) -> Iterable[Due]:
    """A provider with whom nobody was in touch for as long as their tier asks.

    Who was not reached since the start, or since they were entered, has a day of their own within the interval. Who
    says that it is done begins the interval anew.
    """
    said_done = asked.round.said_done("in_touch")
    reached = Touchpoint.objects.standing().exclude(call_outcome__in=NOT_REACHED)
    for provider in _with_last(asked, last_on=reached):
        days, last_on = asked.numbers[provider.tier], _later(provider.last_on, said_done.get(provider.pk))
        if last_on and last_on >= asked.practice.starts_on:
            due_on = last_on + timedelta(days=days)
        else:
            last_on = None
            due_on = _known_since(asked, provider) + spread(provider.pk, days)
        if due_on > asked.last_day:
            continue
        text = (
            _("Be in touch with %(name)s (tier %(tier)s): the last time was on %(day)s.")
            if last_on
            else _("Be in touch with %(name)s (tier %(tier)s).")
        )
        words = {"name": asked.name_of(provider), "tier": provider.tier, "day": _day(last_on)}
        yield Due(
            cause=f"provider {provider.pk} since {last_on or 'the start'}",
            member_id=asked.falls_to_liaison(provider),
            due_on=due_on,
            reason=text % words,
            provider_id=provider.pk,
        )


def new_referrers(asked: Asked) -> Iterable[Due]:
    """A call the day the first patient is seen, and two check-ins after the first referral.

    Each waits until they were spoken to, or until the day of the next one, so that there is one call to make.
    """
    spoken = Touchpoint.objects.standing().filter(
        Q(kind=Kind.MEETING) | Q(kind=Kind.CALL, call_outcome=Touchpoint.CallOutcome.REACHED)
    )
    referrals = Referral.objects.standing().filter(provider=OuterRef("pk")).order_by()
    first = referrals.values("provider").annotate(on=Min("received_on")).values("on")
    seen = referrals.filter(seen_on__isnull=False).order_by("seen_on", "pk")
    found = _with_last(asked, last_on=spoken).annotate(
        first_on=Subquery(first),
        seen_on=Subquery(seen.values("seen_on")[:1]),
        seen_by=Subquery(seen.values("physician_id")[:1]),
    )
    for provider in found.filter(first_on__gte=asked.practice.starts_on):
        yield from _check_ins(asked, provider)


def quiet_referrers(asked: Asked) -> Iterable[Due]:
    """A referrer who began to decline, or lapsed, since the start; each time anew."""
    for provider, rhythm in asked.round.referrers:
        standing = standing_on(asked.today, rhythm)
        since = stands_so_since(asked.today, rhythm) if standing in QUIET else None
        if since is None or since < asked.practice.starts_on:
            continue
        yield Due(
            cause=f"provider {provider.pk} {standing} since {rhythm.last_on}",
            member_id=asked.falls_to_liaison(provider),
            due_on=since,
            reason=_quiet_in_words(asked.name_of(provider), standing, rhythm),
            provider_id=provider.pk,
        )


def _check_ins(asked: Asked, provider: Any) -> Iterator[Due]:
    name, first_on, seen_on = asked.name_of(provider), provider.first_on, provider.seen_on
    on = [first_on + timedelta(days=asked.numbers[which]) for which in ("first", "second")]
    liaison_id = asked.falls_to_liaison(provider)
    text = _("Check in with %(name)s: the first referral came on %(day)s.")
    check_in = text % {"name": name, "day": _day(first_on)}
    if seen_on and seen_on <= asked.today < on[0] and not _spoken(provider, seen_on):
        yield Due(
            cause=f"provider {provider.pk} first seen",
            member_id=asked.falls_to(provider.seen_by, liaison_id),
            due_on=seen_on,
            reason=_("Call %(name)s: their first patient was seen.") % {"name": name},
            provider_id=provider.pk,
        )
    for which, due_on, until in (("first", on[0], on[1]), ("second", on[1], date.max)):
        is_near = due_on <= asked.last_day and asked.today < until
        if is_near and not _spoken(provider, due_on - AHEAD):
            yield Due(
                cause=f"provider {provider.pk} {which} check-in",
                member_id=liaison_id,
                due_on=due_on,
                reason=check_in,
                provider_id=provider.pk,
            )


def _later(*days: date | None) -> date | None:
    return max(filter(None, days), default=None)


def _spoken(provider: Any, since: date) -> bool:
    return bool(provider.last_on and provider.last_on >= since)


def _with_last(asked: Asked, *, last_on: QuerySet[Touchpoint]) -> QuerySet[Any]:
    """Each active provider with the day of the last of these touchpoints."""
    newest = last_on.filter(provider=OuterRef("pk")).order_by("-happened_on", "-pk")
    return asked.round.providers().annotate(last_on=Subquery(newest.values("happened_on")[:1])).order_by("pk")


def _known_since(asked: Asked, provider: Provider) -> date:
    """The day the practice began, or the provider was entered after it; in UTC, whatever the practice's zone."""
    return max(asked.practice.starts_on, provider.created_at.astimezone(UTC).date())


def _quiet_in_words(name: str, standing: Standing, rhythm: Rhythm) -> str:
    words = {"name": name, "day": _day(rhythm.last_on)}
    if standing == Standing.LAPSED:
        return _("%(name)s has stopped referring: the last referral came on %(day)s.") % words
    return _("%(name)s refers less than usual: the last referral came on %(day)s.") % words


def _day(day: date | None) -> str:
    return date_format(day, "F j, Y") if day else ""


RULES = (
    Rule(
        key="in_touch",
        title=gettext_lazy("In touch"),
        sentence=gettext_lazy(
            "Nobody was in touch with a provider for %(A)s in tier A, %(B)s in tier B, %(C)s in tier C."
        ),
        falls_to=gettext_lazy("the liaison of the provider or of their office"),
        find=in_touch,
        numbers=(
            Number("A", gettext_lazy("Days in tier A"), 30, least=7),
            Number("B", gettext_lazy("Days in tier B"), 60, least=7),
            Number("C", gettext_lazy("Days in tier C"), 120, least=7),
        ),
        apart=0,
        owners=(Role.LIAISON, Role.COORDINATOR, Role.MANAGER),
    ),
    Rule(
        key="new_referrers",
        title=gettext_lazy("New referrer"),
        sentence=gettext_lazy(
            "Call the day their first patient is seen, and check in %(first)s and %(second)s after their first"
            " referral."
        ),
        falls_to=gettext_lazy(
            "the physician who saw the first patient, then the liaison of the provider or of their office"
        ),
        find=new_referrers,
        numbers=(
            Number("first", gettext_lazy("Days to the first check-in"), 90, least=7),
            Number("second", gettext_lazy("Days to the second check-in"), 180, least=14, most=730),
        ),
        apart=1,  # the first check-in waits until the second at most
        owners=(Role.LIAISON, Role.COORDINATOR, Role.MANAGER),
    ),
    Rule(
        key="quiet_referrers",
        title=gettext_lazy("Gone quiet"),
        sentence=gettext_lazy("A referrer begins to decline, or has stopped referring, by their own habit."),
        falls_to=gettext_lazy("the liaison of the provider or of their office"),
        find=quiet_referrers,
        owners=(Role.LIAISON, Role.MANAGER),
    ),
)
