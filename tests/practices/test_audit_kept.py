"""The logs: not even the tables' owner changes, removes or empties them, but for what is older than six years."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from practices.audit_trail import forget_old_entries
from practices.isolation import practice_scope
from practices.models import AuditEntry, Location, Member, PatientAccess, Practice, SignInEvent
from practices.roles import Role
from tests import make
from tests.practices.test_audit_trail import ask


@contextmanager
def owner() -> Iterator[Any]:
    """A cursor of the owner's role, each statement for itself."""
    link = psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=settings.OWNER_DATABASE["USER"],
        password=settings.OWNER_DATABASE["PASSWORD"] or None,
        host=settings.OWNER_DATABASE["HOST"] or None,
        port=settings.OWNER_DATABASE["PORT"] or None,
    )
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            yield cursor
    finally:
        link.close()


LOGS = ["practices_auditentry", "practices_patientaccess", "practices_signinevent"]


@pytest.mark.django_db(transaction=True)
class TestNobody:
    @pytest.fixture
    def written(self):
        """A practice with a row in each log."""
        practice = make.practice()
        manager = make.member(Role.MANAGER, practice)
        with practice_scope(practice):
            Location.objects.create(name="Elm Street")
            PatientAccess.objects.create(member=manager, act="viewed", page="referral")
            SignInEvent.objects.create(member=manager, act="signed_in")
        return practice, manager

    def test_not_even_the_owner_changes_removes_or_empties_a_log(self, written):
        practice, _manager = written
        with owner() as cursor:
            cursor.execute("SELECT set_config('app.practice_id', %s, false)", [str(practice.pk)])
            for log in LOGS:
                for statement in (f"UPDATE {log} SET at = now()", f"DELETE FROM {log}", f"TRUNCATE {log}"):
                    with pytest.raises(
                        psycopg2.errors.InsufficientPrivilege, match=r"never changed|truncated"
                    ):
                        cursor.execute(statement)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="truncated"):
                cursor.execute("TRUNCATE practices_location CASCADE")

    def test_what_is_older_than_six_years_goes_by_the_one_door_and_no_other_row(self, written):
        practice, manager = written
        with owner() as cursor:
            cursor.execute("SELECT set_config('app.practice_id', %s, false)", [str(practice.pk)])
            for years in (5, 7):
                moment = make.NOW - timedelta(days=1 + 365 * years + 2)
                self.write_at(cursor, moment, practice, manager)
        with practice_scope(make.practice()):
            assert forget_old_entries() == 0
        with practice_scope(practice):
            assert forget_old_entries() == 3
            assert forget_old_entries() == 0
            for log in LOGS:
                years = {at.year for (at,) in ask(f"SELECT at FROM {log}")}
                assert min(years) == make.NOW.year - 5

    def write_at(self, cursor, moment, practice: Practice, manager: Member) -> None:
        cursor.execute(
            "INSERT INTO practices_auditentry (practice_id, at, table_name, operation, rows, request_id, through,"
            " reason, transaction_id) VALUES (%s, %s, 'practices_location', 'insert', 1, '', '', '', 1)",
            [practice.pk, moment],
        )
        cursor.execute(
            "INSERT INTO practices_patientaccess (practice_id, member_id, at, act, page, referral_ids)"
            " VALUES (%s, %s, %s, 'viewed', '', '{}')",
            [practice.pk, manager.pk, moment],
        )
        cursor.execute(
            "INSERT INTO practices_signinevent (practice_id, member_id, at, act, browser, request_id)"
            " VALUES (%s, %s, %s, 'signed_in', '', '')",
            [practice.pk, manager.pk, moment],
        )

    def test_a_change_of_many_rows_after_one_of_a_single_row_keeps_its_pace(self, written):
        """The plan is made for a session's first statement, and kept."""
        practice, _manager = written
        with practice_scope(practice):
            Location.objects.update(city="Salem")
            Location.objects.bulk_create([Location(name=f"Site {number}") for number in range(10_000)], 2_000)
            ask("SET LOCAL statement_timeout = '20s'")
            Location.objects.update(city="Lynn")
            assert (
                AuditEntry.objects.filter(table_name="practices_location", operation="update").count()
                == 10_002
            )
