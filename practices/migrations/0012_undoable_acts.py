import django.db.models.deletion
from django.db import migrations, models

import practices.encryption
import practices.isolation
from practices.audit_triggers import audited
from practices.isolation import row_security


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0011_state_holidays"),
    ]

    operations = [
        migrations.CreateModel(
            name="UndoableAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                (
                    "said",
                    models.CharField(help_text="What was done, in a sentence. No patient.", max_length=300),
                ),
                (
                    "about",
                    models.BigIntegerField(help_text="The row it is about, where there is one.", null=True),
                ),
                ("done_at", models.DateTimeField()),
                (
                    "data",
                    practices.encryption.EncryptedTextField(
                        help_text="JSON: what stood there before; it may be of a patient."
                    ),
                ),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "done_by",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                    "undone_by",
                    practices.isolation.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.member",
                    ),
                ),
            ],
            options={
                "ordering": ["-done_at", "-id"],
                "abstract": False,
                "indexes": [models.Index(fields=["practice", "-done_at", "-id"], name="undoable_act_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="undoableact_of_practice"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("undone_at", None), ("undone_by", None)),
                            models.Q(("undone_at__isnull", False), ("undone_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="undoable_act_undone_by_somebody",
                    ),
                    practices.isolation.SamePractice(
                        field="done_by", name="undoable_act_done_by_same_practice"
                    ),
                    practices.isolation.SamePractice(
                        field="undone_by", name="undoable_act_undone_by_same_practice"
                    ),
                ],
            },
        ),
        row_security("practices_undoableact"),
        audited("practices_undoableact"),
    ]
