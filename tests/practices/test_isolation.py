"""The database keeps one practice's rows from another: by the ORM, by raw SQL, and by what points at what."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, models, transaction
from django_scopes.exceptions import ScopeError

from practices.isolation import (
    PracticeForeignKey,
    WrongPractice,
    current_practice_id,
    link_scope,
    practice_scope,
    set_practice,
)
from practices.models import Location, Member, PatientAccess, Practice, PracticeModel, SignInEvent
from practices.roles import Role
from tests import make
from tests.practices.any_row import any_row

pytestmark = pytest.mark.django_db

MODELS = [model for model in apps.get_models() if issubclass(model, PracticeModel)]
REFERENCES = [
    (model, field)
    for model in MODELS
    for field in model._meta.concrete_fields
    if isinstance(field, PracticeForeignKey)
]

# The key's own refusal, or a check that speaks first; that each key stands, tests/test_conventions.py shows.
REFUSED = (
    "violates foreign key constraint|merge_is_of_one_pair|not_a_double_|"
    "thank_you_decided_by_somebody|thank_you_mailed_is_a_touchpoint|reminder_closed_when_it_says_so|"
    "attendee_is_one_person|gift_share_is_one_person|"
    "touchpoint_corrected_is_withdrawn|feedback_issue_told_after_it_was_resolved"
    "|return_referral_cancelled_"
)

APPEND_ONLY = (PatientAccess, SignInEvent)
# A row of another practice; and the audit trail takes none from the application's role.
NO_ROW_OF_OTHERS = "row-level security|permission denied for table practices_auditentry"

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
each_reference = pytest.mark.parametrize(("model", "field"), REFERENCES, ids=str)


@pytest.fixture
def ours() -> Practice:
    return make.practice("Ours")


@pytest.fixture
def theirs() -> Practice:
    return make.practice("Theirs")


def raw(sql: str, *params: Any) -> int:
    """How many rows the statement saw or touched."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


def raw_copy(row: models.Model, **changes: Any) -> int:
    """INSERT the row once more, some columns changed."""
    table = row._meta.db_table
    changes["id"] = 10_000_000
    return raw(
        f"INSERT INTO {table} SELECT (jsonb_populate_record({table}, %s::jsonb)).* FROM {table} WHERE id = %s",
        json.dumps(changes, default=str),
        row.pk,
    )


def raw_change(row: models.Model, **changes: Any) -> int:
    """UPDATE the row, or where only adding is allowed, add it again."""
    if isinstance(row, APPEND_ONLY):
        return raw_copy(row, **changes)
    columns = ", ".join(f"{name} = %s" for name in changes)
    return raw(f"UPDATE {row._meta.db_table} SET {columns} WHERE id = %s", *changes.values(), row.pk)


def reference_to(row: models.Model, field: PracticeForeignKey, pk: int) -> dict[str, Any]:
    """The change that points a row elsewhere, and the time that a `…_by` is paired with."""
    changes: dict[str, Any] = {field.attname: pk}
    moment = field.name.removesuffix("_by") + "_at"
    if field.name.endswith("_by") and moment in {other.name for other in row._meta.concrete_fields}:
        changes[moment] = make.NOW
    return changes


@each_model
def test_another_practice_finds_no_row(model, ours, theirs):
    with practice_scope(ours):
        row = any_row(model, ours)
        assert model.objects.filter(pk=row.pk).exists()
    with practice_scope(theirs):
        assert not model.objects.filter(pk=row.pk).exists()
        assert not model._base_manager.filter(pk=row.pk).exists()
        assert raw(f"SELECT 1 FROM {model._meta.db_table} WHERE id = %s", row.pk) == 0


@each_model
def test_another_practice_changes_no_row(model, ours, theirs):
    with practice_scope(ours):
        row = any_row(model, ours)
    table = model._meta.db_table
    with practice_scope(theirs):
        for statement in (f"UPDATE {table} SET id = id WHERE id = %s", f"DELETE FROM {table} WHERE id = %s"):
            try:
                assert raw(statement, row.pk) == 0
            except ProgrammingError as error:  # an append-only table refuses its own practice, too
                assert "permission denied" in str(error)
    with practice_scope(ours):
        assert model.objects.filter(pk=row.pk).exists()


@each_model
def test_no_row_can_be_given_to_another_practice(model, ours, theirs):
    with practice_scope(theirs):
        row = any_row(model, theirs)
        with pytest.raises(ProgrammingError, match=NO_ROW_OF_OTHERS):
            raw_copy(row, practice_id=ours.pk)
        row.pk, row.practice_id, row._state.adding = None, ours.pk, True
        with pytest.raises(ProgrammingError, match=NO_ROW_OF_OTHERS), transaction.atomic():
            row.save()


