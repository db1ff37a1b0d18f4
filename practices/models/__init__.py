from practices.models.audit import AuditEntry, SignInEvent
from practices.models.base import PracticeDetail, PracticeModel, PracticeQuerySet, practice_manager
from practices.models.outbox import Digest, OutboxEnvelope
from practices.models.people import Cover, Invitation, LinkToken, Location, Member, Practice, User
from practices.models.safekeeping import Draft, EncryptionKey, PatientAccess

__all__ = [
    "AuditEntry",
    "Cover",
    "Digest",
    "Draft",
    "EncryptionKey",
    "Invitation",
    "LinkToken",
    "Location",
    "Member",
    "OutboxEnvelope",
    "PatientAccess",
    "Practice",
    "PracticeDetail",
    "PracticeModel",
    "PracticeQuerySet",
    "SignInEvent",
    "User",
    "practice_manager",
]
