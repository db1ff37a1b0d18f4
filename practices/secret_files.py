"""Secrets that lie in files: Docker's and systemd's, which hold one value, or our own of NAME=value lines."""

from pathlib import Path


def value_in_file(path: str | Path, name: str) -> str:
    """The value of that name where the file has lines of NAME=value, otherwise all it holds. Raises OSError."""
    text = Path(path).read_text(encoding="utf-8")
    lines = [line.partition("=") for line in text.splitlines()]
    named = {key.strip(): value.strip() for key, equals, value in lines if equals}
    return named[name] if name in named else text.strip()
