"""Somebody lost the second factor, and no manager can take it off: the operator does."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from practices.models import User
from practices.second_factors import reset_second_factor
from practices.sign_in import note


class Command(BaseCommand):
    """`reset_second_factor mara@example.org`"""

    help = "Take app, passkeys and recovery codes off an account, and sign it out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that the account signs in with")

    def handle(self, **options) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("No account signs in with this address.")
        if not reset_second_factor(user, by=None, now=timezone.now()):
            self.stdout.write("There was no second factor. The account is signed out everywhere.")
            return
        note("second factor reset by the operator", user=user)
        self.stdout.write(
            "Done: the password alone opens the account until a new one is set up. Told by mail."
        )
