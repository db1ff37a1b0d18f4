"""Somebody has another's reminders until a day, and then they go back."""

import django.db.models.deletion
from django.db import migrations, models

import practices.isolation
from practices.audit_triggers import audited


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0007_audit_trail"),
        ("touchpoints", "0016_audited"),
    ]

    operations = [
        migrations.AddField(
            model_name="reminder",
            name="handed_over_until",
            field=models.DateField(help_text="After that day it goes back. Empty: for good.", null=True),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(
                condition=models.Q(handed_over_until=None) | models.Q(handed_over_at__isnull=False),
                name="reminder_goes_back_to_whoever_had_it",
            ),
        ),
        migrations.CreateModel(
            name="StandIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("until", models.DateField()),
                ("arranged_at", models.DateTimeField()),
                (
                    "arranged_by",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.member",
                    ),
                ),
                (
                    "member",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stand_ins",
                        to="practices.member",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        default=practices.isolation.current_practice_id,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
                (
                    "stand_in",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stands_in",
                        to="practices.member",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="standin_of_practice"),
                    models.UniqueConstraint(fields=("practice", "member"), name="stand_in_once_per_member"),
                    models.CheckConstraint(
                        condition=~models.Q(member=models.F("stand_in")), name="stand_in_is_somebody_else"
                    ),
                    practices.isolation.SamePractice(field="member", name="stand_in_member_same_practice"),
                    practices.isolation.SamePractice(
                        field="stand_in", name="stand_in_stand_in_same_practice"
                    ),
                    practices.isolation.SamePractice(
                        field="arranged_by", name="stand_in_arranged_by_same_practice"
                    ),
                ],
            },
        ),
        practices.isolation.row_security("touchpoints_standin"),
        audited("touchpoints_standin"),
    ]
