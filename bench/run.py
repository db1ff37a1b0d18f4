"""Measures the product's speed and holds it against its budgets (bench/budgets.toml).

    python bench/run.py [--form short|default|large] [--only pages search …] [--referrals 350000]

Starts PostgreSQL and Valkey as on one machine, in a folder that goes after, and runs bench/measure.py beside them.
Results: bench/results.json and docs/performance.md. Exits with 1 when a budget is exceeded.
"""

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from production import ROOT, clean_environ

from referralcrm.embedded.beside import run_beside_servers
from referralcrm.embedded.configuration import Configuration
from referralcrm.embedded.servers import running_servers


def main() -> int:
    """Start the servers, measure beside them, and return the exit code."""
    kept = clean_environ()
    os.environ.clear()
    os.environ.update(kept)
    with tempfile.TemporaryDirectory(prefix="referralcrm-bench-", ignore_cleanup_errors=True) as parent:
        folder = Path(parent) / "var"
        # The seeder's members sign in at a demo alone.
        configuration = Configuration(folder, port=8000, demo=True, database_url=None, redis_url=None)
        _count_statements(configuration)
        measure = [sys.executable, str(ROOT / "bench" / "measure.py"), *sys.argv[1:]]
        return run_beside_servers(configuration, measure, folder, for_tests=False)


def _count_statements(configuration: Configuration) -> None:
    """From its next start on, PostgreSQL keeps what each statement takes."""
    with (
        running_servers(configuration) as servers,
        closing(psycopg2.connect(servers.environ["BACKUP_DATABASE_URL"])) as link,
    ):
        link.autocommit = True
        with link.cursor() as sql:
            sql.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")


if __name__ == "__main__":
    sys.exit(main())
