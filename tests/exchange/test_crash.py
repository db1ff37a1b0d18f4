"""A crash half-way leaves all or nothing, and the same message again completes it. Committed for real."""

import threading
import time

import psycopg2
import pytest
from django.db import InterfaceError, OperationalError, connection

from contacts.models import Office, Provider, Referral, ReferralStep
from exchange import tasks
from exchange.models import Import
from exchange.reviewing import accept_suggestions
from practices.isolation import practice_scope
from tests.exchange.bring import HEADER, NOW, State, checked, line

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
COUNT = 3000
ROWS = HEADER + "".join(line(number, patient=f"TESTPERSON{number}, IDA") for number in range(COUNT))


@pytest.fixture
def waiting(manager):
    source = checked(ROWS, manager)
    with practice_scope(manager.practice):
        accept_suggestions(source)
        source.enter(State.WRITING, now=NOW)
    return source


class Killer(threading.Thread):
    """Ends the database connection of the test as soon as it runs a statement that begins so."""

    def __init__(self, begins: str) -> None:
        super().__init__()
        connection.ensure_connection()
        self.pid, self.begins, self.has_killed = connection.connection.info.backend_pid, begins, False
        self.link = psycopg2.connect(**connection.get_connection_params())
        self.link.autocommit = True

    def run(self) -> None:
        until = time.monotonic() + 60
        with self.link.cursor() as cursor:
            while not self.has_killed and time.monotonic() < until:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid = %s AND state = 'active' AND ltrim(query, E' \\n') LIKE %s",
                    [self.pid, f"{self.begins}%"],
                )
                self.has_killed = cursor.fetchone() is not None
        self.link.close()


@pytest.mark.parametrize("begins", ["COPY incoming", "WITH added AS"])
def test_a_connection_lost_while_writing_leaves_nothing_and_the_next_message_all(manager, waiting, begins):
    killer = Killer(begins)
    killer.start()
    with pytest.raises((OperationalError, InterfaceError)):
        tasks.write_import(manager.practice_id, waiting.pk)
    killer.join()
    connection.close()
    with practice_scope(manager.practice):
        assert Import.objects.get().state == State.WRITING
        for model in (Referral, ReferralStep, Provider, Office):
            assert not model.objects.exists()

    tasks.write_import(manager.practice_id, waiting.pk)
    tasks.write_import(manager.practice_id, waiting.pk)
    with practice_scope(manager.practice):
        assert Import.objects.get().added == Referral.objects.count() == ReferralStep.objects.count() == COUNT


def test_a_job_that_another_worker_holds_is_left_to_it(manager, waiting):
    holder = psycopg2.connect(**connection.get_connection_params())
    with holder, holder.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', %s, true)", [str(manager.practice_id)])
        cursor.execute("SELECT 1 FROM exchange_import WHERE id = %s FOR UPDATE", [waiting.pk])
        tasks.write_import(manager.practice_id, waiting.pk)
        with practice_scope(manager.practice):
            assert not Referral.objects.exists()
    holder.close()
    tasks.write_import(manager.practice_id, waiting.pk)
    with practice_scope(manager.practice):
        assert Referral.objects.count() == COUNT


def test_a_file_deleted_before_it_was_written_is_said_so(manager, waiting):
    with practice_scope(manager.practice):
        waiting.parts.all().delete()
    tasks.write_import(manager.practice_id, waiting.pk)
    with practice_scope(manager.practice):
        source = Import.objects.get()
    assert source.state == State.FAILED
    assert "deleted" in source.failure


def test_an_error_leaves_no_row_of_the_file_in_the_log(manager, waiting, caplog):
    with practice_scope(manager.practice), connection.cursor() as cursor:
        cursor.execute("UPDATE exchange_importfilepart SET content = content || 'wrong'")
    tasks.write_import(manager.practice_id, waiting.pk)
    assert "KeysRefused" in caplog.text
    assert "TESTPERSON" not in caplog.text
    with practice_scope(manager.practice):
        assert Import.objects.get().state == State.FAILED
