"""The environment, read so that a missing or malformed setting is named in one sentence."""

from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from practices.secret_files import value_in_file

NOT_SET = environ.Env.NOTSET
YES, NO = {"true", "on", "yes", "1"}, {"false", "off", "no", "0"}


class CheckedEnv(environ.Env):
    """Raises ImproperlyConfigured with the setting's name, never with its value: that may be a secret."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = NOT_SET, parse_default: bool = False
    ) -> Any:
        """Read one setting; an empty one is not set, and what is neither yes nor no is malformed, not no.

        Unlike its parent's, a value that starts with `$` is itself and no other variable's name. What is not set
        may lie in the file that `<var>_FILE` names, as containers and systemd hand secrets over.
        """
        text = self.ENVIRON.get(var, "") or self._in_file(var)
        if not text and default is NOT_SET:
            raise ImproperlyConfigured(f"{var} is missing: see docs/settings.md.")
        if not text:
            return default
        if cast is bool and text.strip().lower() not in YES | NO:
            raise ImproperlyConfigured(f"{var} is malformed: it must be 1 or 0.")
        try:
            return self.parse_value(text, cast)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var} is malformed: see docs/settings.md.") from error

    def file_of(self, var: str) -> str:
        """The file that a setting lies in, or nothing where the environment itself says it."""
        return "" if self.ENVIRON.get(var) else self.ENVIRON.get(f"{var}_FILE", "")

    def _in_file(self, var: str) -> str:
        path = self.file_of(var)
        try:
            return value_in_file(path, var) if path else ""
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{var}_FILE names a file that can't be read: {path}.") from error

    def postgresql(self, var: str, default: Any = NOT_SET) -> dict[str, Any]:
        """Read a PostgreSQL address, its host a name or the quoted folder of a socket."""
        text = self.str(var, default)
        try:
            # The parser warns of a scheme it does not know with the whole address, password and all.
            known = urlsplit(text).scheme in self.POSTGRES_FAMILY
            database = self.db_url_config(text) if known else {}
        except ValueError:
            database = {}
        if not database.get("NAME"):
            raise ImproperlyConfigured(f"{var} is malformed: it must read postgresql://role@host/database.")
        host = urlsplit(text).netloc.rpartition("@")[2].partition(":")[0]  # a pooler's socket has a port, too
        if "%2f" in host.lower():  # libpq's spelling of a folder, whose letters keep their case
            database["HOST"] = unquote(host)
        return database

    def broker(self, var: str) -> str:
        """Read the broker's address, as Celery spells it."""
        text = self.str(var)
        if urlsplit(text).scheme not in ("redis", "rediss", "redis+socket"):
            raise ImproperlyConfigured(f"{var} is malformed: it must read redis://host:6379/0.")
        return text

    def email(self, var: str) -> dict[str, Any]:
        """Read a mail server's address."""
        try:
            return self.email_url(var)
        except (ImproperlyConfigured, ValueError) as error:
            raise ImproperlyConfigured(
                f"{var} is malformed: it must read smtp+tls://user:password@host:587."
            ) from error
