"""What feedback leaves to do: a complaint that is not mended, or mended and the referrer not told."""

from collections.abc import Iterable

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.models import Provider
from practices.models import Practice
from touchpoints.models import FeedbackIssue
from touchpoints.reminder_rules.due import Due


def issues_unresolved(practice: Practice) -> Iterable[Due]:
    """An open issue on its day: first to be mended, then to be told; gone once the referrer was told."""
    issues = FeedbackIssue.objects.open().filter(feedback__provider__state=Provider.State.ACTIVE)
    for issue in issues.with_people().order_by("pk"):
        provider = issue.feedback.provider
        words = {"name": provider.short_name, "day": date_format(issue.feedback.given_on, "F j")}
        if issue.resolved_at:
            cause, text = (
                "resolved",
                _("Tell %(name)s what was changed: the complaint of %(day)s is resolved."),
            )
        else:
            cause, text = "opened", _("Mend what %(name)s complained of on %(day)s.")
        yield Due(
            cause=f"issue {issue.pk} {cause}",
            member_id=issue.owner_id,
            due_on=issue.due_on,
            reason=text % words,
            provider_id=provider.pk,
        )
