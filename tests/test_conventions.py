"""What the house asks of every table, view and template, read from the database's catalogue and the code."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from practices.isolation import PracticeForeignKey, SamePractice
from practices.models import AuditEntry, PracticeDetail, PracticeModel

ROOT = Path(settings.BASE_DIR)
APPS = ("practices", "contacts", "touchpoints", "exchange", "insights")
TABLES = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, PracticeModel))
REFERENCES = [
    (model, field)
    for model in apps.get_models()
    if issubclass(model, PracticeModel)
    for field in model._meta.concrete_fields
    if isinstance(field, PracticeForeignKey)
]

# Outside row security, and without patient data. Another line here needs a reason in docs/security.md.
UNSCOPED = {
    "account_emailaddress",  # allauth's
    "account_emailconfirmation",
    "mfa_authenticator",
    "auth_group",  # unused, but Django's
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
    "django_session",  # empty: ours says more
    "practices_encryptionkey",
    "practices_guess",
    "practices_linktoken",
    "practices_outboxenvelope",
    "practices_practice",
    "practices_session",
    "practices_user",
}
POLICY = "(practice_id = (NULLIF(current_setting('app.practice_id'::text, true), ''::text))::bigint)"

USER_POLICY = "(user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::bigint)"

each_table = pytest.mark.parametrize("table", TABLES)


def ask(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall()


@pytest.mark.django_db
class TestTables:
    def test_all_but_a_few_are_under_row_security(self):
        tables = ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in tables} == set(TABLES) | UNSCOPED

    @each_table
    def test_row_security_is_forced_by_the_practice(self, table):
        security = ask("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", table)
        assert security == [(True, True)]
        policies = {
            name: (command, using, check)
            for name, command, using, check in ask(
                "SELECT policyname, cmd, qual, with_check FROM pg_policies WHERE tablename = %s", table
            )
        }
        assert policies.pop("of_this_practice") == ("ALL", POLICY, POLICY)
        # A user's own seats, before one is entered; and what the owner's functions write into the trail.
        expected = {
            "practices_member": {"of_its_user": ("SELECT", USER_POLICY, None)},
            "practices_auditentry": {"written_by_the_database": ("INSERT", None, "true")},
        }
        assert policies == expected.get(table, {})

    def test_every_table_with_a_practice_is_one_of_them(self):
        rows = ask(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'practice_id'"
        )
        # Envelopes and tokens are sent and opened before a practice is entered.
        assert {name for (name,) in rows} - set(TABLES) == {"practices_linktoken", "practices_outboxenvelope"}

    @each_table
    def test_every_index_is_led_by_the_practice(self, table):
        indexes = ask(
            "SELECT i.indexrelid::regclass::text, a.attname, i.indisprimary FROM pg_index i"
            " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = %s::regclass",
            table,
        )
        others = [
            (name, led_by) for name, led_by, is_key in indexes if not is_key and led_by != "practice_id"
        ]
        # A sign-in looks a user's seats up before any practice is entered.
        allowed = {("practices_member", "user_id")}
        assert {(table, led_by) for _, led_by in others} <= allowed, others

    @pytest.mark.parametrize(("model", "field"), REFERENCES, ids=str)
    def test_every_reference_is_a_composite_key(self, model, field):
        names = {
            c.name for c in model._meta.constraints if isinstance(c, SamePractice) and c.field == field.name
        }
        assert names, f"{field} needs a SamePractice constraint"
        found = ask(
            "SELECT confrelid::regclass::text, convalidated, condeferrable, condeferred,"
            " ARRAY(SELECT a.attname::text FROM unnest(conkey) WITH ORDINALITY k(n, o)"
            "       JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.n ORDER BY o),"
            " ARRAY(SELECT a.attname::text FROM unnest(confkey) WITH ORDINALITY k(n, o)"
            "       JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.n ORDER BY o)"
            " FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass AND conname = ANY(%s)",
            model._meta.db_table,
            list(names),
        )
        target = field.related_model._meta.db_table
        assert found == [(target, True, True, False, ["practice_id", field.column], ["practice_id", "id"])]

    @each_table
    def test_every_row_belongs_to_a_practice_that_exists(self, table):
        """By a key of its own, or of a row that it can't be without."""
        (model,) = (model for model in apps.get_models() if model._meta.db_table == table)
        keys = ask(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass"
            " AND confrelid = 'practices_practice'::regclass",
            table,
        )
        if model is AuditEntry:  # by the row it is about: no role but the owner's functions writes it
            return
        assert keys == [(0 if issubclass(model, PracticeDetail) else 1,)]
        hangs_on = [field for of, field in REFERENCES if of is model and not field.null]
        assert keys == [(1,)] or hangs_on, f"nothing vouches for the practice of {table}"

    def test_no_reference_between_practices_tables_is_a_plain_key(self):
        plain = ask(
            "SELECT conrelid::regclass::text, confrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'f' AND cardinality(conkey) = 1"
        )
        assert [row for row in plain if row[0] in TABLES and row[1] in TABLES] == []


