import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import migrations, models

KEPT = ("session_key", "session_data", "expire_date")


def move_sessions(apps, schema_editor):
    """Who is signed in stays so, and what they are typing is kept should it expire on the way."""
    from practices.sessions import SessionStore

    theirs, ours = apps.get_model("sessions", "Session"), apps.get_model("practices", "Session")
    users = set(apps.get_model("practices", "User").objects.values_list("pk", flat=True))
    rows = []
    for kept in theirs.objects.values(*KEPT):
        user = SessionStore().decode(kept["session_data"]).get(SESSION_KEY, "")
        rows.append(ours(**kept, user_id=int(user) if user.isdigit() and int(user) in users else None))
    ours.objects.bulk_create(rows)
    theirs.objects.all().delete()


def move_sessions_back(apps, schema_editor):
    theirs, ours = apps.get_model("sessions", "Session"), apps.get_model("practices", "Session")
    theirs.objects.bulk_create([theirs(**kept) for kept in ours.objects.values(*KEPT)])


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0007_audit_trail"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Guess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.BinaryField(max_length=32, unique=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("tried_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("active_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("browser", models.CharField(blank=True, max_length=300)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="practice",
            name="idle_minutes",
            field=models.PositiveSmallIntegerField(
                db_default=15,
                default=15,
                help_text="Who does nothing for so long is signed out, and what was typed is kept. From 5 to 60.",
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="minutes until sign-out",
            ),
        ),
        migrations.AddField(
            model_name="practice",
            name="second_factor_from",
            field=models.DateField(
                blank=True,
                help_text="From this day on nobody gets in by the password alone; until then everybody is reminded"
                " to set a second factor up. Empty: everybody may choose.",
                null=True,
                verbose_name="second factor from",
            ),
        ),
        migrations.AddConstraint(
            model_name="practice",
            constraint=models.CheckConstraint(
                condition=models.Q(("idle_minutes__gte", 5), ("idle_minutes__lte", 60)),
                name="practice_idle_minutes_bounded",
            ),
        ),
        migrations.RunPython(move_sessions, move_sessions_back),
    ]
