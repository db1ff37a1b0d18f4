from django.conf import settings
from django.db import migrations

from practices.isolation import append_only, row_security

APP = f'"{settings.APP_DATABASE_ROLE}"'


class Migration(migrations.Migration):
    dependencies = [("practices", "0001_initial")]

    operations = [
        row_security(
            "practices_location",
            "practices_member",
            "practices_cover",
            "practices_invitation",
            "practices_patientaccess",
            "practices_draft",
        ),
        # Who signs in sees their own seats before they enter one.
        migrations.RunSQL(
            "CREATE POLICY of_its_user ON practices_member FOR SELECT"
            " USING (user_id = NULLIF(current_setting('app.user_id', true), '')::bigint)",
            "DROP POLICY of_its_user ON practices_member",
        ),
        append_only("practices_patientaccess"),
        migrations.RunSQL(
            f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {APP}",
            f"GRANT INSERT, UPDATE, DELETE ON django_migrations TO {APP}",
        ),
    ]