@pytest.mark.django_db
class TestTheApplicationsRole:
    def test_is_the_one_that_runs_the_tests(self):
        assert ask("SELECT current_user, session_user") == [(settings.APP_DATABASE_ROLE,) * 2]

    def test_can_bypass_nothing(self):
        rights = ask(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert rights == [(False,) * 4]
        assert ask("SELECT 1 FROM pg_auth_members WHERE member = current_user::regrole") == []

    def test_owns_nothing(self):
        assert ask("SELECT relname FROM pg_class WHERE relowner = current_user::regrole") == []
        assert ask("SELECT nspname FROM pg_namespace WHERE nspowner = current_user::regrole") == []

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE practices_patientaccess SET page = ''",
            "DELETE FROM practices_patientaccess",
            "TRUNCATE practices_patientaccess",
            "UPDATE practices_signinevent SET address = NULL",
            "DELETE FROM practices_signinevent",
            "INSERT INTO practices_auditentry (practice_id) VALUES (1)",
            "UPDATE practices_auditentry SET changes = NULL",
            "DELETE FROM practices_auditentry",
            "TRUNCATE practices_auditentry",
            "ALTER TABLE contacts_provider DISABLE TRIGGER audit_update",
            "DROP TRIGGER audit_update ON contacts_provider",
            "CREATE TEMP TABLE mine (id bigint, practice_id bigint);"
            " CREATE TRIGGER forge AFTER INSERT ON mine REFERENCING NEW TABLE AS after_it"
            " FOR EACH STATEMENT EXECUTE FUNCTION practices_write_down('{}', '{}')",
            "TRUNCATE contacts_referral CASCADE",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', now())",
            "DELETE FROM django_migrations",
            "ALTER TABLE practices_location NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY of_this_practice ON practices_location",
            "CREATE TABLE mine (id int)",
            "SET ROLE " + '"' + settings.OWNER_DATABASE_ROLE + '"',
        ],
    )
    def test_is_refused(self, statement):
        refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def sources() -> list[Path]:
    """Our own Python, migrations left aside."""
    folders = [ROOT / app for app in (*APPS, "referralcrm")]
    return sorted(p for folder in folders for p in folder.rglob("*.py") if "migrations" not in p.parts)


def templates() -> list[Path]:
    return sorted(p for p in (ROOT / "templates").rglob("*") if p.suffix in (".html", ".txt"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_source = pytest.mark.parametrize("path", sources(), ids=name_of)
each_page = pytest.mark.parametrize(
    "path", [p for p in templates() if p.suffix == ".html" and "email" not in p.parts], ids=name_of
)

# Where the clock may be read: what people and the worker call, the frame around it, and its stamps.
READ_THE_CLOCK = re.compile(
    r"/views/|/views\.py$|/pages\.py$|/tasks\.py$|/management/commands/|referralcrm/(health|doctor|embedded)"
    r"|practices/(middleware|drafts|sign_in)\.py$|practices/models/people\.py$"
)


@each_source
def test_no_rule_asks_the_clock(path):
    if READ_THE_CLOCK.search(name_of(path)):
        return
    clock = re.compile(r"\b(timezone\.(now|localdate|localtime)|datetime\.now|date\.today|time\.time)\(")
    assert not clock.search(path.read_text())


@each_source
def test_no_rule_hangs_on_a_signal(path):
    signals = re.compile(r"django\.db\.models\.signals|@receiver\b|dispatch import Signal")
    # Grants must stand before anything is migrated: that is about the database, not about a referral.
    if name_of(path) != "practices/apps.py":
        assert not signals.search(path.read_text())


@each_source
def test_every_public_view_says_why(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.strip() == "@login_not_required":
            assert lines[number - 1].strip().startswith("# "), f"line {number + 1} needs its reason above"


@each_source
def test_every_public_function_is_typed_and_says_what_it_does(path):
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert node.returns is not None, f"{node.name} returns what?"
        assert all(argument.annotation for argument in arguments), f"{node.name} takes what?"


@each_source
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def test_no_module_is_a_drawer():
    drawers = {"utils", "helpers", "services", "common", "misc"}
    assert [name_of(path) for path in sources() if path.stem in drawers] == []


@each_page
def test_no_page_has_inline_code_or_style(path):
    inline = re.compile(
        r"<style\b|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|\shx-on|javascript:", re.IGNORECASE
    )
    assert not inline.search(path.read_text())


@each_page
def test_every_fragment_says_what_it_needs(path):
    if path.name.startswith("_"):
        assert path.read_text().startswith("{# needs: ")


@each_page
def test_no_page_names_another_host(path):
    assert not re.search(r"""(?:src|href|action)=["']https?://""", path.read_text())


def test_nothing_fetches_an_address():
    """No user's address can make the server ask another host (SSRF): the program has nothing that would."""
    fetchers = {
        "urllib.request",
        "http.client",
        "httpx",
        "requests",
        "aiohttp",
        "urllib3",
        "ftplib",
        "socket",
        "telnetlib",
    }
    found = {
        (name_of(path), name)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported_by(node)
        if name in fetchers
    }
    # The single machine's supervisor and doctor ask this machine's own servers.
    assert {
        name for path, name in found if not path.startswith(("referralcrm/embedded/", "referralcrm/doctor/"))
    } == set()


def imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
