"""`python -m referralcrm.embedded run`, `… exec [--data-dir DIR] -- COMMAND …`, `… backup`, `… restore FILE`."""

import argparse
import errno
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from referralcrm.embedded.backing_up import back_up, restore
from referralcrm.embedded.beside import run_beside_servers
from referralcrm.embedded.configuration import Refused, read_configuration
from referralcrm.embedded.examining import examine
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.interrupts import heed_signals
from referralcrm.embedded.keys import new_key
from referralcrm.embedded.product import run_product


def main() -> int:
    """Do what the command line asks and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args()
    command = _command(arguments, parser)
    heed_signals()
    try:
        configuration = read_configuration()
        if arguments.act == "doctor":
            return examine(configuration)
        if arguments.act == "backup":
            return back_up(configuration, arguments.file)
        if arguments.act == "restore":
            restore(configuration, arguments.file, keys=arguments.keys, replace=arguments.replace)
            return 0
        if arguments.act == "exec":
            demo = bool(os.environ.get("DEMO")) and configuration.demo
            return run_beside_servers(replace(configuration, demo=demo), command, arguments.data_dir)
        if arguments.act == "new-key":
            name = new_key(DataFolder(configuration.data_dir))
            print(f"The new key is {name}. Back the key file up again, apart from the data.")
            return 0
        run_product(configuration)
        return 0
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(_sentence(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130 if arguments.act == "exec" else 0


def _sentence(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full: make room, then start again."
    return f"It cannot go on: {error.filename or 'the system'}: {(error.strerror or str(error)).lower()}."


def _command(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """Return the command to run beside the servers, if that is the act."""
    if arguments.act != "exec":
        return []
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command or shutil.which(command[0]) is None:
        parser.error(f"no such command: {command[0]}" if command else "which command?")
    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m referralcrm.embedded", description=__doc__)
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("run", help="start the whole product and stop it on Ctrl-C")
    acts.add_parser("doctor", help="say what is wrong, and how to mend it")
    backup = acts.add_parser("backup", help="back up into one encrypted file, running or not")
    backup.add_argument("file", nargs="?", type=Path, help="default: a dated file in BACKUP_DIR")
    restored = acts.add_parser("restore", help="put a backup in the place of the database")
    restored.add_argument("file", type=Path)
    restored.add_argument(
        "--keys", type=Path, help="the folder with your copy of the keys (default: in place)"
    )
    restored.add_argument("--replace", action="store_true", help="set a database that is there aside")
    acts.add_parser("new-key", help="put a new key to the patients' data before those on file")
    beside = acts.add_parser("exec", help="run a command beside PostgreSQL and Valkey")
    beside.add_argument(
        "--data-dir", type=Path, help="keep the data here (default: a folder that goes after)"
    )
    beside.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    return parser


if __name__ == "__main__":
    sys.exit(main())
