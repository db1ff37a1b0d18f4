"""Web server and worker of an installation by hand, started before or beside their first migration."""

import base64
import json
import secrets
import sys

import pytest

# Runs beside servers of its own: a web server first, then the migration.
EARLY_WEB_SERVER = """
import http.client, json, socket, subprocess, sys, time
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

def ask(path):
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            return [answer.status, answer.read().decode()]
        except OSError:
            time.sleep(0.1)

options = ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
web = subprocess.Popen([sys.executable, "-m", "gunicorn", "referralcrm.wsgi", *options])
try:
    before = [ask(path) for path in ("/healthz", "/readyz", "/")]
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
    after = [ask(path)[0] for path in ("/healthz", "/readyz", "/")]
finally:
    web.terminate()
    web.wait()
print(json.dumps([before, after]))
"""


def test_web_server_before_the_first_migration_says_that_it_is_not_ready_and_then_serves(machine):
    said = machine.python(EARLY_WEB_SERVER)
    assert said.returncode == 0, said.stderr
    (healthz, readyz, page), after = json.loads(said.stdout.splitlines()[-1])
    assert healthz == [200, '{"status": "ok"}']
    assert readyz[0] == 503
    assert json.loads(readyz[1])["migrations"] == "unapplied"
    assert page == [503, "Referral CRM waits for its database. Try again in a moment.\n"]
    assert after == [200, 200, 302]  # to the sign-in


@pytest.mark.parametrize(
    ("environ", "migrates", "reason"),
    [
        ({}, False, "run migrate first"),
        (
            {"PATIENT_DATA_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(64)).decode()}"},
            True,
            "not the keys",
        ),
    ],
    ids=["no tables", "wrong keys"],
)
def test_worker_that_can_not_verify_its_keys_ends_with_a_sentence(machine, environ, migrates, reason):
    worker = [sys.executable, "-m", "celery", "-A", "referralcrm", "worker", "--concurrency", "1"]
    if migrates:
        assert machine.exec(sys.executable, "manage.py", "migrate", "-v0").returncode == 0
        assert machine.python("import referralcrm.wsgi").returncode == 0  # notes the right ones
    ended = machine.exec("env", *(f"{name}={value}" for name, value in environ.items()), *worker)
    assert ended.returncode == 1, ended.stderr
    assert reason in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
