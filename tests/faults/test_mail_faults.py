"""Digests against a real mail server that misbehaves: nothing is lost, and what comes twice is counted.

The bound that docs/operate.md states: a letter comes again only where the server took it and its answer never
reached us, once for each such try; and all of them carry one Message-ID.
"""

import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from practices.isolation import practice_scope
from practices.models import Member, OutboxEnvelope, Practice
from practices.outbox import LEASE, send_due, try_again
from practices.roles import Role
from tests import make
from tests.counts import examples
from tests.faults.stack import Stack, running_stack
from tests.practices.smtp_server import Postbox, free_port, smtp_server
from touchpoints.digests import make_due_digests
from touchpoints.models import Reminder

SEVEN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # 7:00 in New York, a Tuesday
HOUR = timedelta(hours=1)
MEMBERS = 12
State = OutboxEnvelope.State


@pytest.fixture
def port(settings) -> int:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{settings.EMAIL_PORT}"
    settings.EMAIL_TIMEOUT = 10
    return settings.EMAIL_PORT


@pytest.fixture
def practice(db, port) -> Practice:
    """A dozen members for whom something is due this morning."""
    practice = make.practice()
    people = [make.member(Role.COORDINATOR, practice) for _ in range(MEMBERS)]
    with practice_scope(practice):
        for member in people:
            Reminder.objects.create(
                rule="told by hand",
                cause=f"of {member.pk}",
                member=member,
                reason="Call Dr. Okafor.",
                due_on=SEVEN.date(),
                made_at=SEVEN,
            )
    return practice


def tick(practice: Practice, now: datetime) -> None:
    with practice_scope(practice):
        make_due_digests(now=now)
    send_due(now)


def ticks(practice: Practice, begin: datetime, end: datetime) -> None:
    """A tick each minute, the end not included."""
    now = begin
    while now < end:
        tick(practice, now)
        now += timedelta(minutes=1)


def counted(postbox: Postbox) -> list[int]:
    """How often each digest that was ever written came, those that did not come included."""
    written = OutboxEnvelope.objects.values_list("message_id", flat=True)
    assert len(written) == MEMBERS
    assert set(postbox.times_received) <= set(written)
    return sorted(postbox.times_received[message_id] for message_id in written)


def states() -> Counter[str]:
    return Counter(OutboxEnvelope.objects.values_list("state", flat=True))


def test_a_server_down_for_an_hour_loses_nothing_and_repeats_nothing(practice, port):
    ticks(practice, SEVEN, SEVEN + HOUR)
    assert states() == {State.WAITING: MEMBERS}
    with smtp_server(port) as postbox:
        ticks(practice, SEVEN + HOUR, SEVEN + 3 * HOUR)
    assert counted(postbox) == [1] * MEMBERS
    assert states() == {State.SENT: MEMBERS}


def test_a_server_that_drops_the_connection_before_the_letter_gets_it_once(practice, port):
    with smtp_server(port) as postbox:
        postbox.drops_before_data = True
        ticks(practice, SEVEN, SEVEN + HOUR)
        assert (counted(postbox), states()) == ([0] * MEMBERS, {State.WAITING: MEMBERS})
        postbox.drops_before_data = False
        ticks(practice, SEVEN + HOUR, SEVEN + 3 * HOUR)
    assert counted(postbox) == [1] * MEMBERS


def test_a_server_that_takes_the_letter_and_drops_the_connection_gets_one_more_for_each_drop(practice, port):
    with smtp_server(port) as postbox:
        postbox.drops_after_data = True
        ticks(practice, SEVEN, SEVEN + HOUR)
        unanswered = len(postbox.messages)
        assert states() == {State.WAITING: MEMBERS}
        postbox.drops_after_data = False
        ticks(practice, SEVEN + HOUR, SEVEN + 3 * HOUR)
    assert states() == {State.SENT: MEMBERS}
    assert len(postbox.messages) == unanswered + MEMBERS
    assert set(counted(postbox)) == {
        6
    }  # tried after 0, 2, 6, 14 and 30 minutes of that hour, and once after it


def test_a_server_that_drops_the_connection_after_its_answer_gets_it_once(practice, port):
    with smtp_server(port) as postbox:
        postbox.drops_after_answer = True
        ticks(practice, SEVEN, SEVEN + HOUR)
    assert (counted(postbox), states()) == ([1] * MEMBERS, {State.SENT: MEMBERS})


def test_a_rejected_recipient_is_told_to_the_manager_and_holds_up_nobody(practice, port):
    with smtp_server(port) as postbox:
        with practice_scope(practice):
            refused, put_off = Member.objects.values_list("user__email", flat=True).order_by("pk")[:2]
        postbox.answers = {refused: "550 no such user", put_off: "450 greylisted"}
        ticks(practice, SEVEN, SEVEN + timedelta(minutes=2))
        assert states() == {State.SENT: MEMBERS - 2, State.WAITING: 1, State.FAILED: 1}
        failed = OutboxEnvelope.objects.get(recipient=refused)
        assert (failed.last_error, failed.attempts, failed.may_be_retried) == (
            "SMTPRecipientsRefused 550", 1, True,
        )  # fmt: skip
        postbox.answers.clear()
        ticks(practice, SEVEN + timedelta(minutes=2), SEVEN + HOUR)
        assert states() == {State.SENT: MEMBERS - 1, State.FAILED: 1}
        try_again(failed, now=SEVEN + HOUR)
        tick(practice, SEVEN + HOUR)
    assert (counted(postbox), states()) == ([1] * MEMBERS, {State.SENT: MEMBERS})


