from django.db import migrations

from practices.audit_triggers import audited


class Migration(migrations.Migration):
    dependencies = [("exchange", "0002_row_security"), ("practices", "0007_audit_trail")]

    operations = [
        audited(
            "exchange_import",
            "exchange_importfilepart",
            "exchange_importname",
            "exchange_rejectedrows",
            "exchange_rememberedcolumn",
        )
    ]
