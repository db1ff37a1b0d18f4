from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0003_when_they_began"),
        ("practices", "0006_digests"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="sourcefigures",
            index=models.Index(
                condition=models.Q(("standing__in", ["declining", "lapsed"])),
                fields=["practice", "-days", "source_id"],
                name="source_figures_quiet",
            ),
        ),
        migrations.AddIndex(
            model_name="sourcefigures",
            index=models.Index(
                condition=models.Q(("standing", "new")),
                fields=["practice", "-first_on", "source_id"],
                name="source_figures_new",
            ),
        ),
    ]
