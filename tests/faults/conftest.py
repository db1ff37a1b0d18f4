"""What the fault tests begin from."""

from pathlib import Path

import pytest

from tests.faults.stack import running_stack


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated, empty database and its keys, to be copied: migrating takes longest."""
    folder = tmp_path_factory.mktemp("migrated")
    with running_stack(folder):
        pass
    return folder
