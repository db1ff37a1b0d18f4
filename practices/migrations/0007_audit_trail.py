import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import practices.isolation
import practices.models.audit
from practices.audit_triggers import audited, kept_for_six_years
from practices.isolation import append_only, row_security

# The function runs as the owner: the application's role may read the trail, and write nothing into it by itself.
# Its plans are made for the first statement of a session, of one row perhaps, and kept: a full join is hashed anyway.
WHO = """acting_member, acting_address, left(acting_request, 64), left(acting_through, 120), left(acting_reason, 200),
            pg_current_xact_id()::text::bigint"""
COLUMNS = "practice_id, at, table_name, operation, row_id, rows, {0}, member_id, address, request_id, through, reason, transaction_id"
ACTOR = """
    actor jsonb := coalesce(nullif(current_setting('app.actor', true), ''), '{}');
    acting_member bigint := actor->>'member_id';
    acting_address inet := actor->>'address';
    acting_request text := coalesce(actor->>'request_id', '');
    acting_through text := coalesce(actor->>'through', '');
    acting_reason text := coalesce(actor->>'reason', '');"""
WRITE_DOWN = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE{actor}
    derived_columns text[] := TG_ARGV[0];
    hidden_columns text[] := TG_ARGV[1];
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- One entry for all: what they hold stands in the rows, until a change keeps it.
        INSERT INTO practices_auditentry ({columns_of_many})
        SELECT practice, clock_timestamp(), TG_TABLE_NAME, 'insert', min(first), sum(size),
            CASE WHEN sum(size) > 1 THEN range_agg(int8range(first, last, '[]')) END, {who}
        FROM (
            SELECT practice, min(id) AS first, max(id) AS last, count(*) AS size
            FROM (
                SELECT {practice} AS practice, id,
                    id - row_number() OVER (PARTITION BY {practice} ORDER BY id) AS island
                FROM after_it
            ) numbered
            GROUP BY practice, island
        ) islands
        GROUP BY practice;
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM before_it) THEN
        RETURN NULL;
    END IF;
    hidden_columns := hidden_columns || ARRAY(
        SELECT attname::text FROM pg_attribute WHERE attrelid = TG_RELID AND atttypid = 'bytea'::regtype
    );
    IF TG_OP = 'DELETE' THEN
        INSERT INTO practices_auditentry ({columns_of_one})
        SELECT was.{practice}, clock_timestamp(), TG_TABLE_NAME, 'delete', was.id, 1,
            to_jsonb(was) - hidden_columns - derived_columns, {who}
        FROM before_it was;
        RETURN NULL;
    END IF;
    -- A row that was given another number is one that went and one that came.
    INSERT INTO practices_auditentry ({columns_of_one})
    SELECT practice, clock_timestamp(), TG_TABLE_NAME, operation, id, 1, changes, {who}
    FROM (
        SELECT id, coalesce(became.{practice}, was.{practice}) AS practice,
            CASE WHEN was.id IS NULL THEN 'insert' WHEN became.id IS NULL THEN 'delete' ELSE 'update' END AS operation,
            CASE WHEN became.id IS NULL THEN to_jsonb(was) - hidden_columns - derived_columns
                WHEN was.id IS NOT NULL THEN (
                    SELECT jsonb_object_agg(
                        column_name, CASE WHEN column_name = ANY(hidden_columns) THEN 'null' ELSE jsonb_build_array(old_value, new_value) END
                    )
                    FROM ROWS FROM (jsonb_each(to_jsonb(was)), jsonb_each(to_jsonb(became)))
                        AS both_rows (column_name, old_value, same_name, new_value)
                    WHERE old_value IS DISTINCT FROM new_value AND column_name <> ALL(derived_columns)
                )
            END AS changes
        FROM before_it was FULL JOIN after_it became USING (id)
        WHERE (was *= became) IS NOT TRUE
        OFFSET 0
    ) changed
    WHERE changes IS NOT NULL OR operation = 'insert';
    RETURN NULL;
