"""The keys to the patients' data: made once, kept apart from the data they open."""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.env_files import read_env_file, write_env_file
from referralcrm.embedded.folder import DataFolder

KEY_NAMES = ("SECRET_KEY", "PATIENT_DATA_KEYS", "BLIND_INDEX_KEY")
PATIENT_KEY_BYTES = 64  # AES-SIV takes two keys of 256 bits
BLIND_INDEX_KEY_BYTES = 32


def keys_for(
    folder: DataFolder, *, holds_database: bool, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return all keys, and the file they came from: those given, else those on file, made before a database."""
    given = {name: environ[name] for name in KEY_NAMES if environ.get(name)}
    if len(given) == len(KEY_NAMES):
        _check(given, dict.fromkeys(KEY_NAMES, ""))
        return given
    keys = {**_on_file(folder, holds_database), **given, "KEYS_FILE": str(folder.keys_env)}
    _check(keys, {name: "" if name in given else f" in {folder.keys_env}" for name in KEY_NAMES})
    return keys


def keys_copied_to(folder: Path) -> dict[str, str]:
    """Return the keys of a copied folder, those given by the environment first; none are made."""
    path = folder / "keys.env"
    given = {name: os.environ[name] for name in KEY_NAMES if os.environ.get(name)}
    if len(given) < len(KEY_NAMES) and not path.exists():
        raise Refused(f"The keys are missing ({path}): put your copy there, or name its folder (KEYS=…).")
    keys = {**(_read(path) if path.exists() else {}), **given}
    _check(keys, {name: "" if name in given else f" in {path}" for name in KEY_NAMES})
    return keys


def _on_file(folder: DataFolder, holds_database: bool) -> dict[str, str]:
    if folder.keys_env.exists():
        return _read(folder.keys_env)
    if holds_database:
        raise Refused(
            f"There is a database, but its keys are missing ({folder.keys_env}). Without them nobody can read "
            "the patients' data. Put the file back, or set " + ", ".join(KEY_NAMES) + "."
        )
    folder.keys_env.parent.mkdir(mode=0o700, exist_ok=True)
    keys = _new_keys()
    write_env_file(folder.keys_env, keys)
    return keys


def _read(path: Path) -> dict[str, str]:
    try:
        values = read_env_file(path)
    except UnicodeDecodeError:
        values = {"": "\0"}
    if any("\0" in text for pair in values.items() for text in pair):
        raise Refused(f"{path} is damaged: it is no text. Put it back from your backup.")
    return values


def _new_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PATIENT_DATA_KEYS": f"k1:{_random_base64(PATIENT_KEY_BYTES)}",
        "BLIND_INDEX_KEY": _random_base64(BLIND_INDEX_KEY_BYTES),
    }


def _random_base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode("ascii")


def _check(keys: Mapping[str, str], where: Mapping[str, str]) -> None:
    for name in KEY_NAMES:
        if not keys.get(name):
            raise Refused(f"{name} is missing{where[name]}.")
    patient_keys = [key.strip().partition(":") for key in keys["PATIENT_DATA_KEYS"].split(",")]
    if not all(key_id and _length(text) == PATIENT_KEY_BYTES for key_id, _, text in patient_keys):
        raise Refused(
            f"PATIENT_DATA_KEYS is malformed{where['PATIENT_DATA_KEYS']}: "
            "it must be name:base64 of 64 bytes, more after commas."
        )
    if _length(keys["BLIND_INDEX_KEY"]) < BLIND_INDEX_KEY_BYTES:
        raise Refused(
            f"BLIND_INDEX_KEY is malformed{where['BLIND_INDEX_KEY']}: it must be base64 of 32 bytes or more."
        )


def _length(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return 0
