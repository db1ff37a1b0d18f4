from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0007_meeting_invitation")]

    operations = [
        migrations.AddField(
            model_name="meetinginvitation",
            name="told",
            field=models.CharField(
                default="",
                help_text="A digest of what they read: when, where, what, from whom.",
                max_length=64,
            ),
            preserve_default=False,
        ),
    ]
