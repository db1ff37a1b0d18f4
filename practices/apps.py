from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class PracticesConfig(AppConfig):
    name = "practices"

    def ready(self) -> None:
        pre_migrate.connect(prepare_database, sender=self)
        log_sign_ins()


def log_sign_ins() -> None:
    """Every way in, and every refusal, raises one of these signals."""
    from allauth.account import signals as account
    from allauth.mfa import signals as mfa
    from django.contrib.auth import signals as auth

    from practices import sign_in_log

    auth.user_logged_in.connect(sign_in_log.signed_in)
    auth.user_logged_out.connect(sign_in_log.signed_out)
    auth.user_login_failed.connect(sign_in_log.refused)
    account.password_changed.connect(sign_in_log.password_changed)
    account.password_reset.connect(sign_in_log.password_reset)
    mfa.authenticator_added.connect(sign_in_log.factor_added)
    mfa.authenticator_removed.connect(sign_in_log.factor_removed)
    mfa.authenticator_reset.connect(sign_in_log.factor_renewed)
    mfa.authentication_failed.connect(sign_in_log.wrong_factor)


def prepare_database(using: str, **kwargs: Any) -> None:
    """Before anything is written: the right keys, and the application's role may use what is about to be made."""
    from django.conf import settings
    from django.db import connections

    connection = connections[using]
    if keys := _columns_of(connection, "practices_encryptionkey"):
        from practices.encryption import verify_keys

        verify_keys(knows_retired="retired_at" in keys)
    role = connection.ops.quote_name(settings.APP_DATABASE_ROLE)
    if settings.APP_DATABASE_ROLE == settings.OWNER_DATABASE_ROLE:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        )
        cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role}")


def _columns_of(connection: Any, table: str) -> set[str]:
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return set()
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}
