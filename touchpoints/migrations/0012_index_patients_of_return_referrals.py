"""The blind indexes of the return referrals that were there before, each practice's in sets under its scope.

Each set is its own transaction, and a second run finds the same: nobody waits, and it may be interrupted.
"""

from typing import Any

from django.db import migrations

from practices.encryption import blind_index
from practices.isolation import practice_scope

AT_ONCE = 500
INDEXES = ["patient_name_birth_index", "patient_name_initial_index"]


def index_patients(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("touchpoints", "ReturnReferral")._base_manager
    practices = apps.get_model("practices", "Practice")._base_manager
    for practice_id in practices.order_by("pk").values_list("pk", flat=True):
        last = 0
        while last is not None:
            with practice_scope(practice_id):
                last = index_set(rows, practice_id, after=last)


def index_set(rows: Any, practice_id: int, *, after: int) -> int | None:
    """The last row of the set, or None when there was none."""
    found = rows.filter(practice=practice_id, pk__gt=after).select_for_update().order_by("pk")
    found = list(found.only("patient_family_name", "patient_given_name", "patient_born_on")[:AT_ONCE])
    for row in found:
        name, initial = row.patient_family_name, row.patient_given_name.strip()[:1]
        born = row.patient_born_on.isoformat() if row.patient_born_on else ""
        row.patient_name_birth_index = blind_index("name+birth", name, born, practice_id=practice_id)
        row.patient_name_initial_index = blind_index("name+initial", name, initial, practice_id=practice_id)
    rows.bulk_update(found, INDEXES)
    return found[-1].pk if found else None


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("touchpoints", "0011_find_patients_of_return_referrals")]

    operations = [migrations.RunPython(index_patients, migrations.RunPython.noop, atomic=False)]
