"""The pages of feedback: who may ask, take down and mend; figures that open; and no page that grows in queries."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import Draft, OutboxEnvelope, Session
from practices.pages import PAGE_ROWS
from practices.roles import Role
from tests import make
from touchpoints.feedback_answers import take_down
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest, Touchpoint
from touchpoints.touchpoint_log import withdraw

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.office = make.office("Lakeside")
        desk.provider = make.provider("Okafor", at=desk.office, email="okafor@example.test")
    return desk


def heard(desk, **changes):
    values = {
        "provider": desk.provider, "source": "visit", "given_on": TODAY, "overall": 9, "scheduling": None,
        "communication": None, "care": None, "words": "", "is_complaint": False, "physician_id": None,
    }  # fmt: skip
    with practice_scope(desk.practice):
        return take_down(by=desk.liaison, now=make.NOW, **{**values, **changes})


def issue_of(desk, owner=None, **changes):
    given = heard(desk, **{"overall": 2, **changes})
    with practice_scope(desk.practice):
        issue = FeedbackIssue.objects.get(feedback=given)
        if owner:
            issue.owner = owner
            issue.save()
    return issue


def kept(desk, model):
    with practice_scope(desk.practice):
        return list(model.objects.all())


def text(response):
    return " ".join(response.content.decode().split())


def get(client, member, name, *args, query="", status=200):
    client.force_login(member.user)
    response = client.get(reverse(name, args=args) + query)
    assert response.status_code == status
    return text(response)


def post(client, member, name, *args, data=None, query=""):
    client.force_login(member.user)
    return client.post(reverse(name, args=args) + query, data or {}, follow=True)


# From the story.


def test_touchpoint_leads_to_what_was_said_and_what_they_were_told(client, desk):
    issue = issue_of(desk)
    post(client, desk.manager, "feedback_issue_resolve", issue.pk, data={"what_changed": "A line"})
    post(client, desk.manager, "feedback_issue_tell", issue.pk, data={"message": "We did.", "how": "call"})

    for touchpoint in kept(desk, Touchpoint):
        shown = get(client, desk.coordinator, "touchpoint", touchpoint.pk)
        assert reverse("feedback_answer", args=[issue.feedback_id]) in shown


# Asking.


@pytest.mark.parametrize("role", ["manager", "coordinator", "liaison"])
def test_provider_is_asked_from_their_page_by_who_records_feedback(client, desk, role):
    member = getattr(desk, role)
    url = reverse("feedback_ask_provider", args=[desk.provider.pk])
    assert url in get(client, member, "provider", desk.provider.pk)
    assert "okafor@example.test" in get(client, member, "feedback_ask_provider", desk.provider.pk)

    for _click in range(2):
        post(client, member, "feedback_ask_provider", desk.provider.pk)

    assert len(kept(desk, FeedbackRequest)) == OutboxEnvelope.objects.count() == 1


def test_physician_is_offered_no_way_to_ask_or_take_down(client, desk):
    assert "feedback/ask" not in get(client, desk.physician, "provider", desk.provider.pk)
    choices = get(client, desk.physician, "touchpoint_new")
    assert reverse("feedback_new") not in choices
    assert reverse("feedback_new") in get(client, desk.liaison, "touchpoint_new")


def test_who_was_asked_lately_can_be_asked_again_by_one_more_press(client, desk):
    post(client, desk.manager, "feedback_ask_provider", desk.provider.pk)
    (first,) = kept(desk, FeedbackRequest)
    shown = get(client, desk.manager, "feedback_ask_provider", desk.provider.pk)
    assert "Asking again makes that link void" in shown
    assert f'name="known" type="hidden" value="{first.pk}"' in shown

    for _click in range(2):
        post(client, desk.manager, "feedback_ask_provider", desk.provider.pk, data={"known": first.pk})

    assert len(kept(desk, FeedbackRequest)) == 2


def test_preview_of_everybody_says_who_how_many_and_who_has_no_email(client, desk):
    with practice_scope(desk.practice):
        silent = make.provider("Nomail", at=desk.office)
        make.provider("Prospect", email="p@example.test")
        for provider in (desk.provider, silent):
            make.referral(desk.coordinator, provider=provider)

    shown = get(client, desk.manager, "feedback_ask")

    assert "1 will be asked" in shown
    assert "1 has no e-mail address" in shown
    assert reverse("provider_edit", args=[silent.pk]) in shown
    assert "Prospect" not in shown


def test_asking_everybody_costs_the_preview_no_query_for_each(client, desk):
    def more():
        with practice_scope(desk.practice):
            for _one in range(4):
                provider = make.provider(at=desk.office, email="x@example.test")
                make.referral(desk.coordinator, provider=provider)

    def queries():
        client.force_login(desk.manager.user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("feedback_ask")).status_code == 200
        return len(captured)

    more()
    few = queries()
    more()
    assert queries() == few <= 12


# Taking down.


def test_what_was_heard_is_taken_down_about_whom_the_address_names(client, desk):
    data = {"source": "visit", "given_on": "2026-11-17", "overall": "8", "words": "Quick reports"}
    query = f"?provider={desk.provider.pk}"

    for _click in range(2):
        response = post(client, desk.liaison, "feedback_new", data=data, query=query)
        assert "Taken down" in text(response)

    (given,) = kept(desk, Feedback)
    assert (given.provider_id, given.office_id, given.overall) == (desk.provider.pk, desk.office.pk, 8)
    shown = get(client, desk.physician, "provider", desk.provider.pk)
    assert "8.0 of 10 from 1 answer, the last on November 17, 2026" in shown
    assert "Feedback: 8 of 10, by Liaison One" in shown
    assert "8.0 of 10 from 1 answer" in get(client, desk.physician, "office", desk.office.pk)


def test_without_an_address_the_form_asks_whom(client, desk):
    data = {"source": "call", "given_on": "2026-11-18", "overall": "8", "provider_text": "okafor"}
    post(client, desk.coordinator, "feedback_new", data=data)

    assert [given.provider_id for given in kept(desk, Feedback)] == [desk.provider.pk]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"overall": ""}, "Take down a number or what was said."),
        ({"given_on": "2026-11-19"}, "been in the future"),
        ({"overall": "11"}, "Choose one of these numbers."),
    ],
)
def test_form_says_what_is_wrong(client, desk, data, error):
    client.force_login(desk.liaison.user)
    url = reverse("feedback_new") + f"?provider={desk.provider.pk}"
    response = client.post(url, {"source": "call", "given_on": "2026-11-18", "overall": "8", **data})

    assert response.status_code == 422
    assert error in text(response)
    assert kept(desk, Feedback) == []


def test_practices_only_physician_is_whom_it_is_about(client, desk):
    with practice_scope(desk.practice):
        desk.colleague.left_at = make.NOW
        desk.colleague.save()
    data = {"source": "call", "given_on": "2026-11-18", "overall": "8"}
    post(client, desk.liaison, "feedback_new", data=data, query=f"?provider={desk.provider.pk}")

    assert [given.physician_id for given in kept(desk, Feedback)] == [desk.physician.pk]


def sent_after_the_session_ended(client, member, url, data):
    client.force_login(member.user)
    Session.objects.update(expire_date=timezone.now() - timedelta(hours=1))
    assert client.post(url, data).url.startswith(reverse("account_login"))


def test_what_was_typed_when_the_session_ended_comes_back_about_the_same_provider_only(client, desk):
    about = f"provider={desk.provider.pk}"
    url = reverse("feedback_new") + f"?{about}"
    typed = {"words": "Half a sentence", "overall": "3", "is_complaint": "on", "about": about}
    sent_after_the_session_ended(client, desk.liaison, url, typed)

    shown = get(client, desk.liaison, "feedback_new", query=f"?{about}")
    assert "Half a sentence" in shown
    assert "We kept what you typed." in shown
    assert "Half a sentence" not in get(client, desk.liaison, "feedback_new")
    post(
        client,
        desk.liaison,
        "feedback_new",
        data={**typed, "source": "call", "given_on": "2026-11-18"},
        query=f"?{about}",
    )
    assert kept(desk, Draft) == []


def test_message_typed_when_the_session_ended_comes_back_on_its_issue_only(client, desk):
    issue, other = issue_of(desk), issue_of(desk, words="Another")
    for each in (issue, other):
        post(client, desk.manager, "feedback_issue_resolve", each.pk, data={"what_changed": "A line"})
    url = reverse("feedback_issue_tell", args=[issue.pk])
    typed = {"message": "In my own words", "how": "letter", "about": issue.pk}
    sent_after_the_session_ended(client, desk.manager, url, typed)

    assert "In my own words" in get(client, desk.manager, "feedback_issue", issue.pk)
    assert "In my own words" not in get(client, desk.manager, "feedback_issue", other.pk)


# The list.


def test_list_shows_open_issues_scores_and_who_answers(client, desk):
    issue = issue_of(desk, physician_id=desk.physician.pk, scheduling=1, care=4)
    heard(desk, given_on=date(2026, 9, 3), overall=10, scheduling=5, care=5)
    post(client, desk.manager, "feedback_ask_provider", desk.provider.pk)

    shown = get(client, desk.coordinator, "feedback")

    assert "1 issue is open." in shown
    assert "0 of 1 requests of the last twelve months are answered: 0%." in shown
    assert reverse("feedback_issue", args=[issue.pk]) in shown
    assert "2 answers in 12 months; on average 2.0 of 10 in November 2026." in shown
    assert "<svg" in shown
    assert "Scheduling 3.0, care of the patient 4.5 of 5." in shown
    for query in (f"?office={desk.office.pk}", f"?physician={desk.physician.pk}", "?month=2026-09"):
        assert query in shown


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ("?month=2026-09", [10]),
        ("?month=2026-08", []),
        ("?physician={physician}", [2]),
        ("?provider={provider}", [2, 10]),
    ],
)
def test_figures_open_to_their_rows(client, desk, query, scores):
    heard(desk, overall=2, physician_id=desk.physician.pk)
    heard(desk, given_on=date(2026, 9, 3), overall=10)
    client.force_login(desk.manager.user)
    numbers = {"physician": desk.physician.pk, "provider": desk.provider.pk}
    response = client.get(reverse("feedback") + query.format(**numbers))

    assert [row.overall for row in response.context["page"].rows] == scores


def test_what_was_taken_down_in_error_is_off_the_list_and_says_so_itself(client, desk):
    issue = issue_of(desk)
    with practice_scope(desk.practice):
        withdraw(Touchpoint.objects.get(), by=desk.liaison, now=make.NOW, reason="Another provider")

    assert "No feedback yet" in get(client, desk.manager, "feedback")
    assert "No feedback yet" in get(client, desk.manager, "provider", desk.provider.pk)
    assert "Withdrawn" in get(client, desk.manager, "feedback_answer", issue.feedback_id)
    shown = get(client, desk.manager, "feedback_issue", issue.pk)
    assert "Withdrawn" in shown
    assert "Mend it" not in shown


def test_list_costs_the_same_with_twice_the_rows(client, desk):
    def more():
        for number in range(4):
            issue_of(desk, words=f"{number} {len(kept(desk, Feedback))}", physician_id=desk.physician.pk)
        with practice_scope(desk.practice):
            provider = make.provider(at=make.office(), email="x@example.test")
        heard(desk, provider=provider, overall=1)
        post(client, desk.manager, "feedback_ask_provider", provider.pk)

    def queries():
        client.force_login(desk.manager.user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("feedback")).status_code == 200
        return len(captured)

    more()
    few = queries()
    more()
    assert queries() == few <= 12


def test_a_long_list_goes_on_by_key(client, desk):
    for number in range(PAGE_ROWS + 10):
        heard(desk, given_on=TODAY - timedelta(days=number % 7), words=str(number))
    client.force_login(desk.manager.user)
    first = client.get(reverse("feedback")).context["page"]
    second = client.get(reverse("feedback") + first.older_url).context["page"]

    assert len({row.pk for row in [*first.rows, *second.rows]}) == PAGE_ROWS + 10
    assert second.older_url is None


# Issues.


def test_owner_mends_it_tells_them_and_it_is_closed(client, desk):
    issue = issue_of(desk, owner=desk.physician, scheduling=1)
    shown = get(client, desk.physician, "feedback_issue", issue.pk)
    assert "Mend it" in shown

    response = post(
        client, desk.physician, "feedback_issue_resolve", issue.pk, data={"what_changed": "Two more slots."}
    )
    assert "scheduling should be better" in text(response)
    assert "This is what we changed: Two more slots." in text(response)
    for _click in range(2):
        response = post(
            client,
            desk.physician,
            "feedback_issue_tell",
            issue.pk,
            data={"message": "We did.", "how": "email"},
        )

    assert "Resolved and told" in text(response)
    assert [mail.recipient for mail in OutboxEnvelope.objects.all()] == ["okafor@example.test"]
    assert "No issue is open." in get(client, desk.physician, "feedback")


def test_liaison_mends_an_issue_of_their_own(client, desk):
    issue = issue_of(desk, owner=desk.liaison)
    response = post(client, desk.liaison, "feedback_issue_resolve", issue.pk, data={"what_changed": "A line"})
    assert response.status_code == 200
    with practice_scope(desk.practice):
        assert FeedbackIssue.objects.get().resolved_by == desk.liaison


@pytest.mark.parametrize("role", ["coordinator", "liaison", "colleague"])
def test_who_does_not_own_it_sees_it_and_may_not_act(client, desk, role):
    issue = issue_of(desk, owner=desk.physician)
    member = getattr(desk, role)

    assert "Mend it" not in get(client, member, "feedback_issue", issue.pk)
    for name in ("feedback_issue_resolve", "feedback_issue_tell", "feedback_issue_hand_over"):
        data = {"what_changed": "x", "message": "x", "how": "letter", "due_on": "2026-11-20"}
        assert post(client, member, name, issue.pk, data=data).status_code == 403
    with practice_scope(desk.practice):
        assert FeedbackIssue.objects.get().resolved_at is None


def test_manager_hands_it_to_somebody_who_may_own_it(client, desk):
    issue = issue_of(desk)
    data = {"owner": desk.liaison.pk, "due_on": "2026-11-20"}
    post(client, desk.manager, "feedback_issue_hand_over", issue.pk, data=data)
    refused = post(
        client,
        desk.manager,
        "feedback_issue_hand_over",
        issue.pk,
        data={**data, "owner": desk.coordinator.pk},
    )

    assert refused.status_code == 422
    (row,) = kept(desk, FeedbackIssue)
    assert (row.owner_id, row.due_on) == (desk.liaison.pk, date(2026, 11, 20))
    assert f"/feedback/issues/{issue.pk}/" in get(client, desk.liaison, "reminders")


def test_email_is_no_way_where_nobody_may_be_written_to(client, desk):
    issue = issue_of(desk, owner=desk.physician)
    with practice_scope(desk.practice):
        desk.provider.state = "do_not_contact"
        desk.provider.save()
    post(client, desk.physician, "feedback_issue_resolve", issue.pk, data={"what_changed": "A line"})
    response = post(
        client, desk.physician, "feedback_issue_tell", issue.pk, data={"message": "We did.", "how": "email"}
    )

    assert response.status_code == 422
    assert "We did." in text(response)
    assert "Send it by e-mail" not in text(response)
    assert not OutboxEnvelope.objects.exists()


@pytest.mark.parametrize(
    ("act", "said", "says"),
    [
        ("resolve", {"what_changed": "Otherwise"}, "The referrer was told meanwhile"),
        ("tell", {"message": "", "how": "call"}, "That is not possible any more"),
    ],
)
def test_issue_on_a_page_of_before_it_was_told_says_why_not(client, desk, act, said, says):
    issue = issue_of(desk)
    client.force_login(desk.manager.user)
    client.post(reverse("feedback_issue_resolve", args=[issue.pk]), {"what_changed": "A line of its own"})
    client.post(reverse("feedback_issue_tell", args=[issue.pk]), {"message": "Mended", "how": "call"})
    answer = client.post(reverse(f"feedback_issue_{act}", args=[issue.pk]), said)
    assert answer.status_code == 422
    assert f'<div class="notice is-error"> <span>{says}' in text(answer)


@pytest.mark.parametrize("act", ["resolve", "tell", "hand_over"])
def test_nobody_mends_what_was_taken_down_in_error(client, desk, act):
    issue = issue_of(desk)
    with practice_scope(desk.practice):
        withdraw(issue.feedback.touchpoint, by=desk.manager, now=make.NOW, reason="Another provider")
    client.force_login(desk.manager.user)
    said = {"what_changed": "A line", "message": "Mended", "how": "call", "owner": desk.manager.pk}
    address = reverse(f"feedback_issue_{act}", args=[issue.pk])
    answer = client.post(address, {**said, "due_on": "2026-11-30"})
    assert answer.status_code == 422
    assert "taken down in error: there is nothing to mend" in text(answer)
