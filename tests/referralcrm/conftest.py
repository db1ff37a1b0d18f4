"""Machines that end with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.referralcrm.machine import Machine


@pytest.fixture
def make_machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def make(data_dir: Path | str = "var", **environ: str) -> Machine:
        made.append(Machine(tmp_path / data_dir, **environ))
        return made[-1]

    yield make
    for machine in made:
        machine.end()


@pytest.fixture
def machine(make_machine: Callable[..., Machine]) -> Machine:
    return make_machine()
