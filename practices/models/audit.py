"""The audit trail: what changed, by whom; and who came in, or was refused."""

import re
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from practices.browsers import in_words
from practices.isolation import PracticeForeignKey, SamePractice, current_practice_id
from practices.models.base import PracticeModel
from practices.models.people import Member


class IdsField(models.Field):
    """Many row numbers, kept as ranges: a bulk insert's follow on one another."""

    def db_type(self, connection: Any) -> str:
        return "int8multirange"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> list[range]:
        return [range(int(first), int(end)) for first, end in re.findall(r"\[(\d+),(\d+)\)", value or "")]


class AuditEntry(PracticeModel):
    """One change of a row, or rows added by one statement. Written by the database alone (0007_audit_trail).

    Who and what stand here by number and not by reference: the trail outlives the rows it names.
    """

    class Operation(models.TextChoices):
        INSERT = "insert", _("added")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("removed")
        EXPORT = "export", _("exported")

    # Vouched for by the row that it was written for, or its policy; a key would be checked for each of many.
    practice = models.ForeignKey(
        "practices.Practice",
        on_delete=models.DO_NOTHING,
        default=current_practice_id,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    at = models.DateTimeField()
    table_name = models.CharField(max_length=63)
    operation = models.CharField(max_length=10, choices=Operation.choices)
    row_id = models.BigIntegerField(null=True, help_text="The first of several.")
    rows = models.PositiveIntegerField(default=1)
    row_ids = IdsField(null=True, help_text="Of several.")
    changes = models.JSONField(
        null=True, help_text="{column: [old, new]}, of what was removed {column: old}; null where hidden."
    )
    member_id = models.BigIntegerField(null=True)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64)
    through = models.CharField(max_length=120, help_text="The page, task or command.")
    reason = models.CharField(max_length=200)
    transaction_id = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["practice", "-at", "-id"], name="audit_entry_newest"),
            models.Index(fields=["practice", "table_name", "row_id"], name="audit_entry_of_row"),
            models.Index(
                fields=["practice", "member_id", "-at", "-id"],
                condition=models.Q(member_id__isnull=False),
                name="audit_entry_by_member",
            ),
            models.Index(
                fields=["practice", "table_name", "row_id"],
                condition=models.Q(row_ids__isnull=False),
                name="audit_entry_of_many",
            ),
        ]

    @property
    def through_in_words(self) -> str:
        """The page, task or command, to be read: "provider edit"."""
        return self.through.replace("_", " ")


class SignInEvent(PracticeModel):
    """Somebody came in, was refused, or changed how they sign in: one row in each practice they sit in."""

    class Act(models.TextChoices):
        SIGNED_IN = "signed_in", _("signed in")
        SIGNED_OUT = "signed_out", _("signed out")
        TIMED_OUT = "timed_out", _("signed out for want of activity")
        WRONG_PASSWORD = "wrong_password", _("refused: wrong password")
        WRONG_SECOND_FACTOR = "wrong_second_factor", _("refused: wrong second factor")
        TOO_MANY_TRIES = "too_many_tries", _("refused: too many tries")
        FACTOR_ADDED = "factor_added", _("added a second factor")
        FACTOR_REMOVED = "factor_removed", _("removed a second factor")
        FACTOR_RENEWED = "factor_renewed", _("made new recovery codes")
        PASSWORD_CHANGED = "password_changed", _("changed the password")
        PASSWORD_RESET = "password_reset", _("reset the password by mail")
        SESSIONS_ENDED = "sessions_ended", _("had sessions ended")

    member = PracticeForeignKey(Member, related_name="sign_in_events")
    by = PracticeForeignKey(
        Member, null=True, related_name="+", help_text="Who did it, if not they themselves."
    )
    at = models.DateTimeField(auto_now_add=True)
    act = models.CharField(max_length=30, choices=Act.choices)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta(PracticeModel.Meta):
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["practice", "-at", "-id"], name="sign_in_event_newest")]
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="member", name="sign_in_event_member_same_practice"),
            SamePractice(field="by", name="sign_in_event_by_same_practice"),
        ]

    @property
    def browser_in_words(self) -> str:
        """As its own list of sessions says it; nothing where it is not known."""
        return in_words(self.browser) if self.browser else ""

    @property
    def tone(self) -> str:
        """How its badge looks (templates/_status.html)."""
        return "due" if self.Act(self.act).name.startswith(("WRONG", "TOO")) else "neutral"
