from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0010_gift_returns")]

    operations = [
        migrations.AddField(
            model_name="returnreferral",
            name="patient_name_birth_index",
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="returnreferral",
            name="patient_name_initial_index",
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="returnreferral",
            index=models.Index(
                fields=["practice", "patient_name_birth_index"], name="return_referral_name_birth"
            ),
        ),
        migrations.AddIndex(
            model_name="returnreferral",
            index=models.Index(
                fields=["practice", "patient_name_initial_index"], name="return_referral_name_initial"
            ),
        ),
    ]
