"""Django's command line finds the servers of the single machine here."""

import os
import sys
from collections.abc import Mapping, Sequence

from referralcrm.embedded.configuration import data_folder_path
from referralcrm.embedded.env_files import read_env_file
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.keys import KEY_NAMES

# What Django answers without a database: worth an answer before the first start too.
WITHOUT_DATABASE = {"help", "version", "--help", "-h", "--version"}


def load_environment(argv: Sequence[str] | None = None) -> None:
    """Set what the running servers of DATA_DIR use, unless DATABASE_URL is given; else exit 1."""
    if os.environ.get("DATABASE_URL"):
        return
    folder = DataFolder(data_folder_path())
    needs_database = _needs_database(sys.argv if argv is None else argv)
    if needs_database and folder.is_running() and (lost := what_is_lost(folder)):
        sys.exit(". ".join(lost) + ".")
    if folder.is_running() and folder.running_env.exists():
        _set_where_missing(read_env_file(folder.running_env))
        if folder.keys_env.exists():
            path = str(folder.keys_env)
            _set_where_missing({f"{name}_FILE": path for name in KEY_NAMES if not os.environ.get(name)})
    elif needs_database:
        sys.exit("Start the product first: make run, or set DATABASE_URL")


def what_is_lost(folder: DataFolder) -> tuple[str, str] | None:
    """What is gone of a running product that nobody reaches it without, and what to do."""
    if not folder.keys_env.exists() and not all(_is_given(name) for name in KEY_NAMES):
        return (
            f"Referral CRM runs, but its keys are gone: there is no {folder.keys_env}",
            "Stop nothing before they are back: what runs may be all that still has them. Put your copy there, "
            "or, where the environment gives the keys, set " + ", ".join(KEY_NAMES) + " here too",
        )
    if not folder.running_env.exists():
        return (
            f"Referral CRM runs, but {folder.running_env} is gone, which says where its servers are",
            "Unless it is just starting: stop it and start it again (make run)",
        )
    return None


def _is_given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _needs_database(argv: Sequence[str]) -> bool:
    return len(argv) > 1 and not WITHOUT_DATABASE.intersection(argv[1:])


def _set_where_missing(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if not os.environ.get(name):
            os.environ[name] = value
