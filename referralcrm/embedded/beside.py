"""One command beside the servers: what `make test` does."""

import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from referralcrm.embedded.configuration import Configuration
from referralcrm.embedded.processes import Child, Command, start
from referralcrm.embedded.servers import running_servers


def run_beside_servers(
    configuration: Configuration, argv: Sequence[str], data_dir: Path | None, *, for_tests: bool = True
) -> int:
    """Run a command beside servers of its own and return its exit code; without a folder, all goes after."""
    with (
        _folder(data_dir) as folder,
        running_servers(replace(configuration, data_dir=folder), for_tests=for_tests) as servers,
    ):
        # In the terminal's own process group, so that it can read and be interrupted.
        return _wait(start(Command(argv[0], argv, log=None, environ=servers.environ, own_group=False)))


@contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        yield data_dir.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="referralcrm-test-", ignore_cleanup_errors=True) as parent:
        yield Path(parent) / "var"  # one level down, since the keys lie beside it


def _wait(child: Child) -> int:
    def pass_on(number: int, frame: object) -> None:
        child.process.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, pass_on)
    # Ctrl-C reaches the command by itself; it decides whether to end.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    code = child.process.wait()
    return code if code >= 0 else 128 - code
