from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0002_what_changed"),
    ]

    operations = [
        migrations.AddField(
            model_name="sourcefigures",
            name="days",
            field=models.PositiveIntegerField(
                default=0, help_text="On how many a provider referred, in two years."
            ),
        ),
        migrations.AddField(
            model_name="sourcefigures",
            name="first_on",
            field=models.DateField(help_text="When a provider first referred.", null=True),
        ),
    ]
