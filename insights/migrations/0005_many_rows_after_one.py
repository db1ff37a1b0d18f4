from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("insights", "0004_whom_home_names")]

    operations = [
        # The plan is made for the first statement of a session, of one row perhaps, and kept: joined by a nested
        # loop, ten thousand rows changed at once took 22 seconds instead of one.
        migrations.RunSQL(
            "ALTER FUNCTION insights_write_down_what_changed() SET enable_nestloop = off",
            "ALTER FUNCTION insights_write_down_what_changed() RESET enable_nestloop",
        )
    ]
