"""Feedback: asked once, answered once, taken down; what is low opens an issue that ends when the referrer was told."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from contacts.merging import merge_providers
from contacts.models import Provider, ProviderOffice
from practices.isolation import practice_scope
from practices.models import LinkToken, OutboxEnvelope
from practices.roles import Role
from practices.secret_links import hash_of
from tests import make
from touchpoints.feedback_answers import answer, take_down
from touchpoints.feedback_asking import HALF_A_YEAR, active_referrers, ask, providers_at, sort_out
from touchpoints.feedback_issues import draft_message, hand_over, resolve, tell
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest, Reminder, Touchpoint
from touchpoints.touchpoint_log import NotPossible, withdraw

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY = date(2026, 11, 18)
MONTH = FeedbackRequest.LIFETIME
DAY = timedelta(days=1)
GOOD = {"overall": 9, "scheduling": 4, "communication": 5, "care": None, "words": "", "is_complaint": False}


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    with practice_scope(practice):
        office = make.office("Lakeside")
        provider = make.provider("Okafor", at=office, email="okafor@example.test")
        yield SimpleNamespace(practice=practice, office=office, provider=provider, **people)


def everybody(desk):
    return Provider.objects.filter(pk=desk.provider.pk)


def asked(desk, *, now=NOW, **more):
    return ask(everybody(desk), by=desk.manager, now=now, **{"within": MONTH, **more})


def token_of(envelope):
    return envelope.text.partition("/f/")[2].partition("/")[0]


def said(**changes):
    return {**GOOD, "physician_id": None, **changes}


def heard(desk, *, now=NOW, **changes):
    values = said(**changes)
    fields = {"source": "call", "given_on": TODAY, "provider": desk.provider} | {
        name: values.pop(name) for name in list(values) if name in ("source", "given_on", "provider")
    }
    return take_down(by=desk.liaison, now=now, **fields, **values)


def issues():
    return list(FeedbackIssue.objects.open())


def due():
    return list(Reminder.objects.open().filter(rule="issues_unresolved").values_list("member", "due_on"))


# Asking.


def test_asking_mails_one_link_and_is_a_touchpoint(desk):
    asked(desk)

    envelope, request = OutboxEnvelope.objects.get(), FeedbackRequest.objects.get()
    assert envelope.recipient == "okafor@example.test"
    assert desk.practice.name in envelope.subject
    assert token_of(envelope) in envelope.html
    assert envelope.text.count("/f/") == envelope.html.count("/f/") == 1
    touchpoint = Touchpoint.objects.get()
    assert (touchpoint.kind, touchpoint.provider, touchpoint.office) == (
        "feedback",
        desk.provider,
        desk.office,
    )
    assert (request.touchpoint, request.asked_by, request.asked_at) == (touchpoint, desk.manager, NOW)


def test_only_the_hash_of_a_link_is_kept_and_it_lasts_thirty_days(desk):
    asked(desk)

    link = LinkToken.objects.get()
    token = token_of(OutboxEnvelope.objects.get())
    assert len(token) == 43  # 32 bytes
    assert bytes(link.token_hash) == hash_of(token)
    assert link.expires_at == NOW + timedelta(days=30)


def test_second_click_asks_nobody_twice(desk):
    asked(desk)
    again = asked(desk)

    assert (again.reached, again.asked_lately) == ([], [desk.provider])
    assert OutboxEnvelope.objects.count() == FeedbackRequest.objects.count() == 1


def test_asking_again_on_purpose_voids_the_earlier_link_and_its_second_click_asks_nobody(desk):
    asked(desk)
    first = FeedbackRequest.objects.get()
    earlier = token_of(OutboxEnvelope.objects.get())

    asked(desk, now=NOW + DAY, known=first.pk)
    asked(desk, now=NOW + DAY, known=first.pk)

    assert OutboxEnvelope.objects.count() == 2
    assert answer(earlier, now=NOW + DAY, **said()) is None
    assert answer(token_of(OutboxEnvelope.objects.latest("pk")), now=NOW + DAY, **said())


def test_a_request_posted_for_somebody_else_voids_no_link(desk):
    other = make.provider("Brandt", email="brandt@example.test")
    asked(desk)
    request = FeedbackRequest.objects.get()

    ask(type(other).objects.filter(pk=other.pk), by=desk.manager, now=NOW, within=MONTH, known=request.pk)

    assert LinkToken.objects.filter(object_id=request.pk).exists()


def test_office_asks_all_who_work_there_and_says_whom_not_and_why(desk):
    nobody = make.provider("Nomail", at=desk.office)
    retired = make.provider("Retired", at=desk.office, state="retired", email="r@example.test")
    second = make.provider("Second", email="s@example.test")
    ProviderOffice.objects.create(provider=second, office=desk.office, is_main=False)
    make.provider("Elsewhere", at=make.office(), email="e@example.test")

    found = ask(providers_at(desk.office), by=desk.liaison, now=NOW, within=MONTH, office=desk.office)

    assert found.reached == [desk.provider, second]
    assert (found.without_email, found.inactive) == ([nobody], [retired])
    assert set(FeedbackRequest.objects.values_list("office", flat=True)) == {desk.office.pk}


def test_everybody_are_the_active_referrers_not_asked_for_six_months(desk):
    make.provider("Prospect", email="p@example.test")
    lapsed = make.provider("Lapsed", email="l@example.test")
    make.referral(desk.coordinator, provider=desk.provider, received_on=date(2026, 11, 2))
    make.referral(desk.coordinator, provider=lapsed, received_on=date(2025, 1, 7))

    assert list(active_referrers(TODAY)) == [desk.provider]
    asked(desk, within=HALF_A_YEAR)
    for later, can_be_asked in ((HALF_A_YEAR - DAY, False), (HALF_A_YEAR, True)):
        found = sort_out(active_referrers(TODAY), now=NOW + later, within=HALF_A_YEAR)
        assert bool(found.reached) == can_be_asked


# Answering.


def test_answer_is_kept_once_and_stands_on_the_day_it_was_given(desk):
    asked(desk)
    asking = Touchpoint.objects.get()
    token = token_of(OutboxEnvelope.objects.get())

    given = answer(token, now=NOW + DAY, **said(words="All fine"))

    assert answer(token, now=NOW + DAY, **said(overall=0)) is None
    assert Feedback.objects.get() == given
    assert (given.source, given.overall, given.words, given.given_on) == ("page", 9, "All fine", TODAY + DAY)
    own = Touchpoint.objects.exclude(pk=asking.pk).get()
    assert (given.provider, given.office, given.touchpoint) == (desk.provider, desk.office, own)
    assert (own.kind, own.happened_on, own.provider, own.member) == (
        "feedback", TODAY + DAY, desk.provider, asking.member,
    )  # fmt: skip
    assert FeedbackRequest.objects.get().answered_at == NOW + DAY


@pytest.mark.parametrize(
    ("after", "is_taken"), [(MONTH - timedelta(seconds=1), True), (MONTH, False), (MONTH + DAY, False)]
)
def test_link_lasts_thirty_days_to_the_second(desk, after, is_taken):
    asked(desk)
    token = token_of(OutboxEnvelope.objects.get())

    assert bool(answer(token, now=NOW + after, **said())) == is_taken


def test_a_request_holds_one_answer_whoever_writes_it(desk):
    asked(desk)
    given = answer(token_of(OutboxEnvelope.objects.get()), now=NOW, **said())

    given.pk, given._state.adding = None, True
    with pytest.raises(IntegrityError, match="feedback_once_per_request"):
        given.save()


# Taking it down.


def test_taken_down_is_a_touchpoint_of_who_heard_it(desk):
    given = heard(desk, words="Quick with reports")

    assert (given.recorded_by, given.office) == (desk.liaison, desk.office)
    assert (given.touchpoint.kind, given.touchpoint.member) == ("feedback", desk.liaison)
    assert given.touchpoint.happened_on == TODAY
    assert issues() == []


def test_second_press_of_the_same_is_one(desk):
    assert heard(desk, words="Slow") == heard(desk, words="Slow", now=NOW + timedelta(seconds=5))
    assert heard(desk, words="Slow, and rude") != heard(desk, words="Slow")
    assert Touchpoint.objects.count() == 2


def test_nothing_is_heard_in_the_future(desk):
    with pytest.raises(NotPossible):
        heard(desk, given_on=TODAY + DAY)


def test_what_was_taken_down_in_error_leaves_counts_and_reminders(desk):
    given = heard(desk, overall=1)
    assert len(issues()) == len(due()) == 1

    withdraw(given.touchpoint, by=desk.liaison, now=NOW, reason="Another provider")

    assert list(Feedback.objects.standing()) == issues() == due() == []


def test_their_own_answer_stays_when_the_asking_is_withdrawn(desk):
    asked(desk)
    given = answer(token_of(OutboxEnvelope.objects.get()), now=NOW, **said(overall=3))

    withdraw(given.request.touchpoint, by=desk.manager, now=NOW, reason="Logged in error")
    with pytest.raises(NotPossible, match="their own answer"):
        withdraw(given.touchpoint, by=desk.manager, now=NOW, reason="Not nice")

    assert list(Touchpoint.objects.standing()) == [given.touchpoint]
    assert list(Feedback.objects.standing()) == [given]
    assert len(issues()) == 1


def test_withdrawing_the_asking_closes_its_link_and_no_other(desk):
    other = make.provider("Santos", email="santos@example.test")
    asked(desk)
    token = token_of(OutboxEnvelope.objects.get())
    ask(Provider.objects.filter(pk=other.pk), by=desk.manager, now=NOW, within=HALF_A_YEAR)

    withdraw(Touchpoint.objects.get(provider=desk.provider), by=desk.manager, now=NOW, reason="In error")

    assert answer(token, now=NOW, **said(overall=3)) is None
    assert LinkToken.objects.filter(used_at=None).count() == 1


def test_what_is_taken_down_about_who_was_merged_meanwhile_goes_to_the_one_that_was_kept(desk):
    keep = make.provider("Okafor")
    merge_providers(keep=keep, drop=desk.provider, by=desk.manager, now=NOW)

    given = heard(desk)

    assert given.provider == given.touchpoint.provider == keep


def test_answer_and_issue_go_along_when_two_providers_prove_to_be_one(desk):
    asked(desk)
    token = token_of(OutboxEnvelope.objects.get())
    keep = make.provider("Okafor")
    merge_providers(keep=keep, drop=desk.provider, by=desk.manager, now=NOW)

    assert answer(token, now=NOW, **said()).provider == keep
    assert sort_out(everybody(desk), now=NOW, within=MONTH).reached == []


# What opens an issue.


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({"overall": 7}, False),
        ({"overall": 6}, True),
        ({"overall": 0}, True),
        ({"overall": None}, False),
        ({"scheduling": 3}, False),
        ({"scheduling": 2}, True),
        ({"communication": 2}, True),
        ({"care": 1}, True),
        ({"is_complaint": True}, True),
    ],
)
def test_low_score_or_complaint_opens_an_issue(desk, changes, opens):
    heard(desk, **{"overall": 10, "scheduling": None, "communication": None, **changes})

    found = issues()
    assert bool(found) == opens
    for issue in found:
        assert (issue.owner, issue.due_on) == (desk.manager, TODAY + timedelta(days=7))


def test_reminder_stands_until_the_referrer_is_told(desk):
    heard(desk, overall=2)
    (issue,) = issues()
    assert due() == [(desk.manager.pk, TODAY + timedelta(days=7))]

    hand_over(issue, owner=desk.physician, due_on=TODAY + DAY, now=NOW)
    assert due() == [(desk.physician.pk, TODAY + DAY)]
    resolve(issue, by=desk.physician, now=NOW, what_changed="A line for physicians")
    assert "resolved" in Reminder.objects.open().get().reason
    tell(issue, how="letter", message="We did", by=desk.physician, now=NOW)

    assert due() == issues() == []


# You said, we did.


@pytest.fixture
def issue(desk):
    heard(desk, overall=4, scheduling=1, care=2, words="Ida Testperson waited nine weeks")
    return FeedbackIssue.objects.get()


def test_draft_says_what_was_low_and_what_changed_and_quotes_no_words(desk, issue):
    row = resolve(issue, by=desk.manager, now=NOW, what_changed="Two more slots a day.")

    draft = draft_message(row, by=desk.manager)

    assert draft.startswith("Dear Dr. Okafor,")
    assert "scheduling and care of the patient should be better" in draft
    assert "Two more slots a day." in draft
    assert desk.practice.name in draft
    assert "Testperson" not in draft


def test_told_by_mail_once_and_it_is_a_touchpoint(desk, issue):
    resolve(issue, by=desk.manager, now=NOW, what_changed="More slots")
    for _click in range(2):
        tell(issue, how="email", message="Dear <b>Dr. Okafor</b>", by=desk.manager, now=NOW)

    envelope = OutboxEnvelope.objects.get()
    issue.refresh_from_db()
    assert (envelope.recipient, envelope.text.strip()) == ("okafor@example.test", "Dear <b>Dr. Okafor</b>")
    assert desk.practice.name in envelope.subject
    assert "&lt;b&gt;" in envelope.html
    assert (issue.touchpoint.kind, issue.touchpoint.note) == ("feedback", "Dear <b>Dr. Okafor</b>")
    assert (issue.told_at, issue.told_by) == (NOW, desk.manager)


def test_told_by_phone_is_a_call_that_reached_them(desk, issue):
    resolve(issue, by=desk.manager, now=NOW, what_changed="More slots")
    tell(issue, how="call", message="Told them", by=desk.manager, now=NOW)

    issue.refresh_from_db()
    assert (issue.touchpoint.kind, issue.touchpoint.call_outcome) == ("call", "reached")
    assert not OutboxEnvelope.objects.exists()


def test_telling_that_was_logged_in_error_opens_the_issue_again(desk, issue):
    resolve(issue, by=desk.manager, now=NOW, what_changed="More slots")
    row = tell(issue, how="call", message="Told them", by=desk.manager, now=NOW)
    assert due() == []

    withdraw(row.touchpoint, by=desk.manager, now=NOW, reason="It was another call")

    assert issues() == [issue]
    assert len(due()) == 1
    assert tell(issue, how="letter", message="We did", by=desk.manager, now=NOW).told_at == NOW


def test_nobody_is_told_before_it_is_resolved(desk, issue):
    with pytest.raises(NotPossible):
        tell(issue, how="email", message="We did", by=desk.manager, now=NOW)
    assert not OutboxEnvelope.objects.exists()


@pytest.mark.parametrize("changes", [{"state": "deceased"}, {"email": ""}])
def test_no_mail_goes_to_who_may_not_be_written_to(desk, issue, changes):
    resolve(issue, by=desk.manager, now=NOW, what_changed="More slots")
    for name, value in changes.items():
        setattr(desk.provider, name, value)
    desk.provider.save()

    with pytest.raises(NotPossible):
        tell(issue, how="email", message="We did", by=desk.manager, now=NOW)
    assert not OutboxEnvelope.objects.exists()


def test_what_changed_can_be_said_better_until_they_are_told(desk, issue):
    resolve(issue, by=desk.manager, now=NOW, what_changed="More slots")
    row = resolve(issue, by=desk.physician, now=NOW + DAY, what_changed="Two more slots a day")
    assert (row.what_changed, row.resolved_at, row.resolved_by) == ("Two more slots a day", NOW, desk.manager)

    tell(issue, how="letter", message="We did", by=desk.manager, now=NOW + DAY)
    with pytest.raises(NotPossible):
        resolve(issue, by=desk.manager, now=NOW + DAY, what_changed="Something else")


def test_no_mail_names_a_patient_even_if_the_referrer_did(desk):
    make.referral(desk.coordinator, provider=desk.provider, patient_family_name="Quillfeather")
    asked(desk)
    given = answer(
        token_of(OutboxEnvelope.objects.get()), now=NOW, **said(overall=1, words="Ida Quillfeather waited")
    )
    row = resolve(given.issues.get(), by=desk.manager, now=NOW, what_changed="More slots")
    tell(row, how="email", message=draft_message(row, by=desk.manager), by=desk.manager, now=NOW)

    assert OutboxEnvelope.objects.count() == 2
    for mail in OutboxEnvelope.objects.all():
        whole = " ".join([mail.subject, mail.text, mail.html, str(mail.headers), mail.recipient])
        assert "Quillfeather" not in whole
        assert "Ida" not in whole
