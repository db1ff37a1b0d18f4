"""A practice says which state's public holidays it keeps; one that has not said keeps the federal ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0010_sign_ins_by_whom")]

    operations = [
        migrations.AddField(
            model_name="practice",
            name="state",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Two letters. No time to act is counted on its holidays.",
                max_length=2,
                verbose_name="public holidays of",
            ),
        ),
    ]
