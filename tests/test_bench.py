"""The benchmarks' suite: its fit, parts put together, its page, and a script that fails."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = str(Path(__file__).parents[1] / "bench")


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCH)
    import suite

    return suite


def row(*points: tuple[int, float], name: str = "Comparison", script: str = "compare") -> dict[str, Any]:
    found = [{"size": size, "on": "2026-11-27", "seconds": seconds, "ratio": 2.0, "peak_mb": 1} for size, seconds in points]
    return {"name": name, "script": script, "unit": "people", "baseline": "by hand", "goal": None, "points": found, "exponent": 1.0}


def results(*rows: dict[str, Any], form: str = "small") -> dict[str, Any]:
    machine = {"cores": 2, "memory_gib": 24, "processor": "x86_64", "python": "3.11"}
    return {"machine": machine, "form": form, "costs": list(rows)}


def test_growth_is_the_slope_between_logarithms(suite: ModuleType) -> None:
    assert suite.exponent([(n, 3.0 * n) for n in (1, 2, 4, 8)]) == pytest.approx(1)
    assert suite.exponent([(n, 0.5 * n**2) for n in (10, 20, 80)]) == pytest.approx(2)
    assert suite.exponent([(n, 7.0) for n in (1, 8)]) == pytest.approx(0) and suite.exponent([(1, 7.0)]) is None


def test_parts_measured_apart_are_put_together_and_the_later_counts(suite: ModuleType) -> None:
    before = [row((100, 1.0), (800, 99.0)), row((100, 5.0), name="Linkage", script="linkage")]
    found = suite.merged(before, [row((800, 8.0))])
    assert [each["script"] for each in found] == ["compare", "linkage"]
    assert [point["seconds"] for point in found[0]["points"]] == [1.0, 8.0] and found[0]["exponent"] == pytest.approx(1)


def test_the_page_keeps_its_words_and_the_other_form(suite: ModuleType, tmp_path: Path) -> None:
    from report import marks, write_page

    small, province = (marks(form) for form in ("small", "province"))
    page = tmp_path / "page.md"
    page.write_text("before\n" + "\n".join([*small, "between", *province]) + "\nafter: three times as fast\n", "utf-8")
    cycle = row((1000, 0.5), (8000, 1.0), name="Cycle: whole", script="cycle")
    write_page(results(row((100, 1.0), (800, 8.0)), cycle), page)
    write_page(results(row((10**8, 80.0)), form="province"), page)
    once = page.read_text("utf-8")
    write_page(results(row((100, 1.0), (800, 8.0)), cycle), page)
    assert page.read_text("utf-8") == once
    assert once.startswith("before\n") and "\nbetween\n" in once and once.endswith("\nafter: three times as fast\n")
    assert "100,000,000 people" in once.split("between")[1] and "800 people" in once.split("between")[0]
    assert "| whole | 0.500 ms | 0.125 ms |" in once
    assert {each.name for each in (tmp_path / "pictures").iterdir()} == {f"bench-{form}-{kind}.svg" for form in ("small", "province") for kind in ("growth", "ratio")}
    sizing = tmp_path / "scaling.md"
    sizing.write_text("before\n" + "\n".join(marks("row costs")) + "\nafter\n", "utf-8")
    write_page(results(row((10**6, 5.0), (5 * 10**6, 20.0)), form="province"), page)
    assert "| Comparison | 100,000,000 rows of departments | 20.0 s | 0.20 s |" in sizing.read_text("utf-8")
    write_page(results(row((100, 1.0), (800, 8.0)), cycle), page)
    assert "| 0.20 s |" in sizing.read_text("utf-8"), "small sizes size no province"
    page.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="lacks"):
        write_page(results(row((100, 1.0))), page)


def test_a_page_of_parts_names_their_first_and_last_day(suite: ModuleType, tmp_path: Path) -> None:
    from report import marks, write_page

    page = tmp_path / "page.md"
    page.write_text("\n".join(marks("small")), "utf-8")
    parts = row((100, 1.0), (800, 8.0))
    parts["points"][1]["on"] = "2026-12-01"
    write_page(results(parts), page)
    assert "on 2026-11-27 and 2026-12-01:" in page.read_text("utf-8")


def test_a_script_that_fails_at_one_size_keeps_what_was_measured_before(suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from measurements import Cost, Measurement

    (tmp_path / "half.py").write_text("import sys; size = int(sys.argv[2]); assert size < 4; print('{\"seconds\": %d, \"ratio\": 1}' % size)")
    monkeypatch.setattr(suite, "HERE", tmp_path)
    monkeypatch.setattr(suite, "ALL", (Measurement("half", (Cost("cost", lambda figures: figures["seconds"], "nothing", lambda figures: figures["ratio"]),), 1, 1, 1),))
    monkeypatch.setenv("DOUDI_BENCH_MADE", str(tmp_path / "made"))
    monkeypatch.setattr(sys, "argv", ["suite.py", "--json", str(tmp_path / "results" / "out.json")])
    with pytest.raises(SystemExit, match="failed: half"):
        suite.main()
    (found,) = json.loads((tmp_path / "results" / "out.json").read_text())["costs"]
    assert [point["size"] for point in found["points"]] == [1, 2] and found["exponent"] == pytest.approx(1)


@pytest.mark.parametrize("form", ["small", "province"])
def test_pages_and_charts_are_what_the_figures_as_json_say(suite: ModuleType, tmp_path: Path, form: str) -> None:
    from report import write_page

    docs = Path(BENCH).parent / "docs"
    for name in ("performance.md", "scaling.md"):
        (tmp_path / name).write_text((docs / name).read_text("utf-8"), "utf-8")
    write_page(json.loads((Path(BENCH) / "results" / f"{form}.json").read_text("utf-8")), tmp_path / "performance.md")
    for made in (tmp_path / "performance.md", tmp_path / "scaling.md", *(tmp_path / "pictures").iterdir()):
        assert made.read_text("utf-8") == (docs / made.relative_to(tmp_path)).read_text("utf-8"), made.name


def test_what_a_row_costs_agrees_with_the_measured_tables(suite: ModuleType) -> None:
    """docs/scaling.md beside docs/performance.md: the same sizes and times, the same day."""
    from report import ROWS, marks

    def block(name: str, form: str) -> str:
        begin, end = marks(form)
        return (Path(BENCH).parent / "docs" / name).read_text("utf-8").split(begin)[1].split(end)[0]

    def table(text: str) -> dict[str, list[str]]:
        return {cells[0]: cells for line in text.splitlines() if line.startswith("| ") and (cells := [each.strip() for each in line.strip("|").split("|")])}

    measured, costs = table(block("performance.md", "province")), table(block("scaling.md", "row costs"))
    named = [name for name in ROWS if name in measured]
    assert len(named) >= 7 and [name for name in costs if name in ROWS] == named
    for name in named:
        size, rows, time, million = (float(each.split()[0].replace(",", "")) for each in (measured[name][1], costs[name][1], costs[name][2], costs[name][3]))
        assert (rows, costs[name][2]) == (size * ROWS[name][1], measured[name][2]), name
        assert million == pytest.approx(time / rows * 1e6, rel=0.05), name
    assert re.findall(r"on (\d{4}-\d\d-\d\d)", block("performance.md", "province"))[0] in block("scaling.md", "row costs")


def test_a_script_that_fails_is_told_and_the_others_count(suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from measurements import Cost, Measurement

    (tmp_path / "good.py").write_text("print('{\"seconds\": 2, \"ratio\": 1}')")
    (tmp_path / "bad.py").write_text("raise SystemExit('no room left')")
    cost = Cost("cost", lambda figures: figures["seconds"], "nothing", lambda figures: figures["ratio"])
    monkeypatch.setattr(suite, "HERE", tmp_path)
    monkeypatch.setattr(suite, "ALL", tuple(Measurement(name, (cost,), 1, 1, 1) for name in ("bad", "good")))
    monkeypatch.setenv("DOUDI_BENCH_MADE", str(tmp_path / "made"))
    monkeypatch.setattr(sys, "argv", ["suite.py", "--short", "--json", str(tmp_path / "out.json")])
    with pytest.raises(SystemExit, match="failed: bad"):
        suite.main()
    assert "no room left" in capsys.readouterr().out
    assert [each["script"] for each in json.loads((tmp_path / "out.json").read_text())["costs"]] == ["good"]
