"""The trail tells everything that happened to the rows, and nothing else; nobody changes it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from contacts import referral_way
from contacts.models import Office, OfficeContact, Provider, Referral
from practices.acting import acting
from practices.encryption import EncryptedTextField
from practices.isolation import because, practice_scope
from practices.models import AuditEntry, Location, Practice, PracticeModel
from practices.roles import Role
from tests import make
from tests.counts import examples
from tests.practices.any_row import any_row

pytestmark = pytest.mark.django_db

# Not in the trail, each with its reason.
LEFT_OUT = {
    "practices_auditentry": "the trail itself",
    "practices_patientaccess": "a log of its own, which nobody changes either",
    "practices_signinevent": "a log of its own, which nobody changes either",
    "insights_counting": "figures: counted again from the rows at any time",
    "insights_dailyfigures": "figures: counted again from the rows at any time",
    "insights_sourcefigures": "figures: counted again from the rows at any time",
    "insights_uncounted": "what is to be counted again",
}
MODELS = [model for model in apps.get_models() if issubclass(model, PracticeModel) or model is Practice]
AUDITED = [model for model in MODELS if model._meta.db_table not in LEFT_OUT]
DERIVED = {
    "exchange_import": {"added_ids", "added_provider_ids", "added_office_ids"},
    "contacts_office": {"search"},
    "contacts_provider": {"search"},
    "practices_draft": {"data", "kept_at"},
}
# What is said of the patient, though it stands in clear.
OF_THE_PATIENT = {
    "contacts_referral": {"payer", "source_number"},
    "touchpoints_returnreferral": {"zip_code", "language", "payer"},
}

Rows = dict[tuple[str, int], dict[str, Any]]


def ask(sql: str, *params: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []


def hidden_columns(table: str) -> set[str]:
    columns = ask(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND data_type = 'bytea'",
        table,
    )
    return {name for (name,) in columns} | OF_THE_PATIENT.get(table, set())


@pytest.fixture
def practice() -> Practice:
    return make.practice()


class TestEveryTable:
    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
    def test_is_in_the_trail_or_says_why_not(self, model):
        table = model._meta.db_table
        triggers = ask(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'audit%%'"
            " AND tgenabled = 'O'",
            table,
        )
        acts = {"insert", "update", "delete", "truncate"}
        assert {name for (name,) in triggers} == (
            set() if table in LEFT_OUT else {f"audit_{act}" for act in acts}
        ), f"a migration puts `audited('{table}')` (practices/audit_triggers.py) on it"

    @pytest.mark.parametrize("model", AUDITED, ids=lambda model: model._meta.db_table)
    def test_keeps_to_itself_what_is_encrypted_or_of_a_patient(self, practice, model):
        table = model._meta.db_table
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, EncryptedTextField | models.BinaryField) or field.name.startswith("patient_")
        ]
        assert {field.column for field in fields} <= hidden_columns(table)
        with practice_scope(practice):
            row = practice if model is Practice else any_row(model, practice)
            for field in fields:
                ask(f"UPDATE {table} SET {field.column} = 'k1:Secret'::bytea WHERE id = %s", row.pk)
                said = AuditEntry.objects.order_by("id").last()
                is_derived = field.column in DERIVED.get(table, ())
                assert is_derived or (said.operation, said.changes) == ("update", {field.column: None})
            if fields:
                with transaction.atomic():
                    ask(f"DELETE FROM {table} WHERE id = %s", row.pk)
                    gone = AuditEntry.objects.filter(operation="delete", table_name=table).last()
                    assert gone and not {field.column for field in fields} & gone.changes.keys()
                    transaction.set_rollback(True)
            assert "Secret" not in whole_trail() and b"Secret".hex() not in whole_trail()

    def test_of_clear_columns_those_of_a_patient_are_hidden_too(self, practice):
        manager = make.member(Role.MANAGER, practice)
        with practice_scope(practice):
            referral = make.referral(by=manager, payer="Testpayer", source_number="EHR-4711")
            Referral.objects.update(payer="Otherpayer", source_number="EHR-4712")
            changed = AuditEntry.objects.order_by("id").last()
            assert changed.changes == {"payer": None, "source_number": None}
            referral.delete()
            assert not any(word in whole_trail() for word in ("Testpayer", "Otherpayer", "EHR-471"))


def whole_trail() -> str:
    return "\n".join(text for (text,) in ask("SELECT e::text FROM practices_auditentry e"))


class TestWho:
    def test_a_task_a_command_and_a_reason_are_said(self, practice):
        with acting(through="remind", request_id="t" * 32), practice_scope(practice):
            with because("import 7"):
                Location.objects.create(name="Elm Street")
            Location.objects.update(city="Salem")
            first, second = AuditEntry.objects.filter(table_name="practices_location").order_by("id")
        assert (first.through, first.request_id, first.reason) == ("remind", "t" * 32, "import 7")
        assert (second.through, second.reason, second.member_id) == ("remind", "", None)
        assert first.transaction_id == second.transaction_id

    def test_a_row_made_before_its_practice_is_entered_is_its_practices(self):
        practice = make.practice()
        with practice_scope(practice):
            (entry,) = AuditEntry.objects.filter(table_name="practices_practice")
        assert (entry.operation, entry.row_id) == ("insert", practice.pk)


# --- The property: what happens to rows at random, against what the trail says of it.

TABLES = ["practices_location", "contacts_office", "contacts_officecontact", "contacts_provider"]
TABLES += ["contacts_provideroffice", "contacts_referral", "contacts_referralstep"]
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
number = st.integers(0, 30)


class Scene:
    """A practice whose rows are changed in every way there is."""

    def __init__(self) -> None:
        self.practice = make.practice()
        self.member = make.member(Role.MANAGER, self.practice)
        self.count = 0
        self.patients: list[str] = []

    def name(self) -> str:
        self.count += 1
        return f"Row {self.count}"

    def patient(self) -> str:
        """A name that can't stand in the trail by chance."""
        self.count += 1
        self.patients.append(f"Patientname{self.practice.pk}x{self.count}")
        return self.patients[-1]

    def some(self, model: type[models.Model], chosen: int) -> Any:
        """One of its rows, if there is one."""
        ids = list(model.objects.order_by("pk").values_list("pk", flat=True))
        return model.objects.get(pk=ids[chosen % len(ids)]) if ids else None


