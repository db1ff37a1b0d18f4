"""What referrals leave to do: their next step, and to tell the referrer."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import cast

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Provider, Referral
from contacts.models.referrals import NextAction, Status
from practices.roles import Role
from touchpoints.reminder_rules.asked import Asked
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule

REPORT_WITHIN = 2  # business days: what the referral's own due time allows (contacts.referral_way)

TO_DO = {
    NextAction.CONTACT: gettext_lazy("Contact the patient sent by %(name)s (%(reference)s)."),
    NextAction.SCHEDULE: gettext_lazy(
        "Find an appointment for the patient sent by %(name)s (%(reference)s)."
    ),
    NextAction.RECORD_OUTCOME: gettext_lazy(
        "Record whether the patient sent by %(name)s was seen (%(reference)s)."
    ),
}
TO_DO_UNNAMED = {
    NextAction.CONTACT: gettext_lazy("Contact the patient of %(reference)s."),
    NextAction.SCHEDULE: gettext_lazy("Find an appointment for the patient of %(reference)s."),
    NextAction.RECORD_OUTCOME: gettext_lazy("Record whether the patient of %(reference)s was seen."),
}


def next_actions(asked: Asked) -> Iterable[Due]:
    """The next step of an open referral, when it is due. Who has left practice is not named."""
    for referral in _due(asked).exclude(next_action=NextAction.REPORT_BACK):
        name = _name(asked, referral)
        text = (TO_DO if name else TO_DO_UNNAMED)[NextAction(referral.next_action)]
        yield Due(
            cause=_cause_of_step(referral),
            member_id=asked.falls_to(referral.next_action_owner_id),
            due_on=asked.shifted(_day(asked, referral), asked.numbers["days"]),
            reason=text % {"name": name, "reference": referral.reference},
            **_about(referral),
        )


def report_backs(asked: Asked) -> Iterable[Due]:
    """A patient was seen, or nothing came of it, and the referrer was not told."""
    active = Q(provider=None) | Q(provider__state=Provider.State.ACTIVE)
    for referral in _due(asked).filter(active, next_action=NextAction.REPORT_BACK):
        text = (
            _("Tell %(name)s what was found (%(reference)s).")
            if referral.status == Status.SEEN
            else _("Tell %(name)s that nothing came of the referral (%(reference)s).")
        )
        yield Due(
            cause=_cause_of_report(referral),
            member_id=asked.falls_to(referral.physician_id),
            due_on=asked.shifted(_day(asked, referral), asked.numbers["days"] - REPORT_WITHIN),
            reason=text % {"name": _name(asked, referral), "reference": referral.reference},
            **_about(referral),
        )


def _due(asked: Asked) -> QuerySet[Referral]:
    """Those whose next step is due before long; no column of a patient is read."""
    about = asked.round.rows(referrals="pk", providers="provider")
    found = Referral.objects.standing().filter(about, next_action_due_at__lt=asked.horizon)
    return (
        found.select_related("provider", "office")
        .order_by("pk")
        .only(
            "status",
            "contact_attempts",
            "appointment_at",
            "next_action",
            "next_action_due_at",
            "next_action_owner_id",
            "physician_id",
            *[f"provider__{name}" for name in ("family_name", "given_name", "credentials", "state")],
            "office__name",
        )
    )


def _cause_of_step(referral: Referral) -> str:
    """Another appointment is another step to record; contacted once more, there is one to find anew."""
    which = {
        NextAction.SCHEDULE: str(referral.contact_attempts),
        NextAction.RECORD_OUTCOME: _stamp(referral.appointment_at),
    }
    parts = [f"referral {referral.pk}", referral.next_action, which.get(NextAction(referral.next_action), "")]
    return " ".join(filter(None, parts))


def _cause_of_report(referral: Referral) -> str:
    """A patient may fail to come twice, or be given up twice: the referrer is owed word each time."""
    which = {
        Status.NO_SHOW: _stamp(referral.appointment_at),
        Status.UNREACHABLE: str(referral.contact_attempts),
    }
    parts = [f"referral {referral.pk}", referral.status, which.get(Status(referral.status), "")]
    return " ".join(filter(None, parts))


def _stamp(at: datetime | None) -> str:
    """In UTC, so that a practice that changes its zone is not told the same again."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if at else ""


def _day(asked: Asked, referral: Referral) -> date:
    return asked.practice.today(cast(datetime, referral.next_action_due_at))


def _name(asked: Asked, referral: Referral) -> str:
    if referral.provider is None:
        return str(referral.office)
    return asked.name_of(referral.provider) if referral.provider.is_active else ""


def _about(referral: Referral) -> dict[str, int | None]:
    provider = referral.provider if referral.provider and referral.provider.is_active else None
    return {
        "provider_id": provider.pk if provider else None,
        "office_id": None if referral.provider_id else referral.office_id,
        "referral_id": referral.pk,
    }


RULES = (
    Rule(
        key="next_actions",
        title=gettext_lazy("Next step of a referral"),
        sentence=gettext_lazy(
            "Contact the patient (stat within 2 hours, urgent on the next business day, routine after 3), find an"
            " appointment within 3, record the outcome the day after it. Grace: %(days)s."
        ),
        falls_to=gettext_lazy("whoever the step is for"),
        find=next_actions,
        numbers=(
            Number(
                "days", gettext_lazy("Business days of grace"), 0, least=0, most=30, are_business_days=True
            ),
        ),
        owners=(Role.COORDINATOR, Role.MANAGER),
    ),
    Rule(
        key="report_backs",
        title=gettext_lazy("Report back"),
        sentence=gettext_lazy(
            "The patient was seen, or nothing came of the referral, and the referrer was not told %(days)s later."
        ),
        falls_to=gettext_lazy("the physician the patient was sent to"),
        find=report_backs,
        numbers=(
            Number(
                "days", gettext_lazy("Business days"), REPORT_WITHIN, least=1, most=30, are_business_days=True
            ),
        ),
        owners=(Role.COORDINATOR, Role.MANAGER),
    ),
)
