"""Mail is sent at least once and says where it stands; a real server on loopback misbehaves meanwhile."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction

from practices import outbox
from practices.models import OutboxEnvelope
from practices.outbox import AT_ONCE, GIVE_UP_AFTER, LEASE, queue_mail, send_due, try_again, wait_after
from referralcrm.celery import app
from referralcrm.tasks import send_mail
from tests import make
from tests.practices.smtp_server import Postbox, free_port, smtp_server

NOW = make.NOW
State = OutboxEnvelope.State


@pytest.fixture
def port(settings) -> int:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{settings.EMAIL_PORT}"
    settings.EMAIL_TIMEOUT = 1
    return settings.EMAIL_PORT


@pytest.fixture
def postbox(port):
    with smtp_server(port) as postbox:
        yield postbox


def queue(to: str = "ida@example.test", **fields) -> OutboxEnvelope:
    mail = {
        "subject": "Your week",
        "text": "Three cards wait.",
        "html": "<p>Three cards wait.</p>",
        "now": NOW,
    }
    return queue_mail(to=to, **{**mail, **fields})


def read_again(envelope: OutboxEnvelope) -> OutboxEnvelope:
    return OutboxEnvelope.objects.get(pk=envelope.pk)


@pytest.mark.django_db
class TestSending:
    def test_a_mail_arrives_whole_and_its_letter_is_emptied(self, postbox: Postbox):
        envelope = queue(headers={"List-Unsubscribe": "<https://example.test/u>"})
        assert send_due(NOW) == 1
        received = postbox.messages[0]
        assert (received["To"], received["Subject"]) == ("ida@example.test", "Your week")
        assert (received["Message-ID"], received["List-Unsubscribe"]) == (
            envelope.message_id,
            "<https://example.test/u>",
        )
        assert {part.get_content_type(): part.get_content().strip() for part in received.iter_parts()} == {
            "text/plain": "Three cards wait.",
            "text/html": "<p>Three cards wait.</p>",
        }
        sent = read_again(envelope)
        assert (sent.state, sent.sent_at is not None, sent.leased_until) == (State.SENT, True, None)
        assert (sent.subject, sent.text, sent.html) == ("", "", "")

    def test_a_calendar_arrives_beside_the_letter_and_is_emptied_too(self, postbox):
        calendar = "BEGIN:VCALENDAR\r\nX-WITH:Dr. Núñez\r\nEND:VCALENDAR\r\n"
        envelope = queue(calendar=calendar, calendar_method="REQUEST")
        send_due(NOW)
        part = list(postbox.messages[0].iter_parts())[-1]
        assert part["Content-Type"] == 'text/calendar; method="REQUEST"; charset="utf-8"'
        assert part.get_payload(decode=True).decode().splitlines() == calendar.splitlines()
        assert read_again(envelope).calendar == ""

    def test_what_is_not_due_waits(self, postbox):
        queue(now=NOW + timedelta(minutes=1))
        assert send_due(NOW) == 0
        assert postbox.messages == []

    def test_without_a_mail_server_all_waits(self, settings):
        settings.EMAIL_URL = ""
        envelope = queue()
        assert send_due(NOW) == 0
        assert read_again(envelope).attempts == 0

    def test_a_subject_with_a_line_break_cannot_add_headers(self, postbox):
        queue(subject="Your week\nBcc: other@example.test")
        send_due(NOW)
        assert postbox.messages[0]["Subject"] == "Your week Bcc: other@example.test"
        assert postbox.messages[0]["Bcc"] is None

    def test_a_refused_recipient_is_given_up_and_the_next_is_served(self, postbox):
        postbox.answers["ida@example.test"] = "550 no such user ida@example.test"
        refused, accepted = queue(), queue("oz@example.test")
        send_due(NOW)
        refused = read_again(refused)
        assert (refused.state, refused.last_error) == (State.FAILED, "SMTPRecipientsRefused 550")
        assert refused.text == "Three cards wait."
        assert read_again(accepted).state == State.SENT

    def test_a_refused_letter_is_given_up(self, postbox):
        postbox.answer_to_data = "554 looks like spam"
        envelope = queue()
        send_due(NOW)
        assert (read_again(envelope).state, read_again(envelope).last_error) == (
            State.FAILED,
            "SMTPDataError 554",
        )

    def test_a_recipient_put_off_is_tried_again_later(self, postbox):
        postbox.answers["ida@example.test"] = "450 greylisted"
        envelope = queue()
        send_due(NOW)
        envelope = read_again(envelope)
        assert envelope.state == State.WAITING
        assert NOW < envelope.next_try_at <= NOW + timedelta(minutes=3)
        postbox.answers.clear()
        assert send_due(NOW) == 0
        send_due(envelope.next_try_at)
        assert read_again(envelope).state == State.SENT
        assert list(postbox.times_received.values()) == [1]

    def test_a_connection_lost_after_the_letter_sends_it_again_under_the_same_id(self, postbox):
        postbox.drops_after_data = True
        envelope = queue()
        send_due(NOW)
        assert read_again(envelope).state == State.WAITING
        postbox.drops_after_data = False
        send_due(read_again(envelope).next_try_at)
        assert read_again(envelope).state == State.SENT
        assert postbox.times_received == {envelope.message_id: 2}

    def test_a_server_too_slow_to_answer_is_tried_again(self, postbox, settings):
        settings.EMAIL_TIMEOUT = 0.2
        postbox.waits_seconds = 0.6
        envelope = queue()
        send_due(NOW)
        assert read_again(envelope).state == State.WAITING
        assert read_again(envelope).last_error.startswith("SMTPServerDisconnected")

    def test_a_round_ends_in_time_and_leaves_the_rest_for_the_next(self, postbox, monkeypatch):
        monkeypatch.setattr(outbox, "ROUND", timedelta(seconds=0.5))
        postbox.waits_seconds = 0.3
        for number in range(4):
            queue(f"person{number}@example.test")
        assert send_due(NOW) == 2
        assert OutboxEnvelope.objects.filter(state=State.WAITING, attempts=0).count() == 2

    def test_a_letter_that_cannot_be_written_does_not_hold_up_the_next(self, postbox):
        broken = queue("broken\n@example.test")
        sound = queue("oz@example.test", now=NOW)
        assert send_due(NOW) == 2
        assert read_again(broken).state == State.WAITING
        assert read_again(sound).state == State.SENT

    def test_neither_log_nor_page_learns_an_address_or_the_text(self, postbox, caplog):
        caplog.set_level("DEBUG")
        postbox.answers["ida@example.test"] = "450 ida@example.test is greylisted"
        envelope = queue()
        send_due(NOW)
        ours = "\n".join(
            record.getMessage() for record in caplog.records if not record.name.startswith("mail.")
        )
        assert f"mail {envelope.pk} not sent, try 1: SMTPRecipientsRefused 450" in ours
        for secret in ("ida@", "greylisted", "Three cards", "Your week"):
            assert secret not in ours
            assert secret not in read_again(envelope).last_error


@pytest.mark.django_db
class TestAServerThatIsDown:
    def test_for_an_hour_costs_each_mail_little_and_loses_none(self, port):
        mails = [queue(f"person{number}@example.test") for number in range(5)]
        now = NOW
        while now < NOW + timedelta(hours=1):
            assert send_due(now) <= 1  # the first that fails tells enough
            now += timedelta(minutes=1)
        with smtp_server(port) as postbox:
            while now < NOW + timedelta(hours=3):
                send_due(now)
                now += timedelta(minutes=1)
        assert sorted(postbox.times_received.items()) == sorted((mail.message_id, 1) for mail in mails)
        assert not OutboxEnvelope.objects.exclude(state=State.SENT).exists()

    def test_for_a_weekend_is_survived_and_for_a_week_is_given_up(self, port):
        envelope = queue()
        now = NOW
        while read_again(envelope).state == State.WAITING:
            now = read_again(envelope).next_try_at
            send_due(now)
        assert timedelta(days=3) < now - NOW < timedelta(days=7)
        assert read_again(envelope).last_error.startswith("ConnectionRefusedError")

    def test_does_not_make_a_retry_by_hand_hopeless(self, port):
        envelope = queue()
        OutboxEnvelope.objects.update(attempts=GIVE_UP_AFTER - 1)
        send_due(NOW)
        assert read_again(envelope).state == State.FAILED
        try_again(read_again(envelope), now=NOW)
        with smtp_server(port) as postbox:
            send_due(NOW)
        assert len(postbox.messages) == 1


@pytest.mark.django_db
class TestALease:
    def test_that_is_over_lets_another_sender_try(self, postbox):
        envelope = queue()
        outbox._lease(NOW)  # and the sender is killed
        assert send_due(NOW + LEASE - timedelta(seconds=1)) == 0
        assert send_due(NOW + LEASE + timedelta(seconds=1)) == 1
        assert read_again(envelope).state == State.SENT

    def test_that_was_lost_settles_nothing(self, postbox):
        envelope = queue()
        late = outbox._lease(NOW)
        send_due(NOW + LEASE + timedelta(seconds=1))
        outbox._put_back(late, TimeoutError(), NOW)
        assert read_again(envelope).state == State.SENT

    def test_is_not_given_for_ever_to_what_kills_its_sender(self, postbox):
        envelope = queue()
        now = NOW
        for _ in range(GIVE_UP_AFTER):
            assert outbox._lease(now)
            now += LEASE + timedelta(seconds=1)
        assert send_due(now) == 0
        assert (read_again(envelope).state, postbox.messages) == (State.FAILED, [])

    def test_by_hand_takes_nothing_from_a_sender(self):
        envelope = queue()
        outbox._lease(NOW)
        try_again(envelope, now=NOW)
        assert read_again(envelope).state == State.SENDING


def test_waits_grow_to_four_hours_and_no_more():
    waits = [wait_after(attempts) for attempts in range(1, GIVE_UP_AFTER + 1)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=2), timedelta(hours=4))


@pytest.mark.django_db(transaction=True)
class TestTwoSenders:
    def test_at_once_send_each_mail_once(self, postbox):
        for number in range(30):
            queue(f"person{number}@example.test")
        tried: list[int] = []

        def send() -> None:
            tried.append(send_due(NOW))
            connection.close()

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(tried) == 30
        assert set(postbox.times_received.values()) == {1}
        assert len(postbox.times_received) == 30

    def test_pass_over_a_mail_the_other_holds(self, postbox):
        held, free = queue(), queue("oz@example.test")
        locked, done = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                OutboxEnvelope.objects.select_for_update().get(pk=held.pk)
                locked.set()
                done.wait(10)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        assert locked.wait(10)
        try:
            assert send_due(NOW) == 1
        finally:
            done.set()
            holder.join()
        assert read_again(free).state == State.SENT
        assert read_again(held).attempts == 0

    def test_a_mail_of_a_change_taken_back_is_never_sent(self, postbox):
        with pytest.raises(RuntimeError), transaction.atomic():
            queue()
            raise RuntimeError
        assert send_due(NOW) == 0


@pytest.fixture
def tasks_at_once():
    """A task that is handed over is done there and then."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.mark.django_db
def test_more_than_a_round_goes_out_without_waiting_for_the_next_tick(postbox, tasks_at_once):
    for number in range(AT_ONCE + 5):
        queue(f"person{number}@example.test", html="")
    with time_machine.travel(NOW, tick=False):
        send_mail()
    assert len(postbox.messages) == AT_ONCE + 5
    assert not OutboxEnvelope.objects.exclude(state=State.SENT).exists()
