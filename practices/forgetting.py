"""What is kept for a while and then no longer: drafts, sessions, secret links, the record of mail."""

from datetime import datetime, timedelta

from django.db.models import Q

from practices.audit_trail import forget_old_entries
from practices.drafts import KEPT_FOR as DRAFT_KEPT_FOR
from practices.models import Draft, Guess, LinkToken, OutboxEnvelope, Session
from practices.undo import forget_old_acts

# An expired session still tells whose form was posted after its end (practices.drafts).
SESSION_KEPT_FOR = timedelta(days=1)
MAIL_KEPT_FOR = timedelta(days=90)
GUESSES_KEPT_FOR = timedelta(days=1)


def forget_what_is_old(*, now: datetime) -> None:
    """What the open practice needs no more: drafts, acts too old to undo, and logs older than the six years they are kept."""
    forget_old_drafts(now=now)
    forget_old_acts(now=now)
    forget_old_entries()


def forget_old_drafts(*, now: datetime) -> None:
    """Delete the open practice's drafts that nobody is offered any more."""
    Draft.objects.filter(kept_at__lt=now - DRAFT_KEPT_FOR).delete()


def forget_what_is_over(*, now: datetime) -> None:
    """Delete what belongs to no practice's scope and serves no more."""
    Session.objects.filter(expire_date__lt=now - SESSION_KEPT_FOR).delete()
    LinkToken.objects.filter(expires_at__lt=now).delete()
    Guess.objects.filter(tried_at__lt=now - GUESSES_KEPT_FOR).delete()
    sent = OutboxEnvelope.objects.filter(state=OutboxEnvelope.State.SENT)
    sent.filter(sent_at__lt=now - MAIL_KEPT_FOR).delete()
    unsent = OutboxEnvelope.objects.filter(state__in=["failed", "outdated"])
    no_longer_of_use = Q(state="outdated") | Q(useful_until__isnull=False)
    unsent.filter(no_longer_of_use, created_at__lt=now - MAIL_KEPT_FOR).delete()
