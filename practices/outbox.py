"""All mail goes through the outbox: queued with its cause, sent one lease at a time (docs/operate.md).

Delivery is at least once: a sender killed between the server's acceptance and its own commit sends again,
under the same Message-ID.
"""

import logging
import smtplib
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from practices.models import OutboxEnvelope, Practice

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
GIVE_UP_AFTER = 10
State = OutboxEnvelope.State


def queue_mail(
    *,
    to: str,
    subject: str,
    text: str,
    now: datetime,
    html: str = "",
    practice: Practice | None = None,
    headers: dict[str, str] | None = None,
) -> OutboxEnvelope:
    """Put a mail into the outbox, in the caller's transaction. Never put a patient into one."""
    return OutboxEnvelope.objects.create(
        practice=practice,
        recipient=to,
        message_id=f"<{uuid.uuid4()}@referralcrm>",
        subject=" ".join(subject.split()),
        text=text,
        html=html,
        headers=headers or {},
        next_try_at=now,
        created_at=now,
    )


def send_due(now: datetime, *, limit: int = 200) -> int:
    """Send what is due, one lease per transaction; returns how many were tried. Nothing without EMAIL_URL."""
    if not settings.EMAIL_URL:
        return 0
    tried = 0
    while tried < limit and (envelope := _lease(now)):
        _send(envelope, now)
        tried += 1
    return tried


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


def _send(envelope: OutboxEnvelope, now: datetime) -> None:
    try:
        _message(envelope).send()
    except (smtplib.SMTPException, OSError) as error:
        _put_back(envelope, error, now)
    else:
        _settle(envelope, state=State.SENT, sent_at=now, subject="", text="", html="", last_error="")


def _message(envelope: OutboxEnvelope) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        envelope.subject,
        envelope.text,
        to=[envelope.recipient],
        headers={"Message-ID": envelope.message_id, **envelope.headers},
    )
    if envelope.html:
        message.attach_alternative(envelope.html, "text/html")
    return message


def _put_back(envelope: OutboxEnvelope, error: Exception, now: datetime) -> None:
    """Wait longer after each try; a refused recipient, or the tenth try, is the last."""
    is_refused = isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 for code, _ in error.recipients.values()
    )
    logger.warning("mail %s not sent, try %s: %s", envelope.pk, envelope.attempts, type(error).__name__)
    state = State.FAILED if is_refused or envelope.attempts >= GIVE_UP_AFTER else State.WAITING
    wait = min(timedelta(minutes=2 ** min(envelope.attempts, 8)), timedelta(hours=4))
    _settle(envelope, state=state, next_try_at=now + wait, last_error=_said(error))


def _said(error: Exception) -> str:
    """The server's code or the error's kind: its text may carry an address."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()


def _settle(envelope: OutboxEnvelope, **changes: Any) -> None:
    """Only the sender that holds the lease may say how it ended."""
    held = OutboxEnvelope.objects.filter(pk=envelope.pk, state=State.SENDING, attempts=envelope.attempts)
    for name, value in changes.items():
        setattr(envelope, name, value)
    envelope.leased_until = None
    held.update(**changes, leased_until=None)
