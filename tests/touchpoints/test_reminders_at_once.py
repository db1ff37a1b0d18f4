"""An act takes its reminders with it: they are gone when it is committed, before any tick."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts import referral_way as way
from contacts.merging import merge_providers
from contacts.models import Referral
from practices.isolation import practice_scope
from practices.weeks import Week
from tests import make
from tests.touchpoints.reminding import TODAY, at, days, new_desk, provider, referral, touched
from touchpoints import thank_you_acts as acts
from touchpoints.feedback_answers import take_down
from touchpoints.feedback_asking import ask
from touchpoints.meeting_people import People
from touchpoints.meetings import log_meeting
from touchpoints.models import Reminder, ThankYou
from touchpoints.reminders import remind
from touchpoints.return_referral_way import send
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import log_call, log_card, withdraw

pytestmark = pytest.mark.django_db
NOW = at(TODAY)
WEEK = Week.parse("2026-W45")


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk():
    return new_desk()


def received(desk, whom=None, **fields):
    return referral(desk, TODAY - days(3), **({"provider": whom} if whom else {}), **fields)


def seen(desk):
    return way.move(received(desk), to="seen", seen_on=TODAY, by=desk.physician, now=NOW)


def gone_quiet(desk):
    whom = provider("Quietson")
    for weeks in range(8, 30):
        received_on = TODAY - timedelta(weeks=weeks)
        referral(desk, received_on, provider=whom)
    return whom


def long_unreached(desk, **fields):
    whom = provider("Okafor", tier="A", **fields)
    touched(desk, whom, TODAY - days(40))
    return whom


def row_to_decide(desk):
    referral(desk, date(2026, 11, 4), provider=provider("Okafor"))
    make_thank_you_lists(week=WEEK, now=NOW - days(7))
    return ThankYou.objects.get()


def card_to_write(desk):
    return acts.write_card(row_to_decide(desk), by=desk.physician, now=NOW - days(7))


def card_to_mail(desk):
    return acts.mark_written(card_to_write(desk), by=desk.physician, now=NOW - days(6))


def asked_long_ago(desk):
    whom = provider("Okafor", email="okafor@example.test")
    for weeks in range(1, 28):
        referral(desk, TODAY - timedelta(weeks=weeks), provider=whom)
    return whom


def chosen_for_a_patient(desk):
    return make.return_referral(desk.physician, provider=long_unreached(desk), now=NOW)


def last_taken_back(desk, row):
    way.take_back(row, step_id=way.last_step(row).pk, by=desk.physician, now=NOW, reason="slip")


def met(desk, whom):
    log_meeting(
        people=People(providers=(whom,)), by=desk.liaison, now=NOW, owner=desk.liaison, kind="visit",
        starts_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(hours=1), purpose="Say hello",
    )  # fmt: skip


def told_us(desk, whom):
    said = {"scheduling": 5, "communication": 5, "care": 5, "words": "", "is_complaint": False}
    take_down(
        provider=whom, source="call", given_on=TODAY, overall=9, physician_id=None,
        by=desk.manager, now=NOW, **said,
    )  # fmt: skip


def asked(desk, whom):
    ask(type(whom).objects.filter(pk=whom.pk), by=desk.manager, now=NOW, within=days(1))


# What is open, how it came to be so, and the act that does away with it.
ACTS = {
    "moved": ("next_actions", received, lambda d, row: way.move(row, to="contacted", by=d.manager, now=NOW)),
    "attempted": (
        "next_actions",
        lambda d: way.move(received(d), to="contacted", by=d.manager, now=NOW),
        lambda d, row: way.move(row, to="unreachable", by=d.manager, now=NOW),
    ),
    "withdrawn": (
        "next_actions",
        received,
        lambda d, row: way.withdraw(row, by=d.manager, now=NOW, reason="slip"),
    ),
    "reported back": ("report_backs", seen, lambda d, row: way.report_back(row, by=d.physician, now=NOW)),
    "step taken back": ("report_backs", seen, last_taken_back),
    "referral logged": ("quiet_referrers", gone_quiet, lambda d, whom: received(d, whom)),
    "called": (
        "in_touch",
        long_unreached,
        lambda d, whom: log_call(outcome="reached", provider=whom, by=d.liaison, now=NOW),
    ),
    "card by hand": ("in_touch", long_unreached, lambda d, whom: log_card(provider=whom, by=d.liaison, now=NOW)),
    "met": ("in_touch", long_unreached, met),
    "said something": ("feedback_due", asked_long_ago, told_us),
    "asked": ("feedback_due", asked_long_ago, asked),
    "patient sent": ("in_touch", chosen_for_a_patient, lambda d, row: send(row, by=d.physician, now=NOW)),
    "skipped": ("lists_to_review", row_to_decide, lambda d, row: acts.skip(row, by=d.physician, now=NOW, reason="x")),
    "written": ("cards_to_write", card_to_write, lambda d, row: acts.mark_written(row, by=d.physician, now=NOW)),
    "card taken back": ("cards_to_write", card_to_write, lambda d, row: acts.take_back(row, by=d.physician, now=NOW)),
    "mailed": ("cards_to_mail", card_to_mail, lambda d, row: acts.mark_mailed(row, by=d.physician, now=NOW)),
}  # fmt: skip


def open_ones():
    return set(Reminder.objects.open().values_list("rule", "cause"))


@pytest.mark.parametrize("act", ACTS)
def test_act_takes_its_reminders_with_it_and_no_others(desk, act, django_capture_on_commit_callbacks):
    rule, prepare, do = ACTS[act]
    with practice_scope(desk.practice):
        other = provider("Elsewhere", tier="A")
        touched(desk, other, TODAY - days(50))
        received(desk, other)
        about = prepare(desk)
        remind(now=NOW)
        others = set(Reminder.objects.open().filter(provider=other).values_list("rule", "cause"))
        done_with = {key for key in open_ones() - others if key[0] == rule}
    assert done_with
    assert {key[0] for key in others} >= {"in_touch", "next_actions"}

    with django_capture_on_commit_callbacks(execute=True), practice_scope(desk.practice):
        do(desk, about)

    with practice_scope(desk.practice):
        assert not open_ones() & done_with
        assert open_ones() >= others
        after = open_ones()
        remind(now=NOW)
        assert after <= open_ones()  # the tick makes what is new and finds nothing to close


def test_nobody_is_reminded_of_who_retires(client, desk, django_capture_on_commit_callbacks):
    with practice_scope(desk.practice):
        whom = gone_quiet(desk)
        touched(desk, whom, TODAY - days(400))
        row = way.move(received(desk, whom), to="seen", seen_on=TODAY, by=desk.physician, now=NOW)
        remind(now=NOW)
        assert {rule for rule, _cause in open_ones()} >= {"report_backs", "in_touch"}
    client.force_login(desk.manager.user)
    form = client.get(reverse("provider_edit", args=[whom.pk])).context["form"]
    said = {name: value for name, value in form.initial.items() if value not in (None, [])}

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse("provider_edit", args=[whom.pk]), {**said, "state": "retired"})

    assert answer.status_code == 302
    with practice_scope(desk.practice):
        left = Reminder.objects.open()
        assert {reminder.rule for reminder in left} == {"next_actions"}  # their patients are cared for
        assert not [reminder.reason for reminder in left if "Quietson" in reminder.reason]
        assert Referral.objects.get(pk=row.pk).owes_word


def test_who_is_merged_leaves_no_reminder_of_their_own(desk, django_capture_on_commit_callbacks):
    with practice_scope(desk.practice):
        keep, drop = long_unreached(desk), long_unreached(desk)
        remind(now=NOW)
        assert len(open_ones()) == 2

    with django_capture_on_commit_callbacks(execute=True), practice_scope(desk.practice):
        merge_providers(keep=keep, drop=drop, by=desk.manager, now=NOW)

    with practice_scope(desk.practice):
        ((rule, cause),) = open_ones()
        assert (rule, cause.startswith(f"provider {keep.pk} ")) == ("in_touch", True)


def test_act_that_was_rolled_back_changes_nothing(desk, django_capture_on_commit_callbacks):
    with practice_scope(desk.practice):
        row = received(desk)
        remind(now=NOW)
        before = open_ones()

    with (
        django_capture_on_commit_callbacks(execute=True),
        pytest.raises(ZeroDivisionError),
        practice_scope(desk.practice),
    ):
        way.move(row, to="contacted", by=desk.manager, now=NOW)
        raise ZeroDivisionError

    with practice_scope(desk.practice):
        assert open_ones() == before


def queries_after(desk, do, capture):
    """How many statements follow once the act is committed."""
    with capture() as callbacks, practice_scope(desk.practice):
        do()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        for callback in callbacks:
            callback()
    return len([query for query in captured if "SAVEPOINT" not in query["sql"]])


def test_many_acts_in_one_are_asked_about_once(desk, django_capture_on_commit_callbacks):
    with practice_scope(desk.practice):
        for number in range(12):
            referral(desk, date(2026, 11, 4), provider=provider(f"Number{number}"))
        make_thank_you_lists(week=WEEK, now=NOW - days(7))
        rows = [acts.write_card(row, by=desk.physician, now=NOW - days(7)) for row in ThankYou.objects.all()]
        remind(now=NOW)

    def mail(some):
        for row in some:
            acts.mark_mailed(row, by=desk.physician, now=NOW)

    few = queries_after(desk, lambda: mail(rows[:2]), django_capture_on_commit_callbacks)
    many = queries_after(desk, lambda: mail(rows[2:]), django_capture_on_commit_callbacks)

    assert many <= few
    with practice_scope(desk.practice):
        assert not Reminder.objects.open().filter(rule="cards_to_write").exists()


def test_act_about_which_nothing_is_open_asks_one_thing(desk, django_capture_on_commit_callbacks):
    with practice_scope(desk.practice):
        row = received(desk)

    def move():
        way.move(row, to="contacted", by=desk.manager, now=NOW)

    # Entering and leaving the practice, and the one question.
    assert queries_after(desk, move, django_capture_on_commit_callbacks) == 3


def test_withdrawn_touchpoint_says_at_once_what_is_true_again(desk, django_capture_on_commit_callbacks):
    """In touch since the call, and not since the one before: the tick makes it again, nothing wrong stays."""
    with practice_scope(desk.practice):
        whom = long_unreached(desk)
        call = log_call(outcome="reached", provider=whom, by=desk.liaison, now=NOW - days(20))
        remind(now=NOW)
        (wrong,) = open_ones()

    with django_capture_on_commit_callbacks(execute=True), practice_scope(desk.practice):
        withdraw(call, by=desk.liaison, now=NOW, reason="slip")

    with practice_scope(desk.practice):
        assert open_ones() == {("in_touch", f"provider {whom.pk} since {TODAY - days(40)}")} != {wrong}
