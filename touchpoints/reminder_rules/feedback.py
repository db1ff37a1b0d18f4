"""What feedback leaves to do: to ask for it, and a complaint that is not mended, or mended and nobody told."""

from collections.abc import Iterable
from datetime import UTC, date, timedelta

from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Greatest, TruncDate
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Provider
from contacts.standing import Rhythm, Standing, standing_on
from practices.roles import Role
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest
from touchpoints.reminder_rules.asked import Asked, spread
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule

REFERS = (Standing.NEW, Standing.ACTIVE, Standing.DECLINING)


def feedback_due(asked: Asked) -> Iterable[Due]:
    """A referrer whom nobody has asked for so long; who never was, so long after the first referral."""
    last = _last_asked(asked)
    for provider, rhythm in asked.round.referrers:
        if standing_on(asked.today, rhythm) not in REFERS:
            continue
        asked_on = last.get(provider.pk)
        due_on = _ask_on(asked, provider.pk, rhythm, asked_on)
        if due_on > asked.last_day:
            continue
        text = (
            _("Ask %(name)s for feedback: the last was on %(day)s.")
            if asked_on
            else _("Ask %(name)s for feedback, for the first time.")
        )
        yield Due(
            cause=f"provider {provider.pk} since {asked_on or 'the start'}",
            member_id=asked.falls_to_liaison(provider),
            due_on=due_on,
            reason=text
            % {"name": asked.name_of(provider), "day": date_format(asked_on, "F j, Y") if asked_on else ""},
            provider_id=provider.pk,
        )


def issues_unresolved(asked: Asked) -> Iterable[Due]:
    """An open issue on its day: first to be mended, then to be told; gone once the referrer was told."""
    about = asked.round.rows(providers="feedback__provider")
    issues = FeedbackIssue.objects.open().filter(about, feedback__provider__state=Provider.State.ACTIVE)
    for issue in issues.with_people().order_by("pk"):
        provider = issue.feedback.provider
        words = {"name": asked.name_of(provider), "day": date_format(issue.feedback.given_on, "F j")}
        if issue.resolved_at:
            cause, text = (
                "resolved",
                _("Tell %(name)s what was changed: the complaint of %(day)s is resolved."),
            )
        else:
            cause, text = "opened", _("Mend what %(name)s complained of on %(day)s.")
        yield Due(
            cause=f"issue {issue.pk} {cause}",
            member_id=asked.falls_to(issue.owner_id),
            due_on=issue.due_on,
            reason=text % words,
            provider_id=provider.pk,
        )


def _ask_on(asked: Asked, provider_id: int, rhythm: Rhythm, asked_on: date | None) -> date:
    """The interval after the last time; what was before the start is spread, and still no sooner than that."""
    interval, starts_on = timedelta(days=asked.numbers["days"]), asked.practice.starts_on
    for on in (asked_on, rhythm.first_ever_on):
        if on and on >= starts_on:
            return on + interval
    first_on = starts_on + spread(provider_id, interval.days)
    return max(first_on, asked_on + interval) if asked_on else first_on


def _last_asked(asked: Asked) -> dict[int, date]:
    """When each provider was last asked (or said to be), or said something unasked.

    Days in UTC, whatever the practice's zone.
    """
    said_done = asked.round.said_done("feedback_due")
    requests = FeedbackRequest.objects.filter(provider=OuterRef("pk")).order_by().values("provider")
    given = Feedback.objects.standing().filter(provider=OuterRef("pk")).order_by().values("provider")
    found = asked.round.providers().annotate(
        asked_on=Greatest(
            Subquery(requests.annotate(on=Max(TruncDate("asked_at", tzinfo=UTC))).values("on")),
            Subquery(given.annotate(on=Max("given_on")).values("on")),
        )
    )
    days = ((pk, on, said_done.get(pk)) for pk, on in found.values_list("pk", "asked_on"))
    return {pk: max(filter(None, on)) for pk, *on in days if any(on)}


RULES = (
    Rule(
        key="feedback_due",
        title=gettext_lazy("Ask for feedback"),
        sentence=gettext_lazy("A provider who refers and whom nobody has asked for %(days)s."),
        falls_to=gettext_lazy("the liaison of the provider or of their office"),
        find=feedback_due,
        numbers=(Number("days", gettext_lazy("Days"), 182, least=30, most=730),),
        owners=(Role.LIAISON, Role.COORDINATOR, Role.MANAGER),
    ),
    Rule(
        key="issues_unresolved",
        title=gettext_lazy("Complaint to mend"),
        sentence=gettext_lazy("A complaint is given %(days)s, until it is mended and the referrer was told."),
        falls_to=gettext_lazy("whoever owns the complaint"),
        find=issues_unresolved,
        numbers=(Number("days", gettext_lazy("Days for new complaints"), 7, least=1, most=90),),
    ),
)
