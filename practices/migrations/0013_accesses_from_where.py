from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0012_undoable_acts"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="patientaccess",
            options={"ordering": ["-at", "-id"], "verbose_name_plural": "patient accesses"},
        ),
        migrations.AddField(
            model_name="patientaccess",
            name="address",
            field=models.GenericIPAddressField(null=True),
        ),
        migrations.AddField(
            model_name="patientaccess",
            name="request_id",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
    ]