def save(scene: Scene, chosen: int, text: str) -> None:
    row = scene.some(Location, chosen) or Location(name=scene.name())
    row.city, row.street = text[:100], row.city
    row.save()


def save_again(scene: Scene, chosen: int, text: str) -> None:
    if row := scene.some(Provider, chosen):
        row.save()  # nothing is changed


def delete(scene: Scene, chosen: int, text: str) -> None:
    if row := scene.some(Location, chosen):
        row.delete()


def delete_with_what_hangs_on_it(scene: Scene, chosen: int, text: str) -> None:
    if row := scene.some(Office, chosen):
        Referral.objects.filter(office=row).delete()
        row.delete()


def bulk_create(scene: Scene, chosen: int, text: str) -> None:
    Location.objects.bulk_create([Location(name=scene.name(), city=text) for _ in range(chosen)])


def bulk_create_people(scene: Scene, chosen: int, text: str) -> None:
    office = make.office(scene.name())
    OfficeContact.objects.bulk_create(
        [OfficeContact(office=office, name=scene.name()) for _ in range(chosen)], batch_size=4
    )
    make.provider(scene.name(), at=office)


def bulk_update(scene: Scene, chosen: int, text: str) -> None:
    rows = list(Provider.objects.all())
    for place, row in enumerate(rows):
        row.phone = text[:30] if place % 2 else row.phone
        row.tier = "ABC"[chosen % 3]
    Provider.objects.bulk_update(rows, ["phone", "tier"])


def update(scene: Scene, chosen: int, text: str) -> None:
    Office.objects.filter(pk__gt=chosen).update(notes=text, name=models.functions.Lower("name"))