def test_a_slow_server_gets_each_letter_once_if_it_answers_in_time(practice, port):
    with smtp_server(port) as postbox:
        postbox.waits_seconds = 0.2
        ticks(practice, SEVEN, SEVEN + timedelta(minutes=5))
    assert (counted(postbox), states()) == ([1] * MEMBERS, {State.SENT: MEMBERS})


def test_a_server_too_slow_to_answer_gets_one_more_for_each_try_it_kept(practice, port, settings):
    settings.EMAIL_TIMEOUT = 0.3
    with smtp_server(port) as postbox:
        postbox.waits_seconds = 1
        tick(practice, SEVEN)
        assert states() == {State.WAITING: MEMBERS}
        kept = len(postbox.messages)
        assert kept
        postbox.waits_seconds, settings.EMAIL_TIMEOUT = 0, 10
        ticks(practice, SEVEN + timedelta(minutes=1), SEVEN + HOUR)
    assert states() == {State.SENT: MEMBERS}
    assert len(postbox.messages) == kept + MEMBERS
    assert max(counted(postbox)) <= 2


def test_after_two_days_down_only_the_latest_digest_comes(practice, port):
    ticks(practice, SEVEN, SEVEN + timedelta(minutes=3))
    tick(practice, SEVEN + timedelta(days=1))
    with smtp_server(port) as postbox:
        later = SEVEN + timedelta(days=1, minutes=30)
        ticks(practice, later, later + 5 * HOUR)
    assert states() == {State.SENT: MEMBERS, State.OUTDATED: MEMBERS}
    assert set(postbox.times_received.values()) == {1}
    came = OutboxEnvelope.objects.filter(message_id__in=list(postbox.times_received))
    assert {mail.created_at for mail in came} == {SEVEN + timedelta(days=1)}
    stale = OutboxEnvelope.objects.filter(state=State.OUTDATED).first()
    assert (stale.text, stale.unsubscribe_link, stale.may_be_retried) == ("", "", False)


def test_a_lease_left_by_a_killed_sender_is_taken_up_within_five_minutes(practice, port):
    with practice_scope(practice):
        make_due_digests(now=SEVEN)
    OutboxEnvelope.objects.update(
        state=State.SENDING, attempts=1, leased_until=SEVEN + LEASE
    )  # and then nothing
    with smtp_server(port) as postbox:
        ticks(practice, SEVEN, SEVEN + LEASE)
        assert postbox.messages == []
        ticks(practice, SEVEN + LEASE, SEVEN + LEASE + timedelta(minutes=2))
    assert counted(postbox) == [1] * MEMBERS


# Real workers, killed.

PRACTICES, EACH = 6, 5
KILLS_AT = examples((3, 16), full=(2, 4, 6, 9, 12, 14, 17, 20, 22, 25, 28, 30))
SENDERS = 2  # processes of a worker: each may hold one letter that the server took when it is killed
ENVELOPES = "SELECT message_id, state, recipient FROM practices_outboxenvelope"


@pytest.mark.faults
def test_workers_killed_while_sending_lose_nothing_and_repeat_at_most_what_they_held(tmp_path, migrated):
    port, killed = free_port(), threading.Event()
    with smtp_server(port) as postbox, running_stack(tmp_path, copy_of=migrated) as stack:
        stack.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        addresses = json.loads(stack.run("-m", "tests.faults.mail_scene", str(PRACTICES), str(EACH)))
        postbox.waits_seconds = 0.05
        stack.start_beat("beat")
        for count in KILLS_AT:
            killed.clear()
            postbox.on_letter = partial(_kill_from, count, stack, killed)
            stack.start_worker("worker")
            assert killed.wait(120), f"{len(postbox.messages)} letters came"
            _end_leases(stack)
        postbox.on_letter = None
        stack.start_worker("worker")
        _wait_until_all_is_sent(stack, len(addresses))
        envelopes = stack.rows(ENVELOPES)
    assert sorted(to for _id, _state, to in envelopes) == sorted(addresses)  # one each, and nobody else
    assert set(postbox.times_received) == {message_id for message_id, _state, _to in envelopes}
    repeated = len(postbox.messages) - len(envelopes)
    assert len(KILLS_AT) <= repeated <= len(KILLS_AT) * SENDERS


def _kill_from(count: int, stack: Stack, killed: threading.Event, came: int) -> None:
    """In the middle: the server has the letter, and the worker has no answer."""
    if came >= count and not killed.is_set():
        stack.kill("worker")
        killed.set()


def _end_leases(stack: Stack) -> None:
    """What five minutes would do."""
    stack.change("UPDATE practices_outboxenvelope SET leased_until = now() WHERE state = 'sending'")


def _wait_until_all_is_sent(stack: Stack, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = [state for _id, state, _to in stack.rows(ENVELOPES)]
        if states == ["sent"] * count:
            return
        time.sleep(0.5)
