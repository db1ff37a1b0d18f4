import logging

import pytest

from referralcrm.log_filters import HideSecretLinks


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("/invitation/fL0nrCv_9-x/", "/invitation/…/"),
        ("/password/reset/2-c5x-0a9b/?next=/", "/password/reset/…/?next=/"),
        ("/calendar/fL0nrCv_9-x.ics", "/calendar/…"),
        ("/calendar/fL0nrCv_9-x", "/calendar/…"),
        ("/f/fL0nrCv_9-x/", "/f/…/"),
        ("/f/fL0nrCv_9-x", "/f/…"),
        ("/mail/stop/fL0nrCv_9-x/", "/mail/stop/…/"),
        ("/referrals/12/", "/referrals/12/"),
    ],
)
def test_a_secret_link_is_logged_without_its_secret(address, logged):
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "%s: %s", ("Not Found", address), None
    )
    assert HideSecretLinks().filter(record)
    assert record.getMessage() == f"Not Found: {logged}"
