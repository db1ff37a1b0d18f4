"""The tests run as the application's role, on the servers that `make test` starts beside them.

Several processes may share the tests (`make test` runs one for each core): each has a database and a numbered part
of Valkey of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases

from practices.encryption import verify_keys


def take_own_part_of_valkey(number: int) -> None:
    """Before the first of cache and broker is used."""
    settings.CACHES["default"]["LOCATION"] += f"?db={number}"
    settings.CELERY_BROKER_URL += f"?virtual_host={number}"


if "PYTEST_XDIST_WORKER" in os.environ:
    take_own_part_of_valkey(int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1)


FIRST, LAST = ("faults", "bench", "referralcrm", "seeding"), ("browser",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long for each test comes first, so that no process is left with it alone at the end; the browser's
    last, for its event loop stays: forked processes would then share a connection that Django doesn't find."""
    order = {name: place for place, name in enumerate((*FIRST, "any other", *LAST))}
    here = Path(__file__).parent
    items.sort(key=lambda item: order.get(item.path.relative_to(here).parts[0], order["any other"]))


def reconnect_as(role: str) -> None:
    connection.close()
    connection.settings_dict["USER"] = role
    connection.settings_dict["PASSWORD"] = (
        settings.OWNER_DATABASE if role == settings.OWNER_DATABASE_ROLE else settings.APP_DATABASE
    )["PASSWORD"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> None:
    reconnect_as(settings.OWNER_DATABASE_ROLE)


# pytest-django's own makes no test database when none of the chosen tests has its marks: the browser's tests
# alone would then write into, and empty, the database that DATABASE_URL names.
@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment, django_db_modify_db_settings, django_db_blocker
) -> Iterator[None]:
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False)  # drops what an earlier run left
        reconnect_as(settings.APP_DATABASE_ROLE)
        verify_keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flushed_by_owner)
        yield
    # Not dropped: it goes with its server, and a connection that a thread left open would fail the last test.
    connection.close()


flush = TransactionTestCase._fixture_teardown


def flushed_by_owner(test: TransactionTestCase) -> None:
    """A transactional test ends with TRUNCATE, which the application's role may not."""
    reconnect_as(settings.OWNER_DATABASE_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica"
        )  # the audit trail's triggers refuse it to the owner, too
    flush(test)
    reconnect_as(settings.APP_DATABASE_ROLE)
    verify_keys()


@pytest.fixture(scope="session", autouse=True)
def static_files(tmp_path_factory) -> Path:
    """Pages name their files by the manifest, as in production: one that is missing fails its test."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")
    call_command("collectstatic", interactive=False, verbosity=0)
    return settings.STATIC_ROOT
