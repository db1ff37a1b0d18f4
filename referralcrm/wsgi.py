"""The web server's way in: `gunicorn referralcrm.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

application = get_wsgi_application()


def refuse_without_the_right_keys() -> None:
    """Stop a web server whose keys do not open what the database holds. Raises KeysRefused."""
    from django.db import connection

    from practices.encryption import verify_keys

    verify_keys()
    connection.close()  # a server that loads before it forks must not hand one connection to all


refuse_without_the_right_keys()
