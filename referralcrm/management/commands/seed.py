"""Fill the database with invented practices: the demo, or any size."""

from datetime import date
from time import perf_counter

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from referralcrm.seeding.days import last_morning
from referralcrm.seeding.making import seed, seed_demo_if_empty
from referralcrm.seeding.plans import plans_of


class Command(BaseCommand):
    """`seed --demo-if-empty`, or `seed --practices 50 --referrals 200000 --seed 7 --until 2026-11-20`."""

    help = "Fill the database with invented practices (docs/demo.md). Only where DEMO is on."
    requires_system_checks = ()  # `make run` has just migrated, which checks; a second time costs a second

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo-if-empty", action="store_true", help="the demo, unless there is a practice"
        )
        parser.add_argument("--practices", type=int, default=1, help="how many (default 1)")
        parser.add_argument("--referrals", type=int, default=3860, help="in all of them together")
        parser.add_argument("--seed", type=int, default=1, help="another number, other rows")
        parser.add_argument(
            "--until", type=date.fromisoformat, help="the last day, until its morning (default: today)"
        )
        parser.add_argument("--processes", type=int, help="default: as many as there are cores, at most 4")

    def handle(self, **options) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Invented practices are made only where DEMO=1 is set: this may be a real one."
            )
        latest = last_morning(timezone.now())
        until = options["until"] or latest
        if until > latest:
            raise CommandError(f"--until can't lie after {latest}: the morning it ends on must be over.")
        if options["demo_if_empty"]:
            made = seed_demo_if_empty(until)
            self.stdout.write(
                f"{len(made)} invented practices made." if made else "There is a practice already."
            )
            return
        self._seed(**{**options, "until": until})

    def _seed(self, *, practices: int, referrals: int, until: date, **options) -> None:
        if practices < 1 or referrals < practices:
            raise CommandError("At least one practice, and at least one referral for each.")
        since = perf_counter()
        seed(
            plans_of(practices=practices, referrals=referrals),
            seed_number=options["seed"],
            until=until,
            processes=options["processes"],
        )
        took = perf_counter() - since
        self.stdout.write(f"{referrals} referrals in {took:.1f} s: {referrals / took:.0f} a second.")
