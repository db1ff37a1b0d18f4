"""Rewrite all rows under the first key, so that the others may be taken out (docs/keys.md)."""

import time
from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from practices import key_rotation
from practices.encryption import verify_keys, writing_keys
from practices.models import EncryptionKey, Practice

STEP = timedelta(seconds=2)


class Command(BaseCommand):
    help = "Begin to rewrite all rows under the first key, or say how far it is; the tick carries it on."

    def add_arguments(self, parser):
        parser.add_argument(
            "--wait", action="store_true", help="do the work here, until the other keys are retired"
        )
        parser.add_argument("--show", action="store_true", help="begin nothing")

    def handle(self, **options):
        verify_keys()
        if not options["show"]:
            key_rotation.begin(timezone.now())
        if options["wait"]:
            self._work()
        self._tell()

    def _work(self):
        while key_rotation.is_under_way():
            done = sum(key_rotation.rewrite(practice_id, at_once=STEP) for practice_id in self._everybody())
            if done:
                self.stdout.write(f"{done} rows rewritten")
            elif not key_rotation.retire(timezone.now()):
                time.sleep(STEP.total_seconds())

    def _tell(self):
        for key in EncryptionKey.objects.order_by("created_at"):
            if key.key_id in writing_keys():
                say = "writes"
            elif key.retired_at:
                say = "protects nothing: it may be taken out, and kept with the backups that are older than today"
            else:
                say = "still protects rows"
            self.stdout.write(f"{key.key_id}: {say}")
        if key_rotation.is_under_way():
            self._tell_what_is_left()

    def _tell_what_is_left(self):
        counts = {}
        for practice_id in self._everybody():
            for table, count in key_rotation.left(practice_id).items():
                counts[table] = counts.get(table, 0) + count
        for table, count in sorted(counts.items()):
            self.stdout.write(f"  {count} rows of {table} are left")
        if not counts:
            minutes = int(key_rotation.OVERLAP.total_seconds() // 60)
            self.stdout.write(
                f"  no row is left; the other keys are retired {minutes} minutes after the beginning, for whoever"
                " began to write before it"
            )

    def _everybody(self):
        return [None, *Practice.objects.order_by("pk").values_list("pk", flat=True)]
