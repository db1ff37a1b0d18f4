from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class PracticesConfig(AppConfig):
    name = "practices"

    def ready(self) -> None:
        pre_migrate.connect(prepare_database, sender=self)


def prepare_database(using: str, **kwargs: Any) -> None:
    """Before anything is written: the right keys, and the application's role may use what is about to be made."""
    from django.conf import settings
    from django.db import connections

    connection = connections[using]
    if "practices_encryptionkey" in connection.introspection.table_names():
        from practices.encryption import verify_keys

        verify_keys()
    role = connection.ops.quote_name(settings.APP_DATABASE_ROLE)
    if settings.APP_DATABASE_ROLE == settings.OWNER_DATABASE_ROLE:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        )
        cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role}")
