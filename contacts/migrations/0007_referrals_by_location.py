from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_steps_nobody_points_at")]

    operations = [
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                fields=["practice", "location", "-received_on", "-id"], name="referral_by_location"
            ),
        ),
    ]
