"""`python manage.py import_specialties FILE --practice ID`"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from contacts.specialties import import_specialties
from practices.isolation import practice_scope
from practices.models import Practice


class Command(BaseCommand):
    help = "Add the specialties of a NUCC taxonomy CSV file, which you license and download yourself."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--practice", type=int, required=True, help="the practice's number")

    def handle(self, *, file, practice, **options):
        found = Practice.objects.filter(pk=practice).first()
        if found is None:
            raise CommandError(f"There is no practice {practice}.")
        try:
            lines = _text(file).splitlines(keepends=True)
            with practice_scope(found):
                result = import_specialties(lines)
        except (OSError, ValueError) as error:
            raise CommandError(f"{file}: {error}") from error
        for error in result.errors:
            self.stderr.write(error)
        self.stdout.write(f"{found.name}: {result.added} added, {result.renamed} renamed.")
        if result.errors:
            raise CommandError(f"{len(result.errors)} lines were left out.")


def _text(file):
    """NUCC's files have come as UTF-8 with a mark and as Windows-1252."""
    data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
