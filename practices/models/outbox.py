"""Mail on its way out. Written with the change that causes it, sent after commit by a task."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from practices.encryption import EncryptedTextField
from practices.models.people import Practice


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
        return self.defer("subject", "text", "html", "calendar")


class OutboxEnvelope(models.Model):
    """One mail to one recipient. Outside row security, since the sender serves every practice; the letter itself
    is encrypted, holds no patient, and is emptied once sent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("given up")

    practice = models.ForeignKey(Practice, null=True, on_delete=models.CASCADE, related_name="+")
    recipient = models.EmailField()
    message_id = models.CharField(max_length=120, unique=True)
    subject = EncryptedTextField(shared=True)
    text = EncryptedTextField(shared=True)
    html = EncryptedTextField(shared=True, default="")
    calendar = EncryptedTextField(shared=True, default="")
    calendar_method = models.CharField(max_length=10, blank=True)
    headers = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
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
        return {"sent": "done", "failed": "due"}.get(self.state, "open")

    @property
    def may_be_retried(self) -> bool:
        """Given up, or put off after a try; what was not tried yet is next anyway."""
        return self.state == self.State.FAILED or (self.state == self.State.WAITING and self.attempts > 0)
