"""Every setting is documented and checked."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from referralcrm.embedded.configuration import BASE_DIR

SETTINGS = (BASE_DIR / "referralcrm" / "settings.py").read_text()
READ_BY_SETTINGS = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
READ_BY_MACHINE = {"PORT", "DATA_DIR", "BACKUP_HOURS"}


def documented() -> set[str]:
    return set(
        re.findall(r"^\| `([A-Z_]+)` \|", (BASE_DIR / "docs" / "settings.md").read_text(), re.MULTILINE)
    )


def test_documentation_lists_every_setting_and_no_other():
    assert documented() == READ_BY_SETTINGS | READ_BY_MACHINE


def test_documented_defaults_are_those_of_the_code():
    numbers = dict(re.findall(r'env\.int\("([A-Z_]+)", default=(\d+)\)', SETTINGS))
    text = (BASE_DIR / "docs" / "settings.md").read_text()
    assert numbers
    for name, default in numbers.items():
        assert f"| `{name}` | `{default}` |" in text


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PATIENT_DATA_KEYS", "BLIND_INDEX_KEY"]
)
def test_missing_setting_is_named_in_one_line(name):
    environ = {key: value for key, value in os.environ.items() if key not in (name, f"{name}_FILE")}
    if name == "DATABASE_URL":
        environ["DATA_DIR"] = "/nonexistent"
    found = manage("check", environ)
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert name in found.stderr


def test_a_setting_may_lie_in_a_file_alone_or_among_lines(tmp_path):
    shown = "from django.conf import settings as s; print(s.SECRET_KEY)"
    for text in ("a" * 50 + "\n", f"OTHER=1\nSECRET_KEY={'a' * 50}\n"):
        (tmp_path / "secret").write_text(text)
        environ = {**os.environ, "SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "secret")}
        assert manage("shell", environ, "-v0", "-c", shown).stdout == "a" * 50 + "\n"
    refused = manage("check", {**environ, "SECRET_KEY_FILE": str(tmp_path / "nowhere")})
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "SECRET_KEY_FILE" in refused.stderr


def test_empty_setting_is_not_set_and_a_dollar_sign_is_itself():
    environ = {**os.environ, "SESSION_HOURS": "", "DEBUG": "", "SECRET_KEY": "$HOME" + "x" * 50}
    shown = manage(
        "shell", environ, "-v0", "-c", "from django.conf import settings as s; print(s.SECRET_KEY)"
    )
    assert shown.stdout == "$HOME" + "x" * 50 + "\n"


def test_address_of_a_socket_keeps_its_letters():
    environ = {**os.environ, "DATABASE_URL": "postgresql://me:p%40ss@%2Frun%2FPostgreSQL/Data"}
    shown = "from django.conf import settings as s; d = s.APP_DATABASE; print(*map(d.get, ['HOST', 'PASSWORD', 'NAME']))"
    assert manage("shell", environ, "-v0", "-c", shown).stdout == "/run/PostgreSQL p@ss Data\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a:secret@b/c"),
        ("DATABASE_URL", "postgresql://a:secret@b:port/c"),
        ("DATABASE_URL", "postgresql://a:secret@b/"),
        ("OWNER_DATABASE_URL", "secret"),
        ("REDIS_URL", "http://secret"),
        ("EMAIL_URL", "pigeon://secret"),
        ("DEBUG", "perhaps"),
        ("SESSION_HOURS", "long"),
        ("TICK_SECONDS", "1.5"),
    ],
)
def test_malformed_setting_is_named_and_not_repeated(name, value):
    found = manage("check", {**os.environ, name: value})
    assert found.returncode == 1
    assert found.stderr.startswith(f"{name} is malformed: ")
    assert found.stderr.count("\n") == 1
    assert "secret" not in found.stderr


def manage(command: str, environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(BASE_DIR / "manage.py"), command, *options]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60)


class TestCompose:
    compose = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())

    def test_every_process_is_there_and_says_whether_it_is_well(self):
        services = self.compose["services"]
        assert set(services) == {"postgres", "valkey", "migrate", "web", "worker", "beat", "backup"}
        end_by_themselves = {"migrate", "backup"}
        assert all("healthcheck" in services[name] for name in services.keys() - end_by_themselves)

    def test_product_is_given_known_settings_and_all_it_needs(self):
        for name in ("migrate", "web", "worker", "beat"):
            given = set(self.compose["services"][name]["environment"])
            assert given <= READ_BY_SETTINGS
            assert given >= {
                "SECRET_KEY",
                "DATABASE_URL",
                "REDIS_URL",
                "PATIENT_DATA_KEYS",
                "BLIND_INDEX_KEY",
            }

    def test_only_the_migration_knows_the_owner(self):
        for name in ("web", "worker", "beat"):
            assert "OWNER" not in str(self.compose["services"][name])

    def test_every_secret_it_asks_for_stands_in_the_guide(self):
        asked = set(re.findall(r"\$\{([A-Z_]+)", (BASE_DIR / "compose.yaml").read_text()))
        guide = (BASE_DIR / "docs" / "install.md").read_text()
        env_file = guide.partition("cat > .env <<'END'\n")[2].partition("END\n")[0]
        assert asked == set(re.findall(r"^([A-Z_]+)=", env_file, re.MULTILINE))
