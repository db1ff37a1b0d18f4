#!/usr/bin/env python
"""Django's command line, with the single machine's own servers found where they run."""

import os
import sys


def main() -> None:
    from referralcrm.embedded.environment import load_environment

    if makes_backup_key(sys.argv):
        make_backup_key()
        return
    load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is missing or malformed: a sentence, no traceback
        sys.exit(str(error))


def makes_backup_key(argv: list[str]) -> bool:
    """Whether that is all that is asked for: it needs no server, and no setting."""
    return argv[1:2] == ["backup"] and any(word.partition("=")[0] == "--make-key" for word in argv)


def make_backup_key() -> None:
    """Make it before anything else is there, as a machine that is set up needs it."""
    from referralcrm.management.commands.backup import Command

    Command().run_from_argv(sys.argv)


if __name__ == "__main__":
    main()
