"""The first step of a new installation: a practice, and the link that seats its manager."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from contacts.specialties import add_specialties
from practices.invitations import found_practice
from practices.models.people import this_monday, valid_zone


class Command(BaseCommand):
    help = "Create a practice and print the link with which its first manager chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help='as on its sign: "Harbor Cardiology"')
        parser.add_argument("--time-zone", required=True, help="such as America/New_York")
        parser.add_argument("--manager-email", required=True)
        parser.add_argument("--manager-name", required=True)

    def handle(self, **options: Any) -> None:
        try:
            valid_zone(options["time_zone"])
            validate_email(options["manager_email"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            practice, link = found_practice(
                name=options["name"],
                time_zone=options["time_zone"],
                manager_email=options["manager_email"],
                manager_name=options["manager_name"],
                now=timezone.now(),
                starts_on=this_monday(),
            )
            add_specialties(practice)
        self.stdout.write(f"{practice.name} is practice {practice.pk}. Its manager opens, within seven days:")
        self.stdout.write(link)
