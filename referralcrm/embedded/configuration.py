"""What the environment asks of a single machine, checked before anything is started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATABASE_SCHEMES = ("postgresql", "postgres", "pgsql")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket")
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Refused(Exception):
    """A start that cannot go on; its text is the sentence to show."""


@dataclass(frozen=True)
class Configuration:
    """The machine's settings; an address that is None asks for the embedded server."""

    data_dir: Path
    port: int
    demo: bool
    database_url: str | None
    redis_url: str | None


def read_configuration(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read and check the settings; raise Refused, naming the first that is malformed."""
    if environ.get("OWNER_DATABASE_URL") and not environ.get("DATABASE_URL"):
        raise Refused("OWNER_DATABASE_URL is set, but DATABASE_URL is not.")
    return Configuration(
        data_dir=data_folder_path(environ),
        port=_port(environ),
        demo=_yes_or_no(environ, "DEMO", default=True),
        database_url=_address(environ, "DATABASE_URL", DATABASE_SCHEMES),
        redis_url=_address(environ, "REDIS_URL", BROKER_SCHEMES),
    )


def data_folder_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data folder; a relative DATA_DIR counts from the checkout."""
    return (BASE_DIR / (environ.get("DATA_DIR") or "var")).resolve()


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise Refused(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _yes_or_no(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").strip().lower()
    if text and text not in YES | NO:
        raise Refused(f"{name} must be 1 or 0, not {text!r}.")
    return text in YES if text else default


def _address(environ: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    address = environ.get(name) or None
    if address is not None and _scheme(address) not in schemes:
        # The address itself may carry a password, so it is not repeated.
        raise Refused(f"{name} is malformed: it must start with {schemes[0]}://")
    return address


def _scheme(address: str) -> str | None:
    try:
        return urlsplit(address).scheme if "://" in address else None
    except ValueError:
        return None
