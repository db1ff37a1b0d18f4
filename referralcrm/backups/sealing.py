"""The file and its keys: the age format, so that the ordinary `age` tool opens it without us.

Inside stands one line of JSON, the manifest, and after it what pg_dump wrote.
"""

import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyrage
from pyrage.x25519 import Identity, Recipient

LONGEST_MANIFEST = 2**20
BEGINS, HEADER_ENDS, LONGEST_HEADER = b"age-encryption.org/v1\n-> ", b"\n--- ", 2**16
LEAST_BYTES = 10_000  # of tables without a row


class BackupRefused(Exception):
    """A backup or restore that cannot go on; its text is the sentence to show."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object: ...


def make_key(path: Path) -> Identity:
    """Make the key that opens backups, for its owner's eyes alone. Raises FileExistsError over another."""
    identity = Identity.generate()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# Opens the backups of Referral CRM. Public key: {identity.to_public()}\n{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    return identity


def read_key(path: Path) -> Identity:
    """Read the key that opens backups, as `make_key` or `age-keygen` wrote it. Raises BackupRefused."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise BackupRefused(f"The key that opens backups is missing ({path}): put your copy there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BackupRefused(f"The key that opens backups cannot be read ({path}).") from error
    secrets = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        (secret,) = secrets
        return Identity.from_str(secret)
    except (ValueError, pyrage.IdentityError):
        raise BackupRefused(f"{path} holds no key that opens backups, or a damaged one.") from None


def read_recipients(texts: Sequence[str]) -> list[Recipient]:
    """Read public keys, each beginning with age1. Raises BackupRefused."""
    try:
        return [Recipient.from_str(text.strip()) for text in texts]
    except pyrage.RecipientError:
        raise BackupRefused("BACKUP_RECIPIENTS is malformed: public keys beginning with age1.") from None


def seal(manifest: bytes, dump: Readable, file: io.BufferedIOBase, recipients: Sequence[Recipient]) -> None:
    """Write manifest and dump into the file, to be opened by any of the recipients. Raises OSError."""
    noting = _Noting(file)
    try:
        pyrage.encrypt_io(_Joined(manifest + b"\n", dump), noting, list(recipients))
    except pyrage.EncryptError as error:
        raise noting.failure or error from None
    if noting.failure is not None:  # pyrage says nothing of what fails at the very end
        raise noting.failure


def unseal(file: Readable, identity: Identity, dump: Writable) -> bytes:
    """Write the dump out and return the manifest. Raises BackupRefused when anything in the file was changed."""
    inside = _AfterFirstLine(dump)
    try:
        pyrage.decrypt_io(file, inside, [identity])
    except (pyrage.DecryptError, OSError) as error:
        raise inside.failure or _why_not_opened(error) from None
    if inside.failure is not None:
        raise inside.failure
    if inside.line is None:
        raise _says_nothing()
    return inside.line


def looks_sealed(path: Path) -> bool:
    """Whether a file begins as a sealed one and is not too small to be a backup; for who has no key to it."""
    with path.open("rb") as file:
        begins = file.read(LONGEST_HEADER)
    return begins.startswith(BEGINS) and HEADER_ENDS in begins and path.stat().st_size >= LEAST_BYTES


def _why_not_opened(error: Exception) -> BackupRefused:
    if isinstance(error, OSError):
        return BackupRefused("The backup is damaged or cut short: not all of it can be read.")
    if "No matching keys" in str(error):
        return BackupRefused(
            "The key does not open this backup: it is not the key that the backup was made for."
        )
    return BackupRefused("This is no backup, or its beginning is damaged.")


def _says_nothing() -> BackupRefused:
    return BackupRefused("This is no backup of Referral CRM: it does not say what it holds.")


@contextmanager
def written_whole(path: Path) -> Iterator[io.BufferedRandom]:
    """A file for its owner's eyes, under a name of its own until it is whole and safe on the disk."""
    if path.exists():
        raise BackupRefused(f"{path} is there already: choose another name.")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        _sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Joined:
    """The manifest, then the dump, as one stream."""

    def __init__(self, first: bytes, rest: Readable) -> None:
        self.first, self.rest = io.BytesIO(first), rest

    def read(self, size: int) -> bytes:
        return self.first.read(size) or self.rest.read(size)


class _Noting:
    """Passes bytes on; keeps the error that pyrage would turn into its own."""

    def __init__(self, rest: Writable) -> None:
        self.rest = rest
        self.failure: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            self.rest.write(data)
        except OSError as error:
            self.failure = error
            raise
        return len(data)

    def flush(self) -> None:
        """Asked for by pyrage; nothing is held back here."""


class _AfterFirstLine(_Noting):
    """Keeps the first line and passes on what follows."""

    def __init__(self, rest: Writable) -> None:
        super().__init__(rest)
        self.begun = b""
        self.line: bytes | None = None

    def write(self, data: bytes) -> int:
        if self.line is not None:
            return super().write(data)
        self.begun += data
        line, ended, rest = self.begun.partition(b"\n")
        if ended:
            self.line = line
            super().write(rest)
        elif len(self.begun) > LONGEST_MANIFEST:
            self.failure = _says_nothing()
            raise self.failure
        return len(data)
