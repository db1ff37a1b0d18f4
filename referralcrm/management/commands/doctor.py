"""Says what is wrong with this installation, and how to mend it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from referralcrm.doctor import background, configuration, database, machine, walls
from referralcrm.doctor.findings import Finding, Level, looked


class Command(BaseCommand):
    help = (
        "Say what is wrong with this installation and how to mend it. Exits with 1 when something is wrong."
    )
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        found = list(findings())
        for finding in found:
            self.stdout.write(str(finding))
        counts = {level: sum(finding.level is level for finding in found) for level in Level}
        self.stdout.write(", ".join(f"{count} {level}" for level, count in counts.items()))
        if counts[Level.WRONG]:
            raise SystemExit(1)


def findings() -> Iterator[Finding]:
    """Look at everything; at what lies in the database only where it answers."""
    reached = database.can_be_reached()
    yield reached
    if reached.level is not Level.WRONG:
        yield from looked(database.CHECKS)
        yield from looked(walls.CHECKS)
    yield from looked(background.CHECKS)
    yield from looked(configuration.CHECKS)
    yield from looked(_of_this_machine())


def _of_this_machine() -> Iterator[Any]:
    for folder in _folders():
        yield partial(machine.disk_has_room, folder)
    for file in _files_of_keys():
        yield partial(machine.keys_are_nobody_else_s, file)
    yield partial(machine.backup_is_recent, Path(settings.BACKUP_DIR) if settings.BACKUP_DIR else None)


def _files_of_keys() -> list[Path]:
    names = ("KEYS_FILE", "PATIENT_DATA_KEYS_FILE", "BLIND_INDEX_KEY_FILE")
    named = [getattr(settings, name, "") for name in names]
    if not settings.BACKUP_RECIPIENTS:
        named.append(settings.BACKUP_KEY_FILE)
    return [Path(name) for name in dict.fromkeys(named) if name]


def _folders() -> set[Path]:
    named = (settings.STATIC_ROOT, settings.BACKUP_DIR)
    return {Path(folder).resolve() for folder in named if folder and Path(folder).is_dir()}