END $$
"""

# What a function of the owner writes for whoever is entered; the application's role can't write by itself.
NOTE_EXPORT = f"""
CREATE FUNCTION practices_note_export(of_table text, lines bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE{ACTOR}
BEGIN
    INSERT INTO practices_auditentry ({COLUMNS.format("changes")})
    VALUES (current_setting('app.practice_id')::bigint, clock_timestamp(), of_table, 'export', NULL, lines, NULL, {WHO});
END $$
"""
KEEP = """
CREATE FUNCTION practices_keep_for_six_years() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '6 years' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a row of % is never changed, and is kept for six years', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
REFUSE_TRUNCATE = """
CREATE FUNCTION practices_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is not to be truncated: the audit trail would not know', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
# The one door to what is older: the rows of the practice entered, so many of each table at a time.
FORGET = """
CREATE FUNCTION practices_forget_old_entries(at_most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    of_table text;
    gone bigint;
    forgotten bigint := 0;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['practices_auditentry', 'practices_patientaccess', 'practices_signinevent'] LOOP
        CONTINUE WHEN NOT has_table_privilege(of_table, 'DELETE');  -- one role does both, and may not
        EXECUTE format($delete$
            DELETE FROM %1$I WHERE id IN (
                SELECT id FROM %1$I
                WHERE practice_id = nullif(current_setting('app.practice_id', true), '')::bigint
                    AND at < now() - interval '6 years'
                ORDER BY at LIMIT %2$s)
            $delete$, of_table, at_most);
        GET DIAGNOSTICS gone = ROW_COUNT;
        forgotten := forgotten + gone;
    END LOOP;
    RETURN forgotten;
END $$
"""
APP = f'"{settings.APP_DATABASE_ROLE}"'
# Where one role does both, it has to write the trail: then the triggers alone guard it.
ROLES_DIFFER = settings.APP_DATABASE_ROLE != settings.OWNER_DATABASE_ROLE


def function(name, body, *, called_by_app=False):
    """Nobody puts the function on a table of their own, or calls it, but the owner; and the application where it must."""
    forward = [body, f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC"]
    if called_by_app:
        forward.append(f"GRANT EXECUTE ON FUNCTION {name} TO {APP}")
    return migrations.RunSQL(forward, f"DROP FUNCTION {name}")


def write_down(name, practice):
    many, one = COLUMNS.format("row_ids"), COLUMNS.format("changes")
    body = WRITE_DOWN.format(
        name=name, practice=practice, who=WHO, actor=ACTOR, columns_of_many=many, columns_of_one=one
    )
    return function(f"{name}()", body)


class Migration(migrations.Migration):
    dependencies = [("practices", "0006_digests")]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("table_name", models.CharField(max_length=63)),
                (
                    "operation",
                    models.CharField(
                        choices=[
                            ("insert", "added"),
                            ("update", "changed"),
                            ("delete", "removed"),
                            ("export", "exported"),
                        ],
                        max_length=10,
                    ),
                ),
                ("row_id", models.BigIntegerField(help_text="The first of several.", null=True)),
                ("rows", models.PositiveIntegerField(default=1)),
                ("row_ids", practices.models.audit.IdsField(help_text="Of several.", null=True)),
                (
                    "changes",
                    models.JSONField(
                        help_text="{column: [old, new]}, of what was removed {column: old}; null where hidden.",
                        null=True,
                    ),
                ),
                ("member_id", models.BigIntegerField(null=True)),
                ("address", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(max_length=64)),
                ("through", models.CharField(help_text="The page, task or command.", max_length=120)),
                ("reason", models.CharField(max_length=200)),
                ("transaction_id", models.BigIntegerField()),
                (
                    "practice",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=practices.isolation.current_practice_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "indexes": [
                    models.Index(fields=["practice", "-at", "-id"], name="audit_entry_newest"),
                    models.Index(fields=["practice", "table_name", "row_id"], name="audit_entry_of_row"),
                    models.Index(
                        condition=models.Q(("member_id__isnull", False)),
                        fields=["practice", "member_id", "-at", "-id"],
                        name="audit_entry_by_member",
                    ),
                    models.Index(
                        condition=models.Q(("row_ids__isnull", False)),
                        fields=["practice", "table_name", "row_id"],
                        name="audit_entry_of_many",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("signed_in", "signed in"),
                            ("signed_out", "signed out"),
                            ("timed_out", "signed out for want of activity"),
                            ("wrong_password", "refused: wrong password"),
                            ("wrong_second_factor", "refused: wrong second factor"),
                            ("too_many_tries", "refused: too many tries"),
                            ("factor_added", "added a second factor"),
                            ("factor_removed", "removed a second factor"),
                            ("factor_renewed", "made new recovery codes"),
                            ("password_changed", "changed the password"),
                            ("password_reset", "reset the password by mail"),
                            ("sessions_ended", "had sessions ended"),
                        ],
                        max_length=30,
                    ),
                ),
                ("address", models.GenericIPAddressField(null=True)),
                ("browser", models.CharField(blank=True, max_length=200)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                (
                    "member",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_in_events",
                        to="practices.member",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        default=practices.isolation.current_practice_id,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "abstract": False,
                "indexes": [models.Index(fields=["practice", "-at", "-id"], name="sign_in_event_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="signinevent_of_practice"),
                    practices.isolation.SamePractice(
                        field="member", name="sign_in_event_member_same_practice"
                    ),
                ],
            },
        ),
        row_security("practices_auditentry", "practices_signinevent"),
        # The owner's functions write for any practice: one that is being made is not entered yet.
        migrations.RunSQL(
            "CREATE POLICY written_by_the_database ON practices_auditentry FOR INSERT TO CURRENT_USER WITH CHECK (true)",
            "DROP POLICY written_by_the_database ON practices_auditentry",
        ),
        append_only("practices_auditentry", "practices_signinevent"),
        *(
            [
                migrations.RunSQL(
                    f"REVOKE INSERT ON practices_auditentry FROM {APP}",
                    f"GRANT INSERT ON practices_auditentry TO {APP}",
                )
            ]
            if ROLES_DIFFER
            else []
        ),
        write_down("practices_write_down", "practice_id"),
        write_down("practices_write_down_practice", "id"),
        function("practices_keep_for_six_years()", KEEP),
        function("practices_refuse_truncate()", REFUSE_TRUNCATE),
        function("practices_forget_old_entries(integer)", FORGET, called_by_app=True),
        function("practices_note_export(text, bigint)", NOTE_EXPORT, called_by_app=True),
        kept_for_six_years("practices_auditentry", "practices_patientaccess", "practices_signinevent"),
        audited(
            "practices_location",
            "practices_member",
            "practices_cover",
            "practices_invitation",
            "practices_digest",
        ),
        # Of what is typed and not saved yet, that it was begun and that it is gone: not each pause in typing.
        audited("practices_draft", derived=("data", "kept_at")),
        audited("practices_practice", function="practices_write_down_practice"),
    ]