def upsert(scene: Scene, chosen: int, text: str) -> None:
    rows = [Location(name=row.name, city=text) for row in Location.objects.all()[:chosen]]
    rows.append(Location(name=scene.name()))
    sql = (
        "INSERT INTO practices_location (practice_id, name, city, street, state, zip_code, phone)"
        " VALUES (%s, %s, %s, '', '', '', '')"
        " ON CONFLICT (practice_id, lower(name)) DO UPDATE SET city = excluded.city"
    )
    for row in rows:
        ask(sql, scene.practice.pk, row.name, text)


def raw_insert(scene: Scene, chosen: int, text: str) -> None:
    ask(
        "INSERT INTO contacts_officecontact (practice_id, office_id, name, job, phone, email, notes)"
        " SELECT practice_id, id, name, %s, phone, '', '' FROM contacts_office",
        text,
    )


def raw_update(scene: Scene, chosen: int, text: str) -> None:
    ask(
        "UPDATE contacts_provider p SET personal_notes = %s, languages = ARRAY[o.name]"
        " FROM contacts_provideroffice w JOIN contacts_office o ON o.id = w.office_id WHERE w.provider_id = p.id",
        text,
    )


def raw_number(scene: Scene, chosen: int, text: str) -> None:
    if row := scene.some(Location, chosen):
        ask("UPDATE practices_location SET id = id + 1000000000, city = %s WHERE id = %s", text, row.pk)


def raw_delete(scene: Scene, chosen: int, text: str) -> None:
    ask("DELETE FROM contacts_officecontact WHERE id %% 3 = %s", chosen % 3)


def raw_merge(scene: Scene, chosen: int, text: str) -> None:
    ask(
        "MERGE INTO practices_location l USING (SELECT id, name FROM practices_location) s ON l.id = s.id"
        " WHEN MATCHED AND l.id %% 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET phone = %s",
        str(chosen),
    )


def with_query(scene: Scene, chosen: int, text: str) -> None:
    ask(
        "WITH gone AS (DELETE FROM practices_location WHERE id %% 4 = %s RETURNING practice_id, name, state)"
        " INSERT INTO practices_location (practice_id, name, street, city, state, zip_code, phone)"
        " SELECT practice_id, name || '+', '', '', state, '', '' FROM gone",
        chosen % 4,
    )


def log_referral(scene: Scene, chosen: int, text: str) -> None:
    known = {"provider": scene.some(Provider, chosen)} if Provider.objects.exists() else {}
    make.referral(
        scene.member,
        patient_family_name=scene.patient(),
        patient_given_name=scene.patient(),
        reason=scene.patient(),
        **known,
    )


def edit_patient(scene: Scene, chosen: int, text: str) -> None:
    row = scene.some(Referral, chosen)
    if row and not row.withdrawn_at:
        values = {"patient_family_name": scene.patient(), "patient_chart_number": scene.patient()}
        referral_way.edit(row, by=scene.member, now=make.NOW, **values)


def withdraw(scene: Scene, chosen: int, text: str) -> None:
    row = scene.some(Referral, chosen)
    if row and not row.withdrawn_at:
        referral_way.withdraw(row, by=scene.member, now=make.NOW, reason=scene.patient())


ACTS: list[Callable[[Scene, int, str], None]] = [
    save, save_again, delete, delete_with_what_hangs_on_it, bulk_create, bulk_create_people, bulk_update, update,
    upsert, raw_insert, raw_update, raw_number, raw_delete, raw_merge, with_query, log_referral, edit_patient,
    withdraw,
]  # fmt: skip
acts = st.tuples(st.sampled_from(ACTS), number, words)
steps = st.tuples(
    st.sampled_from(["done", "in a savepoint", "rolled back"]), st.lists(acts, min_size=1, max_size=4)
)


@given(st.lists(steps, min_size=1, max_size=8))
@how(max_examples=examples(25, full=500), deadline=None, suppress_health_check=list(HealthCheck))
def test_the_trail_tells_what_happened_and_nothing_else(story):
    scene = Scene()
    with practice_scope(scene.practice):
        before, last = snapshot(), newest()
        for way, acts in story:
            take(scene, way, acts)
            after, entries = snapshot(), entries_after(last)
            if way == "rolled back":
                assert (after, entries) == (before, [])
            compare(before, entries, after)
            before, last = after, newest()
        replayed = replay_from_nothing()
        assert replayed == {key for key in before if key[0] in TABLES}
        text = whole_trail()
        assert not [name for name in scene.patients if name.lower() in text.lower()]
        assert not [value for value in ciphertexts() if value in text]
    with practice_scope(make.practice()):
        assert not AuditEntry.objects.filter(table_name__in=TABLES).exists()


