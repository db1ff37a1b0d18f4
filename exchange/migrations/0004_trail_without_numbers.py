from django.db import migrations

from practices.audit_triggers import audited

# A hundred thousand numbers in one value: each row's own entry tells that it was added.
plain = audited("exchange_import")
without_numbers = audited("exchange_import", derived=("added_ids", "added_provider_ids", "added_office_ids"))


class Migration(migrations.Migration):
    dependencies = [("exchange", "0003_audited")]

    operations = [
        migrations.RunSQL(
            [*plain.reverse_sql, *without_numbers.sql], [*without_numbers.reverse_sql, *plain.sql]
        )
    ]
