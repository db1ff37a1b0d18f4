"""Who is signed in where, and what was tried in vain. Outside row security: both are asked for before anybody is
known."""

from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from practices.models.people import User


class Session(AbstractBaseSession):
    """One browser's session. It ends `SESSION_COOKIE_AGE` after its start, whatever is done in it; signing in
    starts another."""

    KEPT_WHEN_SAVED = ("session_data", "user")

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(default=timezone.now)
    active_at = models.DateTimeField(default=timezone.now)  # what a person did last; polling is not counted
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=300, blank=True)

    @classmethod
    def get_session_store_class(cls) -> type:
        from practices.sessions import SessionStore

        return SessionStore

    def save(self, *args: Any, force_update: bool = False, **kwargs: Any) -> None:
        """An update leaves start, end and activity as they are, which the store does not know."""
        if force_update:
            kwargs.setdefault("update_fields", self.KEPT_WHEN_SAVED)
        super().save(*args, force_update=force_update, **kwargs)


class Guess(models.Model):
    """Tries in vain, one after another, under the keyed hash of whose they are: no address can be read here."""

    subject = models.BinaryField(max_length=32, unique=True)
    failures = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField()
