from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0007_referrals_by_location"),
    ]

    operations = [
        migrations.AddField(
            model_name="referralstep",
            name="note_channel",
            field=models.CharField(
                blank=True,
                choices=[
                    ("fax", "fax"),
                    ("portal", "portal"),
                    ("letter", "letter"),
                    ("email", "e-mail"),
                    ("in_person", "in person"),
                ],
                db_default="",
                default="",
                help_text="Of the consult note.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="referralstep",
            name="was_called",
            field=models.BooleanField(
                db_default=False, default=False, help_text="The referrer was told by telephone."
            ),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("next_action_due_at__isnull", False), ("withdrawn_at", None)),
                fields=["practice", "status", "next_action_due_at", "id"],
                name="referral_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("reported_back_at__isnull", False), ("withdrawn_at", None)),
                fields=["practice", "-reported_back_at", "-id"],
                name="referral_told",
            ),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("seen_on__isnull", False), ("withdrawn_at", None)),
                fields=["practice", "seen_on"],
                include=("received_on", "status", "physician", "reported_back_at"),
                name="referral_seen",
            ),
        ),
        migrations.AddConstraint(
            model_name="referralstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("act", "reported_back"),
                    models.Q(("note_channel", ""), ("was_called", False)),
                    _connector="OR",
                ),
                name="referral_step_says_how_only_of_telling",
            ),
        ),
    ]
