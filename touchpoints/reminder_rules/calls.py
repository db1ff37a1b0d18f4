"""What calls leave to do: a next step that was promised, and whoever could not be reached."""

from collections.abc import Iterable
from datetime import date
from typing import cast

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Provider
from touchpoints.models import Reminder, Touchpoint
from touchpoints.reminder_rules.asked import Asked
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule

Outcome = Touchpoint.CallOutcome
NOT_REACHED = (Outcome.VOICEMAIL, Outcome.NO_ANSWER)


def cause_of(touchpoint: Touchpoint) -> str:
    """One promise for a meeting, however many providers it was made to."""
    if touchpoint.meeting_id:
        return f"meeting {touchpoint.meeting_id}"
    return f"touchpoint {touchpoint.pk}"


def promises_of(reminder: Reminder) -> QuerySet[Touchpoint]:
    """The touchpoints whose next step this reminder is about: what is done there is done here."""
    kind, _space, number = reminder.cause.partition(" ")
    if reminder.rule != "promised_next_steps":
        return Touchpoint.objects.none()
    return Touchpoint.objects.standing().filter(**{"meeting" if kind == "meeting" else "pk": int(number)})


def promised_next_steps(asked: Asked) -> Iterable[Due]:
    """What was promised in a call or a visit, on its date; the words stay where they were written."""
    promised = _of_active(asked, Touchpoint.objects.owing_next_step())
    for touchpoint in promised.order_by("pk"):
        words = {"name": _name(asked, touchpoint), "day": date_format(touchpoint.happened_on, "F j")}
        yield Due(
            cause=cause_of(touchpoint),
            member_id=asked.falls_to(touchpoint.next_step_owner_id, touchpoint.member_id),
            due_on=cast(date, touchpoint.next_step_on),
            reason=_("The next step promised to %(name)s on %(day)s.") % words,
            **_about(touchpoint),
        )


def unreached_calls(asked: Asked) -> Iterable[Due]:
    """The last call that reached nobody, some business days later; gone when they are reached, or were met."""
    calls = Touchpoint.objects.standing().filter(kind=Touchpoint.Kind.CALL)
    tried_or_met = Touchpoint.objects.standing().filter(
        kind__in=[Touchpoint.Kind.CALL, Touchpoint.Kind.MEETING]
    )
    same = Q(provider=OuterRef("provider")) | Q(provider=None, office=OuterRef("office"))
    after = Q(happened_on__gt=OuterRef("happened_on")) | Q(
        happened_on=OuterRef("happened_on"), pk__gt=OuterRef("pk")
    )
    unanswered = _of_active(
        asked, calls.filter(call_outcome__in=NOT_REACHED, happened_on__gte=asked.practice.starts_on)
    )
    for call in unanswered.exclude(Exists(tried_or_met.filter(same, after))).order_by("pk"):
        words = {"name": _name(asked, call), "day": date_format(call.happened_on, "F j")}
        yield Due(
            cause=f"touchpoint {call.pk}",
            member_id=asked.falls_to(call.member_id),
            due_on=asked.after(call.happened_on, asked.numbers["days"]),
            reason=_("Call %(name)s again: not reached on %(day)s.") % words,
            **_about(call),
        )


def _of_active(asked: Asked, touchpoints: QuerySet[Touchpoint]) -> QuerySet[Touchpoint]:
    active = Q(provider=None) | Q(provider__state=Provider.State.ACTIVE)
    about = asked.round.rows(providers="provider", referrals="referral")
    found = touchpoints.filter(active, about).select_related("provider", "office")
    return found.defer("note", "next_step", "withdrawn_reason")  # deciphering them would be for nothing


def _name(asked: Asked, touchpoint: Touchpoint) -> str:
    return asked.name_of(touchpoint.provider) if touchpoint.provider else str(touchpoint.office)


def _about(touchpoint: Touchpoint) -> dict[str, int | None]:
    return {
        "provider_id": touchpoint.provider_id,
        "office_id": None if touchpoint.provider_id else touchpoint.office_id,
        "referral_id": touchpoint.referral_id,
    }


RULES = (
    Rule(
        key="promised_next_steps",
        title=gettext_lazy("Promised next step"),
        sentence=gettext_lazy("What was promised in a call or a visit, on its day."),
        falls_to=gettext_lazy("whoever took it on"),
        find=promised_next_steps,
    ),
    Rule(
        key="unreached_calls",
        title=gettext_lazy("Call again"),
        sentence=gettext_lazy("A call that reached nobody is tried again %(days)s later."),
        falls_to=gettext_lazy("whoever called"),
        find=unreached_calls,
        numbers=(Number("days", gettext_lazy("Business days"), 1, least=0, most=30, are_business_days=True),),
    ),
)
