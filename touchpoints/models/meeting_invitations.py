"""Who was sent an invitation to a meeting, and which revision of it they know."""

from typing import Self

from django.db import models

from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import Member, PracticeModel, PracticeQuerySet, practice_manager
from touchpoints.models.meetings import Meeting


class MeetingInvitationQuerySet(PracticeQuerySet):
    def standing(self) -> Self:
        return self.filter(cancelled_at__isnull=True)


class MeetingInvitation(PracticeModel):
    """One address and what it was told last. Stays when the attendee goes: who was invited must be told."""

    meeting = PracticeForeignKey(Meeting, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    sequence = models.PositiveIntegerField(help_text="The meeting's, when they were told of it last.")
    told = models.CharField(
        max_length=64, help_text="A digest of what they read: when, where, what, from whom."
    )
    sent_at = models.DateTimeField()
    sent_by = PracticeForeignKey(Member, related_name="+")
    cancelled_at = models.DateTimeField(
        null=True, help_text="Told that it is off, or that they need not come."
    )

    objects = practice_manager(MeetingInvitationQuerySet)

    class Meta(PracticeModel.Meta):
        constraints = [
            *PracticeModel.Meta.constraints,
            SamePractice(field="meeting", name="meeting_invitation_meeting_same_practice"),
            SamePractice(field="sent_by", name="meeting_invitation_sent_by_same_practice"),
            models.UniqueConstraint(
                fields=["practice", "meeting", "email"], name="meeting_invitation_once_per_email"
            ),
        ]
