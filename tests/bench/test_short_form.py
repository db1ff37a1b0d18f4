"""The bench's short form: every measure is taken, and no budget that holds at its size is grossly exceeded."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUDGETS = tomllib.loads((ROOT / "bench" / "budgets.toml").read_text())
PARTS = {
    "pages",
    "statements",
    "neighbours",
    "throughput",
    "search",
    "lists",
    "tick",
    "import",
    "export",
    "weight",
    "memory",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[subprocess.CompletedProcess, dict]:
    """It starts servers of its own: the tests' have their writing to disk switched off."""
    results = tmp_path_factory.mktemp("bench") / "results.json"
    argv = [sys.executable, "bench/run.py", "--form", "short", "--results", str(results)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert results.exists(), done.stdout + done.stderr
    return done, json.loads(results.read_text())


def test_every_measure_is_taken(run):
    _done, results = run
    figures = results["figures"]
    assert {figure["part"] for figure in figures} == {*PARTS, "start"}
    assert all(figure["value"] > 0 for figure in figures if figure["budget"] != "export_memory")
    budgets = {
        name for name in BUDGETS if name not in ("tolerance", "search_100k")
    }  # one practice is searched
    assert {figure["budget"] for figure in figures} - {""} == budgets
    assert len(results["plans"]) == 5
    assert all("Buffers: shared" in plan["plan"] and plan["calls"] for plan in results["plans"])


def test_no_budget_is_grossly_exceeded(run):
    done, results = run
    exceeded = [
        f"{figure['what']}: {figure['value']:.2f} {figure['unit']}, {figure['bound']}"
        for figure in results["figures"]
        if not figure["passed"]
    ]
    assert exceeded == []
    assert done.returncode == 0, done.stdout + done.stderr
