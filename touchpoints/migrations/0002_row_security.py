from django.db import migrations

from practices.isolation import row_security


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0001_initial"), ("contacts", "0002_row_security")]

    operations = [
        row_security(
            "touchpoints_touchpoint",
            "touchpoints_thankyoulist",
            "touchpoints_thankyou",
            "touchpoints_thankyoureferral",
            "touchpoints_reminder",
        )
    ]