@each_model
def test_outside_a_scope_there_are_no_rows(model, ours):
    with practice_scope(ours):
        row = any_row(model, ours)
    with pytest.raises(ScopeError):
        model.objects.count()
    assert model._base_manager.count() == 0
    assert raw(f"SELECT 1 FROM {model._meta.db_table}") == 0
    row.pk, row._state.adding = None, True
    with pytest.raises(ProgrammingError, match=NO_ROW_OF_OTHERS), transaction.atomic():
        row.save()


@each_reference
def test_no_row_can_point_at_another_practices_row(model, field, ours, theirs):
    with practice_scope(ours):
        target = any_row(field.related_model, ours)
    with practice_scope(theirs):
        row = any_row(model, theirs)
        changes = reference_to(row, field, target.pk)
        with pytest.raises(IntegrityError, match=REFUSED):
            raw_change(row, **changes)
        for name, value in changes.items():
            setattr(row, name, value)
        row.pk, row._state.adding = (None, True) if model in APPEND_ONLY else (row.pk, False)
        with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
            row.save()


def test_entering_another_practice_inside_one_is_refused(ours, theirs):
    with practice_scope(ours), pytest.raises(WrongPractice), practice_scope(theirs):
        pass


def test_a_practice_may_be_entered_again_inside_itself(ours):
    with practice_scope(ours):
        with practice_scope(ours.pk):
            Location.objects.create(name="Inner")
        assert Location.objects.get().name == "Inner"


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.practice_id', true)")
        return cursor.fetchone()[0] or ""


def test_leaving_a_scope_restores_the_one_around_it(ours):
    with practice_scope(ours):
        with practice_scope(ours):
            assert setting() == str(ours.pk)
        assert (setting(), current_practice_id()) == (str(ours.pk), ours.pk)
    assert (setting(), current_practice_id()) == ("", None)


def test_an_error_inside_restores_the_scope_and_takes_the_writes_back(ours):
    with practice_scope(ours):
        with pytest.raises(RuntimeError), practice_scope(ours):
            Location.objects.create(name="Never")
            raise RuntimeError
        assert setting() == str(ours.pk)
        assert not Location.objects.exists()
    assert (setting(), current_practice_id()) == ("", None)


def test_a_secret_link_leaves_the_practice_of_whoever_is_signed_in(ours, theirs):
    with practice_scope(theirs):
        Location.objects.create(name="Theirs")
    with practice_scope(ours):
        with link_scope(theirs.pk):
            assert (setting(), current_practice_id()) == (str(theirs.pk), theirs.pk)
            assert [location.name for location in Location.objects.all()] == ["Theirs"]
        assert (setting(), current_practice_id()) == (str(ours.pk), ours.pk)
        assert not Location.objects.exists()
        with pytest.raises(RuntimeError), link_scope(theirs.pk):
            raise RuntimeError
        assert (setting(), current_practice_id()) == (str(ours.pk), ours.pk)
    with link_scope(theirs.pk):
        assert Location.objects.exists()
    assert (setting(), current_practice_id()) == ("", None)


def test_what_runs_on_commit_is_outside_the_scope(ours, django_capture_on_commit_callbacks):
    seen = []
    with django_capture_on_commit_callbacks(execute=True), practice_scope(ours):
        transaction.on_commit(lambda: seen.append((setting(), current_practice_id())))
    assert seen == [("", None)]


def test_a_user_reads_their_own_seats_before_entering_and_writes_none(ours, theirs):
    mine, colleague = make.member(Role.MANAGER, ours), make.member(Role.PHYSICIAN, ours)
    with practice_scope(theirs):
        second = Member.objects.create(user=mine.user, role=Role.LIAISON)
    set_practice(None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(mine.user_id)])
    assert set(Member._base_manager.values_list("pk", flat=True)) == {mine.pk, second.pk}
    assert Member._base_manager.filter(pk=mine.pk).update(role=Role.LIAISON) == 0
    assert not Member._base_manager.filter(pk=colleague.pk).exists()


def test_entering_a_practice_closes_the_view_of_ones_other_seats(ours, theirs):
    mine = make.member(Role.MANAGER, ours)
    with practice_scope(theirs):
        Member.objects.create(user=mine.user, role=Role.LIAISON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(mine.user_id)])
    with practice_scope(ours):
        assert list(Member._base_manager.values_list("pk", flat=True)) == [mine.pk]
