"""The tests run as the application's role, on the servers that `make test` starts beside them."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from practices.encryption import verify_keys


def reconnect_as(role: str) -> None:
    connection.close()
    connection.settings_dict["USER"] = role
    connection.settings_dict["PASSWORD"] = (
        settings.OWNER_DATABASE if role == settings.OWNER_DATABASE_ROLE else settings.APP_DATABASE
    )["PASSWORD"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings) -> None:
    reconnect_as(settings.OWNER_DATABASE_ROLE)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        reconnect_as(settings.APP_DATABASE_ROLE)
        verify_keys()
    yield
    with django_db_blocker.unblock():
        reconnect_as(settings.OWNER_DATABASE_ROLE)
