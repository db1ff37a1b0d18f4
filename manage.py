#!/usr/bin/env python
"""Django's command line, with the single machine's own servers found where they run."""

import os
import sys


def main() -> None:
    from referralcrm.embedded.environment import load_environment

    load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is missing or malformed: a sentence, no traceback
        sys.exit(str(error))


if __name__ == "__main__":
    main()
