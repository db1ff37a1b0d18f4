from django.db import migrations

from practices.isolation import row_security


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial"), ("contacts", "0002_row_security")]

    operations = [
        row_security(
            "exchange_import",
            "exchange_importfilepart",
            "exchange_importname",
            "exchange_rejectedrows",
            "exchange_rememberedcolumn",
        )
    ]
