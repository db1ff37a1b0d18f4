from django.db import migrations

import practices.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("touchpoints", "0012_index_patients_of_return_referrals"),
    ]

    operations = [
        migrations.AddField(
            model_name="thankyou",
            name="line_means_others",
            field=practices.encryption.EncryptedTextField(
                blank=True,
                help_text="Names on the line, of a patient too, that mean somebody else.",
                null=True,
            ),
        ),
    ]