class TakenBack(Exception):
    pass


def take(scene: Scene, way: str, acts: list[tuple[Callable, int, str]]) -> None:
    def all_of_them() -> None:
        for act, chosen, text in acts:
            act(scene, chosen, text)

    if way == "done":
        all_of_them()
    elif way == "in a savepoint":
        with transaction.atomic():
            all_of_them()
    else:
        with pytest.raises(TakenBack), transaction.atomic():
            all_of_them()
            raise TakenBack


def snapshot() -> Rows:
    """Every row as it stands, derived columns left out, by table and number."""
    return {
        (table, row["id"]): {name: value for name, value in row.items() if name not in DERIVED.get(table, ())}
        for table in TABLES
        for row in rows_of(table)
    }


def rows_of(table: str) -> list[dict[str, Any]]:
    return [json.loads(row) for (row,) in ask(f"SELECT to_jsonb(t) FROM {table} t")]


def newest() -> int:
    return AuditEntry.objects.order_by("id").values_list("pk", flat=True).last() or 0


def entries_after(last: int) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(pk__gt=last, table_name__in=TABLES).order_by("id"))


def ids_of(entry: AuditEntry) -> list[int]:
    found = [pk for part in entry.row_ids or [] for pk in part] or [entry.row_id]
    assert len(found) == entry.rows and found[0] == entry.row_id
    return found


def compare(before: Rows, entries: list[AuditEntry], after: Rows) -> None:
    """From what stood before, the entries lead to what stands after: each old value is the one that stood there."""
    rows = {key: visible(key[0], row) for key, row in before.items()}
    touched: set[tuple[str, int, str]] = set()
    for entry in entries:
        for pk in ids_of(entry):
            apply(entry, (entry.table_name, pk), rows, touched)
    assert rows.keys() == after.keys()
    for key, row in rows.items():
        stands = visible(key[0], after[key])
        assert {name: stands[name] for name in row} == row
        if key in before:
            assert row.keys() == stands.keys()
            for name in hidden_columns_of(key[0]):
                assert before[key][name] == after[key][name] or (*key, name) in touched


def apply(entry: AuditEntry, key: tuple[str, int], rows: Rows, touched: set) -> None:
    if entry.operation == "insert":
        assert key not in rows
        rows[key] = {}  # what it holds stands in the row
    elif entry.operation == "delete":
        stood = rows.pop(key)
        assert {name: entry.changes[name] for name in stood} == stood
        assert not hidden_columns_of(key[0]) & entry.changes.keys()
    else:
        assert entry.operation == "update" and entry.changes
        for name, value in entry.changes.items():
            if name in hidden_columns_of(key[0]):
                assert value is None
                touched.add((*key, name))
            else:
                old, new = value
                assert old != new and rows[key].get(name, old) == old
                rows[key][name] = new


_hidden: dict[str, set[str]] = {}


def hidden_columns_of(table: str) -> set[str]:
    return _hidden.setdefault(table, hidden_columns(table))


def visible(table: str, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in hidden_columns_of(table)}


def replay_from_nothing() -> set[tuple[str, int]]:
    """The rows that the whole trail of the practice leaves."""
    rows: set[tuple[str, int]] = set()
    for entry in entries_after(0):
        keys = {(entry.table_name, pk) for pk in ids_of(entry)}
        if entry.operation == "insert":
            rows |= keys
        elif entry.operation == "delete":
            assert keys <= rows
            rows -= keys
    return rows


def ciphertexts() -> Iterator[str]:
    for table in ("contacts_referral", "contacts_referralstep"):
        for row in rows_of(table):
            for name in hidden_columns_of(table) - OF_THE_PATIENT.get(table, set()):
                if row[name] and len(row[name]) > 4:
                    yield row[name].removeprefix("\\x")
