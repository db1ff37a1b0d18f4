from django.db import migrations

from practices.isolation import row_security

# Statement by statement and not row by row: an import of 100,000 referrals leaves a few hundred marks.
MARK = """
        INSERT INTO insights_uncounted (practice_id, day, provider_id, office_id)
        SELECT practice_id, received_on, provider_id, office_id
        FROM {rows}
        GROUP BY GROUPING SETS ((practice_id, received_on), (practice_id, provider_id), (practice_id, office_id))
        HAVING received_on IS NOT NULL OR provider_id IS NOT NULL OR office_id IS NOT NULL;"""
# What a figure is made of; a call to the patient, or a note, changes none.
COUNTED = "{0}.received_on, {0}.provider_id, {0}.office_id, {0}.physician_id, {0}.location_id, {0}.channel, {0}.status"
CHANGED = """(
            SELECT either.practice_id, either.received_on, either.provider_id, either.office_id
            FROM before_it was JOIN after_it became USING (id), LATERAL (VALUES
                (was.practice_id, was.received_on, was.provider_id, was.office_id),
                (became.practice_id, became.received_on, became.provider_id, became.office_id)
            ) either (practice_id, received_on, provider_id, office_id)
            WHERE ({was}, was.withdrawn_at IS NULL) IS DISTINCT FROM ({became}, became.withdrawn_at IS NULL)
        ) changed""".format(was=COUNTED.format("was"), became=COUNTED.format("became"))
WRITE_DOWN = f"""
CREATE FUNCTION insights_write_down_what_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN{MARK.format(rows="after_it")}
    ELSIF TG_OP = 'DELETE' THEN{MARK.format(rows="before_it")}
    ELSE{MARK.format(rows=CHANGED)}
    END IF;
    RETURN NULL;
END $$
"""
TABLES = {
    "INSERT": "NEW TABLE AS after_it",
    "UPDATE": "OLD TABLE AS before_it NEW TABLE AS after_it",
    "DELETE": "OLD TABLE AS before_it",
}


class Migration(migrations.Migration):
    dependencies = [("insights", "0001_initial"), ("contacts", "0006_steps_nobody_points_at")]

    operations = [
        row_security(
            "insights_dailyfigures", "insights_sourcefigures", "insights_counting", "insights_uncounted"
        ),
        migrations.RunSQL(WRITE_DOWN, "DROP FUNCTION insights_write_down_what_changed()"),
        *[
            migrations.RunSQL(
                f"CREATE TRIGGER what_{act.lower()}_changed AFTER {act} ON contacts_referral REFERENCING {tables}"
                " FOR EACH STATEMENT EXECUTE FUNCTION insights_write_down_what_changed()",
                f"DROP TRIGGER what_{act.lower()}_changed ON contacts_referral",
            )
            for act, tables in TABLES.items()
        ],
    ]
