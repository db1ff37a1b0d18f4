"""The keys to the patients' data: made once, kept apart from the data they open."""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from practices.secret_files import value_in_file
from referralcrm.embedded.configuration import Refused
from referralcrm.embedded.env_files import read_env_file, write_env_file
from referralcrm.embedded.folder import DataFolder

KEY_NAMES = ("SECRET_KEY", "PATIENT_DATA_KEYS", "BLIND_INDEX_KEY")
PATIENT_KEY_BYTES = 64  # AES-SIV takes two keys of 256 bits
BLIND_INDEX_KEY_BYTES = 32


def keys_for(
    folder: DataFolder, *, holds_database: bool, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return how all keys are found: those given, else those on file, made before a database.

    Those on file are named by their file, where whatever runs sees a new one (`new_key`).
    """
    given = _given(environ)
    on_file = {} if len(given) == len(KEY_NAMES) else _on_file(folder, holds_database)
    path = str(folder.keys_env)
    _check({**on_file, **given}, {name: "" if name in given else f" in {path}" for name in KEY_NAMES})
    return {f"{name}_FILE": path for name in KEY_NAMES if name not in given} | (
        {"KEYS_FILE": path} if on_file else {}
    )


def new_key(folder: DataFolder) -> str:
    """Put a new key to the patients' data before those on file, and say its name."""
    if not folder.keys_env.exists():
        raise Refused(f"There are no keys in {folder.keys_env}: the environment gives them.")
    keys = _read(folder.keys_env)
    _check(keys, dict.fromkeys(KEY_NAMES, f" in {folder.keys_env}"))
    older = keys["PATIENT_DATA_KEYS"].split(",")
    numbers = [int(pair.strip()[1:].partition(":")[0]) for pair in older if re.match(r" *k[0-9]{1,9}:", pair)]
    name = f"k{max(numbers, default=0) + 1}"
    keys["PATIENT_DATA_KEYS"] = ",".join([f"{name}:{_random_base64(PATIENT_KEY_BYTES)}", *older])
    write_env_file(folder.keys_env, keys)
    return name


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """The keys that the environment says, or the files that it names."""
    given = {}
    for name in KEY_NAMES:
        path = environ.get(f"{name}_FILE", "")
        try:
            text = environ.get(name) or (value_in_file(path, name) if path else "")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{name}_FILE names a file that can't be read: {path}.") from error
        if text:
            given[name] = text
    return given


def keys_copied_to(folder: Path) -> dict[str, str]:
    """Return the keys of a copied folder, those given by the environment first; none are made."""
    path = folder / "keys.env"
    given = _given(os.environ)
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
    index_keys = [key.strip().rpartition(":")[2] for key in keys["BLIND_INDEX_KEY"].split(",")]
    if not all(_length(text) >= BLIND_INDEX_KEY_BYTES for text in index_keys):
        raise Refused(
            f"BLIND_INDEX_KEY is malformed{where['BLIND_INDEX_KEY']}: it must be base64 of 32 bytes or more."
        )


def _length(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return 0
