"""A complaint has an owner and a day until it is mended and the referrer was told: "you said, we did"."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from practices.models import Member
from practices.outbox import queue_mail
from practices.roles import OWNS_ISSUES, Role
from touchpoints.models import Feedback, FeedbackIssue, Touchpoint
from touchpoints.reminders import number_of, remind
from touchpoints.reminders_at_once import ask_again
from touchpoints.touchpoint_log import NotPossible, lock_practice

RULES = ("issues_unresolved",)
EMAIL, CALL, LETTER = "email", "call", "letter"


def open_issue(feedback: Feedback, *, now: datetime) -> FeedbackIssue | None:
    """Open one where the scores are low or it is a complaint; the manager owns it until it is handed over."""
    if not feedback.is_low:
        return None
    issue = FeedbackIssue.objects.create(
        feedback=feedback,
        owner=_first_owner(feedback),
        due_on=feedback.practice.today(now) + timedelta(days=number_of("issues_unresolved", "days")),
        opened_at=now,
    )
    remind(now=now, only=RULES)
    return issue


@transaction.atomic
def resolve(issue: FeedbackIssue, *, by: Member, now: datetime, what_changed: str) -> FeedbackIssue:
    """Say what was changed; it can be said better until the referrer is told. Raises NotPossible then."""
    row = _locked(issue)
    if row.told_at and row.what_changed != what_changed:
        raise NotPossible(_("The referrer was told meanwhile."))
    if row.resolved_at is None:
        row.resolved_at, row.resolved_by = now, by
    row.what_changed = what_changed
    row.save(update_fields=["resolved_at", "resolved_by", "what_changed"])
    remind(now=now, only=RULES)
    return row


@transaction.atomic
def tell(issue: FeedbackIssue, *, how: str, message: str, by: Member, now: datetime) -> FeedbackIssue:
    """The referrer is told, by e-mail through the outbox, or was told by phone or letter. A second click is none.

    Raises NotPossible before it is resolved, and for a mail that would reach nobody.
    """
    row = _locked(issue)
    if row.told_at:
        return row
    if row.resolved_at is None:
        raise NotPossible(_("Say first what was changed."))
    if how == EMAIL:
        _mail(row, message=message, by=by, now=now)
    row.touchpoint = _touchpoint(row, how=how, message=message, by=by, now=now)
    row.told_at, row.told_by = now, by
    row.save(update_fields=["told_at", "told_by", "touchpoint"])
    remind(now=now, only=RULES)
    ask_again(now=now, providers=[row.feedback.provider_id])
    return row


@transaction.atomic
def hand_over(issue: FeedbackIssue, *, owner: Member, due_on: date, now: datetime) -> FeedbackIssue:
    """Another member owns it, or it has another day."""
    row = _locked(issue)
    row.owner, row.due_on = owner, due_on
    row.save(update_fields=["owner", "due_on"])
    remind(now=now, only=RULES)
    return row


def may_own(member: Member) -> bool:
    """Whether an issue may be this member's."""
    return member.role in OWNS_ISSUES


def draft_message(issue: FeedbackIssue, *, by: Member) -> str:
    """ "You said, we did": from the scores and from what was changed. Their words are not quoted: they may name somebody."""
    feedback = issue.feedback
    words = {
        "address": feedback.provider.address_form,
        "day": date_format(feedback.given_on, "F j"),
        "said": said_in_words(feedback),
        "changed": issue.what_changed.strip(),
        "name": by.user.name,
        "practice": by.practice.name,
    }
    return (
        _(
            "Dear %(address)s,\n\n"
            "On %(day)s you told us that %(said)s. Thank you for saying so.\n\n"
            "This is what we changed: %(changed)s\n\n"
            "If it does not help, please tell me.\n\n"
            "%(name)s\n%(practice)s"
        )
        % words
    )


def said_in_words(feedback: Feedback) -> str:
    """ "scheduling with us is not good enough": what the scores say, and nothing of the words."""
    names = [str(feedback._meta.get_field(name).verbose_name) for name in low_parts(feedback)]
    if not names:
        return _("you are not content with us")
    if len(names) > 1:
        names = [_("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}]
    return _("%(parts)s should be better") % {"parts": names[0]}


def low_parts(feedback: Feedback) -> list[str]:
    """The parts that were given 2 or less."""
    return [name for name in Feedback.PARTS if (getattr(feedback, name) or 5) <= Feedback.LOW_PART]


def _mail(row: FeedbackIssue, *, message: str, by: Member, now: datetime) -> None:
    provider = row.feedback.provider
    if not (provider.is_active and provider.email):
        raise NotPossible(_("There is no e-mail address that may be written to."))
    context = {"message": message, "practice": by.practice}
    queue_mail(
        to=provider.email,
        subject=_("%(practice)s: you said, we did") % {"practice": by.practice.name},
        text=render_to_string("touchpoints/email/feedback_told.txt", context),
        html=render_to_string("touchpoints/email/feedback_told.html", context),
        practice=by.practice,
        now=now,
    )


def _touchpoint(row: FeedbackIssue, *, how: str, message: str, by: Member, now: datetime) -> Touchpoint:
    is_call = how == CALL
    return Touchpoint.objects.create(
        kind=Touchpoint.Kind.CALL if is_call else Touchpoint.Kind.FEEDBACK,
        call_outcome=Touchpoint.CallOutcome.REACHED if is_call else "",
        happened_on=by.practice.today(now),
        provider_id=row.feedback.provider_id,
        office_id=row.feedback.office_id,
        member=by,
        note=message,
        logged_at=now,
        logged_by=by,
    )


def _locked(issue: FeedbackIssue) -> FeedbackIssue:
    lock_practice()
    rows = FeedbackIssue.objects.select_for_update(of=("self",))
    row = rows.select_related("feedback__provider", "feedback__touchpoint").get(pk=issue.pk)
    if row.feedback.is_taken_down_in_error:
        raise NotPossible(_("What they said was taken down in error: there is nothing to mend."))
    return row


def _first_owner(feedback: Feedback) -> Member:
    """The manager; where a practice has none left, whoever asked or took it down."""
    manager = Member.objects.active().filter(role=Role.MANAGER).order_by("pk").first()
    request = feedback.request
    return manager or feedback.recorded_by or request.asked_by  # type: ignore[union-attr]  # not taken down: asked for
