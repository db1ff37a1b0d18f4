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
    if folder.is_running() and folder.running_env.exists():
        _set_where_missing(read_env_file(folder.running_env))
        if folder.keys_env.exists():
            path = str(folder.keys_env)
            _set_where_missing({f"{name}_FILE": path for name in KEY_NAMES if not os.environ.get(name)})
    elif _needs_database(sys.argv if argv is None else argv):
        sys.exit("Start the product first: make run, or set DATABASE_URL")


def _needs_database(argv: Sequence[str]) -> bool:
    return len(argv) > 1 and not WITHOUT_DATABASE.intersection(argv[1:])


def _set_where_missing(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if not os.environ.get(name):
            os.environ[name] = value
