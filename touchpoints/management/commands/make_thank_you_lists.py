"""By hand what the tick does by itself."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import Practice
from practices.weeks import Week
from touchpoints.thank_you_lists import WeekNotEnded, make_thank_you_lists


class Command(BaseCommand):
    help = "Make the thank-you lists of a week, and of earlier weeks that have none. Running it again adds nothing."

    def add_arguments(self, parser):
        parser.add_argument("--week", required=True, help="such as 2026-W47; it must have ended")
        parser.add_argument("--practice", type=int, help="one practice's id (default: every practice)")

    def handle(self, *args, week, practice, **options):
        try:
            wanted = Week.parse(week)
        except ValueError as error:
            raise CommandError(str(error)) from error
        practices = Practice.objects.order_by("pk")
        if practice is not None:
            practices = practices.filter(pk=practice)
            if not practices:
                raise CommandError(f"There is no practice {practice}.")
        for one in practices:
            with practice_scope(one):
                try:
                    made = make_thank_you_lists(week=wanted, now=timezone.now())
                except WeekNotEnded as error:
                    raise CommandError(
                        f"{wanted} has not ended yet in {one.name} ({one.time_zone})."
                    ) from error
            self.stdout.write(f"{one.name}: {made} lists made through {wanted}")
