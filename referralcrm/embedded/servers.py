"""The servers of one machine, started together and stopped together."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from referralcrm.embedded import postgres, valkey
from referralcrm.embedded.configuration import Configuration, Refused
from referralcrm.embedded.env_files import write_env_file
from referralcrm.embedded.folder import DataFolder, runtime_folder
from referralcrm.embedded.keeping import Kept
from referralcrm.embedded.keys import keys_for
from referralcrm.embedded.processes import Child
from referralcrm.embedded.roles import APPLICATION, OWNER, ensure_roles_and_database
from referralcrm.setting_names import CHOSEN

SETTINGS_KEPT = (
    *("DATABASE_URL", "OWNER_DATABASE_URL", "BACKUP_DATABASE_URL", "REDIS_URL", "STATIC_ROOT"),
    *("BACKUP_DIR", "BACKUP_KEY_FILE", "POSTGRES_BIN"),
    *CHOSEN,
)


@dataclass(frozen=True)
class Servers:
    """The servers that run, and the environment for whoever uses them."""

    kept: list[Kept]
    environ: dict[str, str]


@contextmanager
def running_servers(configuration: Configuration, *, for_tests: bool = False) -> Iterator[Servers]:
    """Hold the data folder and run PostgreSQL and Valkey where no other address is given."""
    folder = DataFolder(configuration.data_dir)
    with ExitStack() as stack:
        stack.enter_context(folder.held())
        keys = keys_for(folder, holds_database=_holds_database(configuration, folder))
        runtime = stack.enter_context(runtime_folder())
        # Written before the servers start, so that the next start can clear up after a kill,
        # and again with their addresses.
        write_env_file(folder.running_env, {"RUNTIME_DIR": str(runtime)})
        stack.callback(folder.running_env.unlink, missing_ok=True)
        kept: list[Kept] = []
        settings = _settings(configuration, folder)
        if configuration.database_url is None:
            kept.append(stack.enter_context(_postgres(folder, runtime, for_tests=for_tests)))
            settings |= database_addresses(runtime)
        if configuration.redis_url is None:
            kept.append(stack.enter_context(_kept(lambda: valkey.start_valkey(folder, runtime))))
            settings["REDIS_URL"] = valkey.address(runtime)
        write_env_file(folder.running_env, {"RUNTIME_DIR": str(runtime), **settings})
        yield Servers(kept, {**os.environ, **keys, **settings})


def database_addresses(runtime: Path) -> dict[str, str]:
    """Return the embedded database's URL for each role: who serves, who migrates, who backs up."""
    return {
        "DATABASE_URL": postgres.address(runtime, APPLICATION),
        "OWNER_DATABASE_URL": postgres.address(runtime, OWNER),
        "BACKUP_DATABASE_URL": postgres.address(runtime, postgres.SUPERUSER),
    }


def _settings(configuration: Configuration, folder: DataFolder) -> dict[str, str]:
    """Return what the product is told; what the environment says comes first."""
    defaults = {
        "STATIC_ROOT": str(folder.static),
        "SITE_URL": f"http://localhost:{configuration.port}",
        "BACKUP_DIR": str(folder.backups),
        "BACKUP_KEY_FILE": str(folder.backup_key),
    }
    given = {name: os.environ[name] for name in SETTINGS_KEPT if os.environ.get(name)}
    return {**defaults, **given, "DEMO": "1" if configuration.demo else "0"}


@contextmanager
def _postgres(folder: DataFolder, runtime: Path, *, for_tests: bool) -> Iterator[Kept]:
    with _kept(lambda: postgres.start_postgres(folder, runtime, for_tests=for_tests)) as server:
        ensure_roles_and_database(runtime, for_tests=for_tests)
        yield server


@contextmanager
def _kept(begin: Callable[[], Child]) -> Iterator[Kept]:
    server = Kept(begin(), begin)
    try:
        yield server
    finally:
        server.child.stop()


def _holds_database(configuration: Configuration, folder: DataFolder) -> bool:
    """Whether there is a database already, whose data only its own keys can open."""
    if configuration.database_url is None:
        return folder.postgres.exists()
    try:
        with closing(psycopg2.connect(configuration.database_url)) as db, db.cursor() as sql:
            sql.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
            return bool(sql.fetchone()[0])
    except psycopg2.OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise Refused(f"The database that DATABASE_URL names cannot be reached: {reason}") from error
