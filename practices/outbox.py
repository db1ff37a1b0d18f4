"""All mail goes through the outbox: queued with its cause, sent one lease at a time (docs/operate.md).

Delivery is at least once: a sender killed between the server's acceptance and its own commit sends again,
under the same Message-ID.
"""

import logging
import smtplib
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from practices.models import OutboxEnvelope, Practice

logger = logging.getLogger(__name__)

# Each bound leaves the next one room: one letter (EMAIL_TIMEOUT per answer), a round, a lease, a task's time limit.
ROUND = timedelta(minutes=2)
LEASE = timedelta(minutes=5)
AT_ONCE = 200  # letters of a round
GIVE_UP_AFTER = 30  # about four days, as mail servers do
State = OutboxEnvelope.State
EMPTIED = dict.fromkeys(OutboxEnvelope.LETTER, "")


def queue_mail(
    *,
    to: str,
    subject: str,
    text: str,
    now: datetime,
    html: str = "",
    practice: Practice | None = None,
    headers: dict[str, str] | None = None,
    calendar: str = "",
    calendar_method: str = "",
    unsubscribe_link: str = "",
    useful_until: datetime | None = None,
) -> OutboxEnvelope:
    """Put a mail into the outbox, in the caller's transaction. Never put a patient into one.

    `calendar` is an iCalendar text (RFC 5545) and `calendar_method` its METHOD, sent beside the letter as
    RFC 6047 says. `unsubscribe_link` is what a mail program's own button posts to (RFC 8058). After
    `useful_until` it is no longer sent.
    """
    return OutboxEnvelope.objects.create(
        practice=practice,
        recipient=to,
        message_id=f"<{uuid.uuid4()}@referralcrm>",
        subject=" ".join(subject.split()),
        text=text,
        html=html,
        headers=headers or {},
        calendar=calendar,
        calendar_method=calendar_method,
        unsubscribe_link=unsubscribe_link,
        useful_until=useful_until,
        next_try_at=now,
        created_at=now,
    )


def try_again(envelope: OutboxEnvelope, *, now: datetime) -> None:
    """Put what was given up, or waits for a later try, first in the queue; one on its way or sent stays."""
    waits = OutboxEnvelope.objects.filter(pk=envelope.pk, state__in=[State.WAITING, State.FAILED])
    waits.update(state=State.WAITING, attempts=0, next_try_at=now)


def call_off(practice: Practice, *, to: str) -> None:
    """What waits for somebody who may no longer read it is not sent."""
    waiting = OutboxEnvelope.objects.of_practice(practice).filter(
        recipient=to, state__in=[State.WAITING, State.FAILED]
    )
    waiting.update(state=State.OUTDATED, **EMPTIED)


def send_due(now: datetime, *, limit: int = AT_ONCE) -> int:
    """Send what is due, one lease per transaction; returns how many were tried. Nothing without EMAIL_URL.

    Stops at the limit, when its time is up, or when the server can't be reached: the rest waits for the next
    round without having spent a try.
    """
    if not settings.EMAIL_URL:
        return 0
    _pass_over_what_is_out_of_date(now)
    _give_up_on_what_kills_its_sender(now)
    started, tried = monotonic(), 0
    while tried < limit:
        # A slow server makes a round long, and a lease counted from its start would be over when it is given.
        elapsed = timedelta(seconds=monotonic() - started)
        envelope = _lease(now + elapsed) if elapsed < ROUND else None
        if envelope is None:
            break
        tried += 1
        if not _send(envelope, now + elapsed):
            break
    return tried


def _pass_over_what_is_out_of_date(now: datetime) -> None:
    stale = OutboxEnvelope.objects.due(now).filter(useful_until__lt=now)
    stale.update(state=State.OUTDATED, leased_until=None, **EMPTIED)


def _give_up_on_what_kills_its_sender(now: datetime) -> None:
    left_behind = OutboxEnvelope.objects.due(now).filter(state=State.SENDING, attempts__gte=GIVE_UP_AFTER)
    left_behind.update(state=State.FAILED, leased_until=None, last_error="SenderKilled")


@transaction.atomic
def _lease(now: datetime) -> OutboxEnvelope | None:
    envelope = (
        OutboxEnvelope.objects.due(now).select_for_update(skip_locked=True).order_by("next_try_at").first()
    )
    if envelope:
        envelope.state = State.SENDING
        envelope.leased_until = now + LEASE
        envelope.attempts += 1
        envelope.save(update_fields=["state", "leased_until", "attempts"])
    return envelope


def _send(envelope: OutboxEnvelope, now: datetime) -> bool:
    """Try once, and say whether the server may be asked for the next."""
    try:
        connection = get_connection()
        connection.open()
    except (smtplib.SMTPException, OSError) as error:
        _put_back(envelope, error, now)
        return False
    try:
        _message(envelope, connection).send()
    except Exception as error:  # whatever is wrong with one letter must not hold up those behind it
        _put_back(envelope, error, now)
    else:
        _settle(envelope, state=State.SENT, sent_at=now, last_error="", **EMPTIED)
    finally:
        _hang_up(connection)
    return True


def _hang_up(connection: BaseEmailBackend) -> None:
    with suppress(smtplib.SMTPException, OSError):  # the letter's fate is known already
        connection.close()


def _message(envelope: OutboxEnvelope, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        envelope.subject,
        envelope.text,
        to=[envelope.recipient],
        connection=connection,
        headers={"Message-ID": envelope.message_id, **envelope.headers, **_unsubscribe_headers(envelope)},
    )
    if envelope.html:
        message.attach_alternative(envelope.html, "text/html")
    if envelope.calendar:
        kind = f"text/calendar; method={envelope.calendar_method}"
        message.attach_alternative(envelope.calendar, kind)
    return message


def _unsubscribe_headers(envelope: OutboxEnvelope) -> dict[str, str]:
    if not envelope.unsubscribe_link:
        return {}
    return {
        "List-Unsubscribe": f"<{envelope.unsubscribe_link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _put_back(envelope: OutboxEnvelope, error: Exception, now: datetime) -> None:
    """Wait longer after each try; a refusal of this letter, or the last try, ends it."""
    logger.warning("mail %s not sent, try %s: %s", envelope.pk, envelope.attempts, _said(error))
    is_over = _is_refusal(error) or envelope.attempts >= GIVE_UP_AFTER
    state = State.FAILED if is_over else State.WAITING
    _settle(envelope, state=state, next_try_at=now + wait_after(envelope.attempts), last_error=_said(error))


def wait_after(attempts: int) -> timedelta:
    """2 minutes, then twice as long each time, 4 hours at most."""
    return min(timedelta(minutes=2 ** min(attempts, 8)), timedelta(hours=4))


def _is_refusal(error: Exception) -> bool:
    """A 5xx answer to this recipient or this letter; to our own name and password it is the server's matter."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _said(error: Exception) -> str:
    """The server's code or the error's kind: its text may carry an address."""
    codes = [code for code, _ in getattr(error, "recipients", {}).values()] or [
        getattr(error, "smtp_code", "")
    ]
    return f"{type(error).__name__} {codes[0]}".strip()


def _settle(envelope: OutboxEnvelope, **changes: Any) -> None:
    """Only the sender that holds the lease may say how it ended."""
    held = OutboxEnvelope.objects.filter(pk=envelope.pk, state=State.SENDING, attempts=envelope.attempts)
    for name, value in changes.items():
        setattr(envelope, name, value)
    envelope.leased_until = None
    held.update(**changes, leased_until=None)
