"""Mail on its way out. Written with the change that causes it, sent after commit by a task."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models.base import PracticeDetail
from practices.models.people import Member, Practice

ERRORS_IN_WORDS = {
    "SMTPRecipientsRefused": _("The mail server refuses this address"),
    "SMTPDataError": _("The mail server refuses this letter"),
    "SMTPSenderRefused": _("The mail server refuses our own address"),
    "SMTPAuthenticationError": _("The mail server refuses our name or password"),
    "SMTPServerDisconnected": _("The mail server hung up, or answered too late"),
    "SenderKilled": _("Sending it was broken off each time"),
    **dict.fromkeys(
        ("ConnectionRefusedError", "SMTPConnectError", "TimeoutError", "gaierror", "OSError"),
        _("The mail server could not be reached"),
    ),
}


class OutboxQuerySet(models.QuerySet):
    def due(self, now: datetime) -> Self:
        """What waits for its first or next try, and what a killed sender left behind."""
        waiting = models.Q(state=OutboxEnvelope.State.WAITING, next_try_at__lte=now)
        left_behind = models.Q(state=OutboxEnvelope.State.SENDING, leased_until__lt=now)
        return self.filter(waiting | left_behind)

    def of_practice(self, practice: Practice) -> Self:
        """Outside row security, so the practice is asked for by hand."""
        return self.filter(practice=practice)

    def without_letter(self) -> Self:
        """For pages, which show where a mail stands and never what it says."""
        return self.defer(*OutboxEnvelope.LETTER)


class OutboxEnvelope(models.Model):
    """One mail to one recipient. Outside row security, since the sender serves every practice; the letter itself
    is encrypted, holds no patient, and is emptied once sent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("given up")
        OUTDATED = "outdated", _("out of date")

    LETTER = ("subject", "text", "html", "calendar", "unsubscribe_link")

    practice = models.ForeignKey(Practice, null=True, on_delete=models.CASCADE, related_name="+")
    recipient = models.EmailField()
    message_id = models.CharField(max_length=120, unique=True)
    subject = EncryptedTextField(shared=True)
    text = EncryptedTextField(shared=True)
    html = EncryptedTextField(shared=True, default="")
    calendar = EncryptedTextField(shared=True, default="")
    calendar_method = models.CharField(max_length=10, blank=True)
    unsubscribe_link = EncryptedTextField(shared=True, default="")
    headers = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    useful_until = models.DateTimeField(null=True)  # empty: however late it comes
    leased_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    objects = models.Manager.from_queryset(OutboxQuerySet)()

    class Meta:
        indexes = [
            models.Index(
                "next_try_at",
                condition=models.Q(state__in=["waiting", "sending"]),
                name="outbox_envelope_to_send",
            ),
            models.Index("sent_at", condition=models.Q(state="sent"), name="outbox_envelope_sent"),
            models.Index(
                "created_at",
                condition=models.Q(state__in=["failed", "outdated"]),
                name="outbox_envelope_unsent",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="sent", sent_at__isnull=False)
                | (~models.Q(state="sent") & models.Q(sent_at=None)),
                name="outbox_envelope_sent_when_it_says_so",
            ),
        ]

    @property
    def tone(self) -> str:
        """How its badge looks (templates/_status.html)."""
        return {"sent": "done", "failed": "due", "outdated": "quiet"}.get(self.state, "open")

    @property
    def error_in_words(self) -> str:
        """What went wrong last, with the server's code; what has no words, by its name."""
        if not self.last_error:
            return ""
        kind, _space, code = self.last_error.partition(" ")
        if kind not in ERRORS_IN_WORDS:
            return f"{gettext('It could not be sent')} ({self.last_error})"
        return f"{ERRORS_IN_WORDS[kind]} ({code})" if code else str(ERRORS_IN_WORDS[kind])

    @property
    def waits_again(self) -> bool:
        """Tried in vain, and put off."""
        return self.state == self.State.WAITING and self.attempts > 0

    @property
    def may_be_retried(self) -> bool:
        """Given up, or put off after a try; what was not tried yet is next anyway."""
        return self.state == self.State.FAILED or self.waits_again


class Digest(PracticeDetail):
    """A member's digest of one day: written, or found to have nothing to say. The key leaves one a day at most."""

    member = PracticeForeignKey(Member, on_delete=models.CASCADE, related_name="digests")
    day = models.DateField()

    class Meta(PracticeDetail.Meta):
        constraints = [
            *PracticeDetail.Meta.constraints,
            models.UniqueConstraint(fields=["practice", "member", "day"], name="digest_once_a_day"),
            SamePractice(field="member", name="digest_member_same_practice"),
        ]
