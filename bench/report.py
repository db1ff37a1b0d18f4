"""Writes bench/results.json, docs/performance.md and its chart from one run's verdicts."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from budgets import Verdict
from chart import Bar, chart
from forms import FORMS, Form

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "pictures" / "performance.svg"
NOTES = "performance-notes.md"
PARTS = {
    "pages": "Pages, against the signed-in page of one query",
    "statements": "Statements of each page",
    "neighbours": "The smallest practice beside all others, against alone",
    "throughput": "Answers a second, 16 clients",
    "search": "Type-ahead in PostgreSQL",
    "lists": "The week's thank-you lists, against one statement",
    "tick": "The tick",
    "import": "Import, against COPY and insert",
    "export": "Export",
    "weight": "What a browser fetches",
    "memory": "Memory",
    "start": "Start",
}


def circumstances(form: Form, *, postgres: str, seconds: float, not_run: Sequence[str]) -> dict[str, Any]:
    """Where, when and of what the run was."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return {
        "form": form.name,
        "sizes": asdict(form),
        "is_cut": form != FORMS[form.name],
        "not_run": list(not_run),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "commit": commit.stdout.strip() or "unknown",
        "machine": {
            "processor": model[0] if model else platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(int(memory.split()[1]) / 2**20, 1),
            "load_after": [round(load, 1) for load in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            "postgresql": postgres,
            **{name: version(name) for name in ("Django", "gunicorn", "psycopg2-binary", "celery")},
        },
    }


def write(
    verdicts: Sequence[Verdict],
    plans: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    *,
    results: Path,
    page: Path | None,
) -> None:
    """The results as JSON, and the page for people where one is asked for."""
    content = {**run, "figures": [verdict.as_json() for verdict in verdicts], "plans": list(plans)}
    results.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if page is None:
        return
    at = _largest(verdicts)
    if bars := _bars(verdicts, at):
        CHART.write_text(chart(f"Pages in a practice with {at}", bars), encoding="utf-8")
    page.write_text(_page(verdicts, plans, run, has_chart=bool(bars)), encoding="utf-8")


def _largest(verdicts: Sequence[Verdict]) -> str:
    """The installation measured last: they grow."""
    return next((v.figure.at for v in reversed(verdicts) if v.figure.part == "pages"), "")


def _bars(verdicts: Sequence[Verdict], at: str) -> list[Bar]:
    return [
        Bar(verdict.figure.what, verdict.figure.value, float(verdict.bound.split()[2]))
        for verdict in verdicts
        if verdict.figure.part == "pages" and verdict.figure.at == at and verdict.bound
    ]


def _page(
    verdicts: Sequence[Verdict],
    plans: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    *,
    has_chart: bool,
) -> str:
    machine, versions = run["machine"], run["versions"]
    steps = [step["referrals"] for step in run["sizes"]["steps"]]
    size = f"installations of {', '.join(f'{number:,}' for number in steps)} referrals"
    size += " (the last one cut, and the lists with it)" if run["is_cut"] else ""
    not_run = (
        f" **Not run this time, or not to the end: {', '.join(run['not_run'])}.**" if run["not_run"] else ""
    )
    exceeded = [verdict for verdict in verdicts if not verdict.is_held]
    lines = [
        "# Performance",
        "",
        "Written by `make bench` (`bench/run.py`); what was tried and what it means stands in"
        f" [{NOTES}]({NOTES}), by hand. Trust the ratios: each is to a floor measured in the same run, by turns.",
        "",
        f"The {run['form']} form, {run['date']}, commit `{run['commit'][:12]}`, {run['seconds']} s: {size}.{not_run}",
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; load of the last 1, 5 and 15"
        f" minutes at the end: {', '.join(map(str, machine['load_after']))}."
        f" {', '.join(f'{name} {number}' for name, number in versions.items())}.",
        "",
        f"**{len(exceeded)} of {sum(1 for v in verdicts if v.bound)} bounds are exceeded.**"
        if exceeded
        else "**Every bound is held.**",
        "",
    ]
    if has_chart:
        lines += [f"![{_largest(verdicts)}](pictures/{CHART.name})", ""]
    for part, title in PARTS.items():
        lines += _table(title, [verdict for verdict in verdicts if verdict.figure.part == part])
    return "\n".join([*lines, *_plans(plans)]).rstrip() + "\n"


def _table(title: str, verdicts: Sequence[Verdict]) -> list[str]:
    if not verdicts:
        return []
    lines = [
        f"## {title}",
        "",
        "| what | of | value | budget | median, p95 | floor | |",
        "|---|---|---|---|---|---|---|",
    ]
    for verdict in verdicts:
        figure = verdict.figure
        cells = [
            figure.what,
            figure.at,
            f"{figure.value:.2f} {figure.unit}"
            if figure.value < 10 and not isinstance(figure.value, int)
            else f"{figure.value:.0f} {figure.unit}",
            verdict.bound,
            f"{figure.timing.median:.1f}, {figure.timing.p95:.1f} ms"
            if figure.timing
            else _in_words(figure.more),
            f"{figure.floor.median:.1f}, {figure.floor.p95:.1f} ms" if figure.floor else "",
            "" if verdict.is_held else "**exceeded**",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _in_words(more: Mapping[str, Any]) -> str:
    numbers = {name: value for name, value in more.items() if isinstance(value, int | float)}
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())


def _plans(plans: Sequence[Mapping[str, Any]]) -> list[str]:
    if not plans:
        return []
    lines = [
        "## The heaviest statements",
        "",
        "Those of the pages that took the most of PostgreSQL's time under the rounds (`pg_stat_statements`).",
        "",
    ]
    for plan in plans:
        lines += [
            f"### {plan['page']}: {plan['calls']} calls, {plan['total_ms']:.0f} ms",
            "", "```sql", plan["sql"][:1500], "```", "", "```", plan["plan"], "```", "",
        ]  # fmt: skip
    return lines
