from practices.models.audit import AuditEntry, SignInEvent
from practices.models.base import PracticeDetail, PracticeModel, PracticeQuerySet, practice_manager
from practices.models.outbox import Digest, OutboxEnvelope
from practices.models.people import Cover, Invitation, LinkToken, Location, Member, Practice, User
from practices.models.safekeeping import Draft, EncryptionKey, PatientAccess
from practices.models.sessions import Guess, Session
from practices.models.undo import UndoableAct

__all__ = [
    "AuditEntry",
    "Cover",
    "Digest",
    "Draft",
    "EncryptionKey",
    "Guess",
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
    "Session",
    "SignInEvent",
    "UndoableAct",
    "User",
    "practice_manager",
]
