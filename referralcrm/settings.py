"""Every setting, read from the environment and checked here; docs/settings.md lists them."""

import os
import sys
import tomllib
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from referralcrm.checked_env import CheckedEnv
from referralcrm.database_limits import connection_options, limits_of
from referralcrm.logs import logging_of

BASE_DIR = Path(__file__).resolve().parent.parent

env = CheckedEnv()
RELEASE = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list(
    "SECRET_KEY_FALLBACKS", default=[]
)  # older ones, until what they signed is over
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
BEHIND_TLS = env.bool("BEHIND_TLS", default=SITE_URL.startswith("https://"))

# Two database roles (docs/security.md): the owner migrates, the application's role serves.
OWNER_COMMANDS = {"migrate", "sqlmigrate", "showmigrations", "makemigrations", "restore"}
APP_DATABASE = env.postgresql("DATABASE_URL")
OWNER_DATABASE = env.postgresql("OWNER_DATABASE_URL", default=env.str("DATABASE_URL"))
APP_DATABASE_ROLE = APP_DATABASE["USER"]
OWNER_DATABASE_ROLE = OWNER_DATABASE["USER"]
RUNS_AS_OWNER = len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS
# A pooler refuses options of a connection: docs/scaling.md says how it sets them.
DATABASE_POOLED = env.bool("DATABASE_POOLED", default=False)
LIMITS = limits_of(os.environ.get("PROCESS", ""))
DATABASES = {
    "default": {
        **(OWNER_DATABASE if RUNS_AS_OWNER else APP_DATABASE),
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": DATABASE_POOLED,
        "OPTIONS": {} if DATABASE_POOLED else {"options": connection_options(LIMITS)},
    }
}
# A third reads all practices' rows for a backup, and nobody serves as it.
BACKUP_DATABASE = env.postgresql(
    "BACKUP_DATABASE_URL", default=env.str("OWNER_DATABASE_URL", default=env.str("DATABASE_URL"))
)
BACKUP_DIR = env.str("BACKUP_DIR", default="")
BACKUP_KEEP_DAYS = env.int("BACKUP_KEEP_DAYS", default=30)
BACKUP_KEY_FILE = env.str("BACKUP_KEY_FILE", default="")
BACKUP_RECIPIENTS = env.list("BACKUP_RECIPIENTS", default=[])
POSTGRES_BIN = env.str("POSTGRES_BIN", default="")  # pg_dump's folder; default: the wheel's
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.broker("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "practices.counting_cache.CountingCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://"),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# Patient data: see practices/encryption.py. The first key writes, all of them read. A file is looked at again.
PATIENT_DATA_KEYS = env.list("PATIENT_DATA_KEYS")
PATIENT_DATA_KEYS_FILE = env.file_of("PATIENT_DATA_KEYS")
BLIND_INDEX_KEY = env.str("BLIND_INDEX_KEY")
BLIND_INDEX_KEY_FILE = env.file_of("BLIND_INDEX_KEY")
KEYS_FILE = env.str("KEYS_FILE", default="")  # where they were read from, so that a refusal can name it

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": env.int("BROKER_VISIBILITY_TIMEOUT", default=900),
    "unacked_restore_interval": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "referralcrm.beat:BoundedScheduler"
TICK_SECONDS = env.int("TICK_SECONDS", default=60)
QUEUE_AT_MOST = env.int("QUEUE_AT_MOST", default=20_000)  # messages that wait; beyond it the tick adds none

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "practices",
    "contacts",
    "touchpoints",
    "exchange",
    "insights",
    "referralcrm",
]
MIDDLEWARE = [
    "practices.request_ids.NumberRequests",
    "practices.request_log.LogRequests",
    "practices.web_headers.HardenAnswers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # A list of fifty rows is 80 KB plain and 8 packed; the random length it adds hides secrets (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "practices.request_sizes.LimitRequestSize",
    "practices.middleware.RefuseCharset",
    "practices.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "practices.middleware.RefuseNul",
    "practices.middleware.KeepDraftOfExpiredSession",
    "practices.middleware.AskToSignIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "practices.middleware.EnterPractice",
    "practices.middleware.ExplainWrongMethod",
]
ROOT_URLCONF = "referralcrm.urls"
CSRF_FAILURE_VIEW = "touchpoints.views.feedback_public.refuse_forged"
WSGI_APPLICATION = "referralcrm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "practices.context_processors.frame",
            ],
            "builtins": ["practices.templatetags.addresses"],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # finds our own template of a select

AUTH_USER_MODEL = "practices.User"
AUTHENTICATION_BACKENDS = ["practices.demo_sign_in.Backend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "practices.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Guesses are counted in the database (practices/guessing.py), not in the cache, which may forget.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "", "reset_password": ""}
ACCOUNT_FORMS = {
    "change_password": "practices.views.sign_in_forms.NewPasswordForm",
    "reset_password": "practices.views.sign_in_forms.ForgottenPasswordForm",
    "reset_password_from_key": "practices.views.sign_in_forms.NewPasswordByLinkForm",
}
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # a practice that arrives at eight, behind one address
MFA_ADAPTER = "practices.second_factors.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an invitation reached the address, or its manager handed the link over
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "practices.views.sign_in_forms.CodeForm",
    "authenticate_webauthn": "practices.views.sign_in_forms.PasskeyForm",
    "reauthenticate": "practices.views.sign_in_forms.CodeAgainForm",
    "reauthenticate_webauthn": "practices.views.sign_in_forms.PasskeyAgainForm",
    "login_webauthn": "practices.views.sign_in_forms.PasskeySignInForm",
    "add_webauthn": "practices.views.sign_in_forms.NewPasskeyForm",
    "activate_totp": "practices.views.sign_in_forms.AppForm",
}

SESSION_ENGINE = "practices.sessions"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
# A browser takes a cookie of this name from us alone: not from plain http, nor from a neighbour's host name.
COOKIE_PREFIX = "__Host-" if BEHIND_TLS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
# Not in a cookie: it may say names.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31536000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Whose tries are counted (practices/rate_limits.py), to sign in and on public pages alike.
CLIENT_ADDRESS_HEADER = env.str("CLIENT_ADDRESS_HEADER", default="")
ALLAUTH_TRUSTED_CLIENT_IP_HEADER = CLIENT_ADDRESS_HEADER or None

REQUEST_ID_HEADER = env.str("REQUEST_ID_HEADER", default="")  # practices/request_ids.py

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
# An uploaded file is patient data: kept in memory until it is encrypted, never in clear on a disk. A request
# above the limit is read and dropped.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Without EMAIL_URL nothing is sent: the outbox keeps what waits and says so on its page.
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    _email = env.email("EMAIL_URL")
    EMAIL_HOST, EMAIL_PORT = _email["EMAIL_HOST"], _email["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_USER"], _email["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email.get("EMAIL_USE_TLS", False), _email.get("EMAIL_USE_SSL", False)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Referral CRM <referralcrm@localhost>")

LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured("LOG_FORMAT is malformed: it must be text or json.")
LOGGING = logging_of(LOG_FORMAT)
