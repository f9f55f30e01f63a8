"""The floors of the house: each room imports only rooms that stand above it (docs: architecture)."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"

# From the top down. `testing` serves tests alone; `demo` walks the main job through every room.
FLOORS = [
    "batch", "core", "registry", "needs", "assessment", "discovery", "enrolment", "payments", "relief", "budget", "complaints", "community",
    "protection", "institutions", "volunteering", "resources", "reports", "portal", "api", "config", "demo", "cli", "testing",
]  # fmt: skip
LONGEST_FILE = 500


def modules(folder: Path = SOURCE) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if not {"tests", "__pycache__"} & set(path.relative_to(SOURCE).parts):
            yield path


def imports(path: Path, text: str | None = None) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of every import of a file, those inside functions too; `from a import b` counts as a and as a.b."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8") if text is None else text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*parts[: len(parts) - node.level], *([node.module] if node.module else [])] if node.level else [node.module or ""]
            yield node.lineno, ".".join(base)
            yield from ((node.lineno, ".".join([*base, name.name])) for name in node.names)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "doudi" and len(parts) > 1 else None


def fault(path: Path, module: str) -> str | None:
    """What is wrong with a file's import of `module`, or None."""
    parts = path.relative_to(SOURCE).parts
    top = module.split(".")[0]
    if parts[0] == "openfisca_henan":
        return f"the law imports {top}" if top in ("doudi", "django", "psycopg", "duckdb") else None
    here = parts[1].removesuffix(".py")
    if here == "batch" and top == "django":
        return "batch knows no Django"
    there = room_of(module)
    if there not in FLOORS or here not in FLOORS:
        return None
    return f"{here} imports {there}, which stands below it" if FLOORS.index(there) > FLOORS.index(here) else None


def test_every_room_has_a_floor() -> None:
    rooms = {path.name.removesuffix(".py") for path in (SOURCE / "doudi").iterdir() if path.name not in ("__init__.py", "__pycache__")}
    code = {room for room in rooms if (SOURCE / "doudi" / f"{room}.py").exists() or (SOURCE / "doudi" / room / "__init__.py").exists()}
    assert code <= set(FLOORS), f"no floor for {code - set(FLOORS)}"


def test_each_room_imports_only_rooms_above_it() -> None:
    found = {f"{path.relative_to(SOURCE)}:{line}: {why}" for path in modules() for line, module in imports(path) if (why := fault(path, module))}
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("openfisca_henan/variables/x.py", "import doudi.core"),
        ("openfisca_henan/variables/x.py", "def f():\n    from django.db import models"),
        ("doudi/batch/x.py", "from django.conf import settings"),
        ("doudi/batch/x.py", "from doudi.core import keys"),
        ("doudi/registry/services.py", "from ..payments import models"),
        ("doudi/registry/services.py", "from .. import payments"),
        ("doudi/registry/services.py", "from doudi import payments"),
        ("doudi/core/x.py", "def f():\n    import doudi.registry.models"),
    ],
)
def test_an_import_from_below_is_found(place: str, text: str) -> None:
    path = SOURCE / place
    assert any(fault(path, module) for _line, module in imports(path, text))


def test_imports_from_above_are_allowed() -> None:
    path = SOURCE / "doudi/payments/services.py"
    text = "from doudi.registry import models\nfrom ..core.scope import acting\nimport openfisca_henan\nimport django\nfrom . import queries"
    assert not [module for _line, module in imports(path, text) if fault(path, module)]


def test_every_background_task_is_killed_in_the_fault_tests() -> None:
    """A new long task gets a case in `tests/faults/cases.py`, or a line there that says why it needs none."""
    found = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "background" in {ast.unparse(each).split("(")[0].split(".")[-1] for each in node.decorator_list}:
                found.add(".".join(path.relative_to(SOURCE).with_suffix("").parts) + f".{node.name}")
    cases = runpy.run_path(str(Path(__file__).parent / "faults" / "cases.py"))
    assert found == {*cases["PATHS"].values(), *cases["LEFT_OUT"]}
    assert not {*cases["PATHS"].values()} & {*cases["LEFT_OUT"]}
    assert set(cases["PATHS"]) == {*cases["CLOSELY"], *cases["OTHERS"]}


def test_every_daily_job_is_killed_in_the_fault_tests() -> None:
    """A new daily job gets its name in `tests/faults/cases.py`."""
    found = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "periodic.daily":
                found.add(ast.literal_eval(node.args[0]))
    cases = runpy.run_path(str(Path(__file__).parent / "faults" / "cases.py"))
    assert len(found) > 30 and sorted(found) == sorted(cases["DAILY"])


def test_no_file_is_two_rooms_in_one() -> None:
    """What tables and their guards say in one migration stays together, however long."""
    files = [path for path in modules() if "migrations" not in path.parts]
    assert len(files) > 500
    assert [f"{path.relative_to(SOURCE)}" for path in files if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE] == []
