"""All measures of one form, beside servers that bench/run.py has started."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
for command in ("migrate", "collectstatic"):
    subprocess.run(
        [sys.executable, "manage.py", command, "--noinput", "--verbosity", "0"], check=True, cwd=ROOT
    )
django.setup()

from beside import import_figures, list_figures, tick_figures
from budgets import Verdict, judged
from django.db import connections
from forms import FORMS, Form
from installation import ALONE, EMPTY, MAIN, Installation, sign_in
from measuring import Figure
from pages import (
    PAGES,
    export_figures,
    logging_figure,
    memory_figures,
    neighbour_figures,
    page_figures,
    throughput_figure,
    weight_figures,
)
from production import cold_starts, copy_database, serving, superuser_of
from report import PAGE, RESULTS, circumstances, write
from statements import (
    asked_by_pages,
    count_from_here,
    heaviest_plans,
    search_figures,
    statement_figures,
)

from practices.encryption import verify_keys


class Run:
    """One run: its figures as they come, and the plans."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.figures: list[Figure] = []
        self.plans: list[dict[str, Any]] = []
        self.begun = perf_counter()

    def pages(self) -> Iterator[Figure]:
        """The installation grows step by step; the first practice is then asked beside all others, and alone."""
        installation, (first, *later) = Installation(), self.form.steps
        small = practice = installation.grow(
            practice=first.practice, total=first.referrals, other=self.form.other
        )
        sessions = {role: sign_in(small, role).session for role in PAGES}
        connections.close_all()
        copy_database(MAIN, ALONE)
        for step in (first, *later):
            if step is not first:
                practice = installation.grow(
                    practice=step.practice, total=step.referrals, other=self.form.other
                )
            at = f"{step.practice:,} of {step.referrals:,} referrals"
            if step is not self.form.steps[-1] and not self.form.asks_at_each_step:
                continue
            count_from_here()
            with serving(MAIN) as web:
                yield from page_figures(web, practice, at=at, rounds=self.form.rounds)
                yield logging_figure(web, practice, at=at, rounds=self.form.rounds)
        asked = asked_by_pages(practice)
        yield from statement_figures(asked, at=at)
        self.plans = heaviest_plans(practice, asked)
        yield from self._neighbours(small, sessions, at=f"{first.practice:,} of {step.referrals:,} referrals")
        with serving(MAIN) as web:
            yield throughput_figure(web, practice, at=at, seconds=self.form.throughput_seconds)
            yield from weight_figures(web, practice)
            yield from export_figures(
                web, practice, rows=self.form.exported, at=f"{self.form.exported:,} rows"
            )
            yield from memory_figures(web, practice, at=at, seconds=self.form.load_seconds)

    def _neighbours(self, small: Any, sessions: Any, *, at: str) -> Iterator[Figure]:
        for database in (MAIN, ALONE):
            with (
                closing(superuser_of(database)) as link,
                link.cursor() as sql,
            ):  # seeding took longer than one may idle
                sql.execute("UPDATE practices_session SET active_at = now(), expire_date = now() + '1 day'")
                sql.execute("VACUUM (ANALYZE)")
        with serving(MAIN) as beside, serving(ALONE) as alone:
            yield from neighbour_figures(beside, alone, small, sessions, at=at, rounds=self.form.rounds)

    def search(self) -> Iterator[Figure]:
        """Practices with many providers."""
        for providers in self.form.providers:
            yield from search_figures(providers, rounds=self.form.rounds)

    def files(self) -> Iterator[Figure]:
        """Import, on a database of its own."""
        yield from import_figures(self.form.imported, self.form.import_rounds)

    def lists(self) -> Iterator[Figure]:
        """The week's lists."""
        practices, referrals = self.form.listed
        yield from list_figures(practices, referrals, self.form.list_rounds)

    def ticks(self) -> Iterator[Figure]:
        """The tick over few and many practices."""
        for ticked in self.form.ticked:
            yield from tick_figures(ticked)

    def start(self) -> Iterator[Figure]:
        """Cold starts of the whole product, and the memory of each of its processes."""
        seconds, memory = cold_starts()
        for which, took in seconds.items():
            yield Figure("start", f"{which} start, until pages are served", "", took, "s")
        for part, mb in memory.items():
            yield Figure("memory", f"{part}, with the demo", "", mb, "MB")

    def parts(self) -> dict[str, Callable[[], Iterator[Figure]]]:
        """Every part by the name it is asked for."""
        return {name: getattr(self, name) for name in ("start", "files", "ticks", "lists", "pages", "search")}


def main() -> int:
    """Measure, write, tell, and return 1 when a bound is exceeded."""
    wanted = _arguments()
    run = Run(_form(wanted))
    verify_keys()
    with closing(superuser_of(MAIN)) as link, link.cursor() as sql:
        sql.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        sql.execute("SHOW server_version")
        (postgres,) = sql.fetchone()
    connections.close_all()
    copy_database(MAIN, EMPTY)
    done: list[str] = []
    for name in wanted.only or run.parts():
        print(f"{name}, after {perf_counter() - run.begun:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
        for figure in run.parts()[name]():
            run.figures.append(figure)
            print(f"  {_told(judged([figure], form=run.form.name)[0])}", flush=True)
            _keep(run, done, postgres, wanted.results)
        done.append(name)
    _keep(run, done, postgres, wanted.results)
    verdicts = judged(run.figures, form=run.form.name)
    late = [verdict for verdict in verdicts if not verdict.is_held]
    print(
        f"{perf_counter() - run.begun:.0f} s; "
        + ("every bound is held" if not late else f"{len(late)} bounds are exceeded:")
    )
    for verdict in late:
        print(f"  {_told(verdict)}")
    return 1 if late else 0


def _keep(run: Run, done: list[str], postgres: str, results: Path) -> None:
    """After each figure, since a run that is cut short leaves what it has; `done` are the parts that are whole."""
    seconds = perf_counter() - run.begun
    not_run = [part for part in run.parts() if part not in done]
    said = circumstances(run.form, postgres=postgres, seconds=seconds, not_run=not_run)
    verdicts = judged(run.figures, form=run.form.name)
    write(verdicts, run.plans, said, results=results, page=PAGE if results == RESULTS else None)


def _told(verdict: Verdict) -> str:
    figure = verdict.figure
    bound = f", {verdict.bound}" if verdict.bound else ""
    passed = "" if verdict.is_held else "  EXCEEDED"
    return f"{figure.what:<42}{figure.value:9.2f} {figure.unit}{bound} [{figure.at}]{passed}"


def _form(wanted: argparse.Namespace) -> Form:
    form = FORMS[wanted.form]
    form = form.cut_to(wanted.referrals) if wanted.referrals else form
    return replace(form, rounds=wanted.rounds) if wanted.rounds else form


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=FORMS, default="default")
    parser.add_argument("--only", nargs="+", choices=list(Run(FORMS["short"]).parts()))
    parser.add_argument("--referrals", type=int, help="cut the largest installation to so many")
    parser.add_argument("--rounds", type=int, help="other than the form's")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
