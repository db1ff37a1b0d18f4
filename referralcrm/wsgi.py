"""The web server's way in: `gunicorn referralcrm.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

application = get_wsgi_application()
