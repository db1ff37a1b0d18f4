"""The keys to the patients' data: made once, apart from the data, never made anew over a database."""

import base64

import pytest

from referralcrm.embedded.env_files import read_env_file
from referralcrm.embedded.keys import KEY_NAMES

SHOW = [
    "sh",
    "-c",
    'cat "$PATIENT_DATA_KEYS_FILE" /dev/null; echo "$SECRET_KEY $PATIENT_DATA_KEYS $BLIND_INDEX_KEY"',
]


def keys_file(machine):
    return machine.data_dir.with_name(machine.data_dir.name + "-keys") / "keys.env"


def test_first_start_makes_keys_for_their_user_alone(machine):
    machine.exec("true")
    path = keys_file(machine)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    keys = read_env_file(path)
    assert set(keys) == set(KEY_NAMES)
    key_id, _, text = keys["PATIENT_DATA_KEYS"].partition(":")
    assert key_id == "k1"
    assert len(base64.b64decode(text)) == 64
    assert len(base64.b64decode(keys["BLIND_INDEX_KEY"])) == 32


def test_next_start_has_the_same_keys(machine):
    assert machine.exec(*SHOW).stdout == machine.exec(*SHOW).stdout


def test_two_machines_have_different_keys(make_machine):
    one, other = make_machine("one"), make_machine("other")
    assert not set(one.exec(*SHOW).stdout.split()) & set(other.exec(*SHOW).stdout.split())


def test_database_without_its_keys_is_refused_before_anything_is_written(machine):
    machine.exec("true")
    path = keys_file(machine)
    path.rename(path.with_name("elsewhere"))
    before = sorted((file, file.stat().st_mtime_ns) for file in (machine.data_dir / "postgres").rglob("*"))
    refused = machine.exec("true")
    assert refused.returncode == 1
    assert "its keys are missing" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not path.exists()
    assert before == sorted(
        (file, file.stat().st_mtime_ns) for file in (machine.data_dir / "postgres").rglob("*")
    )


def test_keys_put_back_open_the_database_again(machine):
    machine.exec("true")
    path = keys_file(machine)
    path.rename(path.with_name("elsewhere"))
    machine.exec("true")
    path.with_name("elsewhere").rename(path)
    assert machine.exec("true").returncode == 0


def test_keys_given_come_before_those_on_file_and_none_are_made(machine):
    machine.environ |= {
        "SECRET_KEY": "a" * 50,
        "PATIENT_DATA_KEYS": "given:" + base64.b64encode(bytes(64)).decode(),
        "BLIND_INDEX_KEY": base64.b64encode(bytes(32)).decode(),
    }
    shown = machine.exec(*SHOW).stdout.split()
    assert shown == [machine.environ[name] for name in KEY_NAMES]
    assert not keys_file(machine).exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATIENT_DATA_KEYS", "k1:not-base64"),
        ("PATIENT_DATA_KEYS", "k1:" + base64.b64encode(bytes(16)).decode()),
        ("PATIENT_DATA_KEYS", base64.b64encode(bytes(64)).decode()),
        ("BLIND_INDEX_KEY", "short"),
    ],
)
def test_malformed_key_is_named_and_not_repeated(machine, name, value):
    machine.environ[name] = value
    refused = machine.exec("true")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{name} is malformed")
    assert value not in refused.stderr
    assert not (machine.data_dir / "postgres").exists()


@pytest.mark.parametrize("garbled", [b"\xff\xfe\x00binary", b"SECRET_KEY=a\0b\n", b""])
def test_damaged_keys_are_named_and_not_made_anew(machine, garbled):
    machine.exec("true")
    keys_file(machine).write_bytes(garbled)
    refused = machine.exec("true")
    assert refused.returncode == 1
    assert str(keys_file(machine)) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert keys_file(machine).read_bytes() == garbled
