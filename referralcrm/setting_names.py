"""The settings that a practice chooses: what a backup carries, and what commands share with the running product.

Keys are left out, and what describes a machine: its folders, its servers' addresses.
"""

CHOSEN = (
    "ALLOWED_HOSTS",
    "BACKUP_HOURS",
    "BACKUP_KEEP_DAYS",
    "BACKUP_RECIPIENTS",
    "BEHIND_TLS",
    "BROKER_VISIBILITY_TIMEOUT",
    "CLIENT_ADDRESS_HEADER",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_CONN_MAX_AGE",
    "DATABASE_POOLED",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "DEMO",
    "EMAIL_URL",
    "LOG_FORMAT",
    "PORT",
    "QUEUE_AT_MOST",
    "REQUEST_ID_HEADER",
    "REQUEST_ID_HEADER",
    "SESSION_HOURS",
    "SITE_URL",
    "TICK_SECONDS",
)
