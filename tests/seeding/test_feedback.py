"""The demo's feedback: a year of it, with something to do."""

from practices.isolation import practice_scope
from tests.seeding.conftest import UNTIL
from touchpoints.feedback_asking import HALF_A_YEAR, active_referrers, sort_out
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest, Reminder


def test_the_demo_has_a_year_of_answers_one_complaint_open_and_one_mended(demo, days):
    with practice_scope(demo[0]):
        answers = FeedbackRequest.objects.exclude(answered_at=None).count()
        assert 0 < answers < FeedbackRequest.objects.count()
        assert Feedback.objects.filter(source="visit").exists()
        assert not Feedback.objects.filter(given_on__gt=UNTIL).exists()
        (issue,) = FeedbackIssue.objects.open()
        assert FeedbackIssue.objects.exclude(told_at=None).count() == 1
        assert (
            Reminder.objects.open()
            .filter(rule="issues_unresolved", cause=f"issue {issue.pk} opened")
            .exists()
        )


def test_the_demo_has_referrers_to_ask_and_some_without_an_address(demo, days):
    with practice_scope(demo[0]):
        asking = sort_out(active_referrers(UNTIL), now=days.now, within=HALF_A_YEAR)
    assert asking.reached
    assert asking.without_email
    assert asking.asked_lately
