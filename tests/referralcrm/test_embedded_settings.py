"""What the environment asks of a machine, and what it answers to nonsense."""

import os
import pwd
import socket

import pytest

from referralcrm.embedded import folder as folder_module
from referralcrm.embedded.configuration import Refused, read_configuration
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.processes import Command, start, with_log


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "abc"}, "PORT must be a number from 1 to 65535, not 'abc'."),
        ({"PORT": "70000"}, "PORT must be a number from 1 to 65535, not '70000'."),
        ({"PORT": "²"}, "PORT must be a number from 1 to 65535, not '²'."),
        ({"DEMO": "perhaps"}, "DEMO must be 1 or 0, not 'perhaps'."),
        (
            {"DATABASE_URL": "mysql://a:secret@b/c"},
            "DATABASE_URL is malformed: it must start with postgresql://",
        ),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is malformed: it must start with postgresql://"),
        (
            {"DATABASE_URL": "postgresql://[::1/c"},
            "DATABASE_URL is malformed: it must start with postgresql://",
        ),
        ({"REDIS_URL": "http://b"}, "REDIS_URL is malformed: it must start with redis://"),
        ({"OWNER_DATABASE_URL": "postgresql://a/b"}, "OWNER_DATABASE_URL is set, but DATABASE_URL is not."),
    ],
)
def test_malformed_setting_is_named_in_one_sentence(environ, sentence):
    with pytest.raises(Refused) as refused:
        read_configuration(environ)
    assert str(refused.value) == sentence


def test_sentence_comes_without_a_traceback(make_machine):
    refused = make_machine(PORT="abc").run("run")
    assert refused.returncode == 1
    assert refused.stderr == "PORT must be a number from 1 to 65535, not 'abc'.\n"


def test_empty_settings_count_as_not_given():
    configuration = read_configuration(
        {"PORT": "", "DEMO": "", "DATABASE_URL": "", "REDIS_URL": "", "DATA_DIR": ""}
    )
    assert configuration == read_configuration({})
    assert (configuration.port, configuration.demo, configuration.data_dir.name) == (8000, True, "var")


def test_port_in_use_is_said_before_anything_is_written(make_machine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        machine = make_machine(PORT=str(port))
        refused = machine.run("run")
    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} cannot be used (address already in use): choose another PORT.\n"
    assert not machine.data_dir.exists()


def test_full_disk_is_said_before_anything_is_started(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "LEAST_FREE_MB", 10**12)
    with pytest.raises(Refused, match=f"The disk that holds {tmp_path} is full"), DataFolder(tmp_path).held():
        pass


def test_disk_that_filled_meanwhile_is_what_is_said_of_the_log(tmp_path):
    log = tmp_path / "var" / "logs" / "initdb.log"
    log.parent.mkdir(parents=True)
    child = start(Command("initdb", ["echo", "initdb: error: could not write: No space left on device"], log))
    child.process.wait()
    assert with_log("PostgreSQL did not start", child) == (
        f"PostgreSQL did not start: the disk that holds {tmp_path / 'var'} is full."
    )


def test_only_what_this_start_said_is_shown(tmp_path):
    log = tmp_path / "web.log"
    log.write_text("of an earlier start\n")
    child = start(Command("The web server", ["echo", "of this one"], log))
    child.process.wait()
    assert with_log("It ended", child) == f"It ended. The end of {log}:\nof this one"


def test_folder_that_is_a_file_is_refused(make_machine, tmp_path):
    (tmp_path / "var").write_text("a file")
    refused = make_machine().exec("true")
    assert refused.stderr == f"The folder {tmp_path / 'var'} cannot be made (File exists).\n"


def test_keys_that_cannot_be_made_are_said_with_their_place(machine):
    keys = machine.data_dir.with_name("var-keys")
    keys.write_text("a file")
    refused = machine.exec("true")
    assert refused.stderr == f"It cannot go on: {keys}: file exists.\n"


def test_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    owner = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    with pytest.raises(Refused, match=f"belongs to {owner}: start as that user"), DataFolder(tmp_path).held():
        pass


def test_database_out_of_reach_is_said_without_its_password(machine):
    machine.environ["DATABASE_URL"] = "postgresql://somebody:secret@127.0.0.1:1/nothing"
    refused = machine.exec("true")
    assert refused.returncode == 1
    assert refused.stderr.startswith("The database that DATABASE_URL names cannot be reached: ")
    assert "secret" not in refused.stderr
