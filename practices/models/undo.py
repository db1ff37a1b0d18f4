"""What somebody did that can be taken back for a while."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from practices.encryption import EncryptedTextField
from practices.isolation import PracticeForeignKey, SamePractice
from practices.models.base import PracticeModel
from practices.models.people import Member


class UndoableAct(PracticeModel):
    """A removal, or an act on many rows, with what it takes to put them back (practices/undo.py)."""

    KEPT_FOR = timedelta(days=30)

    kind = models.CharField(max_length=40)
    said = models.CharField(max_length=300, help_text="What was done, in a sentence. No patient.")
    about = models.BigIntegerField(null=True, help_text="The row it is about, where there is one.")
    done_at = models.DateTimeField()
    done_by = PracticeForeignKey(Member, related_name="+")
    data = EncryptedTextField(help_text="JSON: what stood there before; it may be of a patient.")
    undone_at = models.DateTimeField(null=True)
    undone_by = PracticeForeignKey(Member, null=True, related_name="+")

    class Meta(PracticeModel.Meta):
        ordering = ["-done_at", "-id"]
        indexes = [models.Index(fields=["practice", "-done_at", "-id"], name="undoable_act_newest")]
        constraints = [
            *PracticeModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
                name="undoable_act_undone_by_somebody",
            ),
            SamePractice(field="done_by", name="undoable_act_done_by_same_practice"),
            SamePractice(field="undone_by", name="undoable_act_undone_by_same_practice"),
        ]
