from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0008_sign_in")]

    operations = [
        migrations.AddField(
            model_name="encryptionkey",
            name="retired_at",
            field=models.DateTimeField(
                help_text="Since when no row is under it: it may be missing.", null=True
            ),
        ),
        migrations.AddField(
            model_name="encryptionkey",
            name="rewriting_since",
            field=models.DateTimeField(help_text="Since when rows are rewritten under this key.", null=True),
        ),
        migrations.AlterField(
            model_name="encryptionkey",
            name="key_id",
            field=models.CharField(max_length=60, unique=True),
        ),
    ]
