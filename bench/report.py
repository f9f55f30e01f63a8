"""The page of the suite's results: tables, and charts as SVG beside it, light and dark grounds alike."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

INK, LINE, GRID = "#1f5fa8", "#5a6472", "#c9d0d8"
PANEL, HIGH, COLUMNS = 260, 170, 3


def number(value: float) -> str:
    """12500000 -> 12.5 M, 0.0123 -> 0.012."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:,.1f} s"


def panel(row: dict[str, Any], left: int, top: int) -> str:
    """One small chart: cost over size, both logarithmic, with the fitted line."""
    points = [(math.log10(p["size"]), math.log10(max(p["seconds"], 1e-6))) for p in row["points"]]
    low, high = min(y for _x, y in points), max(y for _x, y in points)
    low, high = (low - 0.5, high + 0.5) if high - low < 1 else (low - 0.1, high + 0.1)
    first, last = points[0][0], points[-1][0]

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        return left + 48 + across * (PANEL - 92), top + HIGH - 34 - (y - low) / (high - low) * (HIGH - 74)

    marks = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{INK}"/>' for a, b in (at(*point) for point in points))
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(*point) for point in points))
    labels = f'<text x="{left + 8}" y="{top + 18}" font-weight="600">{escape(row["name"])}</text>'
    grown = "" if row["exponent"] is None else f"growth {row['exponent']:.2f}"
    labels += f'<text x="{left + 8}" y="{top + 34}" fill="{LINE}">{grown}</text>'
    for point, (x, y) in zip((row["points"][0], row["points"][-1]), (points[0], points[-1]), strict=True):
        a, b = at(x, y)
        labels += f'<text x="{a:.1f}" y="{top + HIGH - 14}" text-anchor="middle" fill="{LINE}">{number(point["size"])}</text>'
        labels += f'<text x="{a:.1f}" y="{b - 9:.1f}" text-anchor="middle">{seconds(point["seconds"])}</text>'
        if len(row["points"]) == 1:
            break
    frame = f'<rect x="{left + 2}" y="{top + 2}" width="{PANEL - 8}" height="{HIGH - 6}" rx="4" fill="none" stroke="{GRID}"/>'
    return f'{frame}<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="2"/>{marks}{labels}'


def svg(width: int, height: int, title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="11"><rect width="{width}" height="{height}" fill="#ffffff"/>{body}</svg>\n'
    )


def growth_chart(rows: list[dict[str, Any]]) -> str:
    lines = math.ceil(len(rows) / COLUMNS)
    body = "".join(panel(row, at % COLUMNS * PANEL, at // COLUMNS * HIGH) for at, row in enumerate(rows))
    return svg(COLUMNS * PANEL, lines * HIGH, "Cost over size", body)


def ratio_chart(rows: list[dict[str, Any]]) -> str:
    """Bars of the ratio at the largest size on a logarithmic scale; the line is the baseline itself."""
    width, step, left, right = COLUMNS * PANEL, 26, 210, 60
    ratios = [row["points"][-1]["ratio"] for row in rows]
    if not rows:
        return svg(width, 16, "Ratio to the baseline", "")
    low, high = min(0.0, *(math.log10(ratio) for ratio in ratios)), max(1.0, *(math.log10(ratio) for ratio in ratios))

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - right)

    body = ""
    for at, (row, ratio) in enumerate(zip(rows, ratios, strict=True)):
        y, end = 8 + at * step, x(math.log10(ratio))
        start = x(0)
        body += f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(row["name"])}</text>'
        body += f'<rect x="{min(start, end):.1f}" y="{y}" width="{max(abs(end - start), 1):.1f}" height="18" rx="2" fill="{INK}"/>'
        body += f'<text x="{max(start, end) + 6:.1f}" y="{y + 14}">{ratio:.2f}</text>'
    height = 16 + step * len(rows)
    body += f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="2" y2="{height - 4}" stroke="{LINE}" stroke-dasharray="4 3"/>'
    return svg(width, height, "Ratio to the baseline", body)


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| measured | size | time | per second | baseline | ratio | growth | peak |", "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |"]
    for row in rows:
        last = row["points"][-1]
        grown = "" if row["exponent"] is None else f"{row['exponent']:.2f}"
        goal = f" (goal {row['goal']:g})" if row["goal"] else ""
        whole = last["seconds"] >= 1 or row["script"] not in ("registry",)
        rate = number(last["size"] / last["seconds"]) if whole and row["unit"] != "at once" else ""
        peak = f"{last['peak_mb']:,} MB" if last["peak_mb"] else ""
        lines.append(
            f"| {row['name']} | {last['size']:,} {row['unit']} | {seconds(last['seconds'])} | {rate} | {row['baseline']} | {last['ratio']:.2f}{goal} | {grown} | {peak} |"
        )
    return "\n".join(lines)


def all_points(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        told = ", ".join(f"{number(point['size'])}: {seconds(point['seconds'])} (ratio {point['ratio']:.{2 if point['ratio'] >= 0.1 else 4}f})" for point in row["points"])
        lines.append(f"- **{row['name']}** ({row['unit']}): {told}")
    return "\n".join(lines)


def cycle_table(rows: list[dict[str, Any]]) -> str:
    """The whole cycle for each beneficiary, beside openIMIS; nothing where it was not measured."""
    found = [row for row in rows if row["script"] == "cycle"]
    if not found:
        return ""
    lines = ["| for each beneficiary | " + " | ".join(f"at {point['size']:,}" for point in found[0]["points"]) + " | openIMIS 1.11 | times faster | queries |"]
    lines.append("| --- |" + " ---: |" * (len(found[0]["points"]) + 3))
    for row in found:
        each = [f"{point['seconds'] / point['size'] * 1000:.3f} ms" for point in row["points"]]
        last = row["points"][-1]
        theirs = last["seconds"] / last["size"] / last["ratio"] * 1000
        asked = sorted({point["queries"] for point in row["points"] if point.get("queries")})
        queries = " to ".join(str(number) for number in sorted({*asked[:1], *asked[-1:]}))
        lines.append(f"| {row['name'].removeprefix('Cycle: ')} | {' | '.join(each)} | {theirs:.1f} ms | {1 / last['ratio']:,.0f} | {queries} |")
    return (
        "Import, payroll and reconciliation with row history, ledger, audit and row-level security on, every beneficiary a household of one. openIMIS 1.11 took 251, "
        "903 and 707 s at 10,000 on 2 cores, 129 queries for each beneficiary; goal: a thousand times faster. Queries are those of the whole stage, "
        "whatever the number of people.\n\n"
        + "\n".join(lines)
        + "\n\n"
    )


def load_table(rows: list[dict[str, Any]]) -> str:
    """Each action of officers, visitors and citizens at once; nothing where it was not measured."""
    found = next((row["points"][-1] for row in rows if row["script"] == "mixed"), None)
    if not found or not found.get("actions"):
        return ""
    lines = ["| action | requests | median | 95 % | errors |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, row in found["actions"].items():
        lines.append(f"| {name} | {row['requests']:,} | {row['median_ms']:,.0f} ms | {row['p95_ms']:,.0f} ms | {row['errors']} |")
    return f"{found['words']}\n\n" + "\n".join(lines) + "\n\n"


def marks(form: str) -> tuple[str, str]:
    return f"<!-- measured {form}: begin -->", f"<!-- measured {form}: end -->"


COMMANDS = {"small": "make bench", "province": "make bench-province", "short": "make bench-short"}


# Cost -> (what its rows are, rows for each of its unit); in the order of the table.
ROWS = {
    "Comparison": ("rows of departments", 20), "Linkage": ("people of the registry", 1), "Departments' files into the lake": ("people of the files", 1),
    "The law": ("people", 1), "Monthly monitoring": ("people", 1), "Registry loaded": ("people", 1), "Payroll prepared": ("lines", 1),
    "Payroll, all five steps": ("lines", 1), "Bank results booked": ("lines", 1),
}  # fmt: skip


def row_costs(rows: list[dict[str, Any]]) -> str:
    """What a million rows cost at the largest size that was measured."""
    largest = {row["name"]: row["points"][-1] for row in rows if row["points"]}
    lines = ["| measured | rows | time | a million rows |", "| --- | ---: | ---: | ---: |"]
    for name, (what, each) in ROWS.items():
        if point := largest.get(name):
            count = point["size"] * each
            lines.append(f"| {name} | {count:,} {what} | {seconds(point['seconds'])} | {point['seconds'] / count * 1e6:,.2f} s |")
    return "\n".join(lines)


def write_page(results: dict[str, Any], page: Path) -> None:
    """Put the results between the marks of their form and the charts into `pictures/` beside the page; everything around stays.
    Of the province, what a million rows cost goes into `scaling.md` beside it. Raises ValueError where a page lacks the marks."""
    rows, machine, form = results["costs"], results["machine"], results["form"]
    begin, end = marks(form)
    pictures = page.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    (pictures / f"bench-{form}-growth.svg").write_text(growth_chart(rows), "utf-8")
    (pictures / f"bench-{form}-ratio.svg").write_text(ratio_chart([row for row in rows if row["script"] != "cycle"]), "utf-8")
    days = sorted({point["on"] for row in rows for point in row["points"]})
    when = " and ".join(sorted({*days[:1], *days[-1:]}))
    made = (
        f"Measured by `{COMMANDS[form]}` on {when}: {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['processor']}, Python {machine['python']}. "
        "Time is that of the largest size; growth is the fitted exponent over all sizes (1: twice the size takes twice the time; 0: the size does not matter).\n\n"
        f"{table([row for row in rows if row['script'] != 'cycle'])}\n\n{cycle_table(rows)}{load_table(rows)}"
        f"![Cost over size](pictures/bench-{form}-growth.svg)\n\n![Ratio to the baseline](pictures/bench-{form}-ratio.svg)\n\n{all_points(rows)}"
    )
    _between(page, begin, end, made)
    sizing = page.with_name("scaling.md")
    if form == "province" and sizing.exists():
        _between(sizing, *marks("row costs"), f"From the run of `{COMMANDS[form]}` on {when}.\n\n{row_costs(rows)}")


def _between(page: Path, begin: str, end: str, made: str) -> None:
    text = page.read_text("utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{page} lacks {begin} and {end}")
    head, tail = text.split(begin)[0], text.split(end)[1]
    page.write_text(f"{head}{begin}\n{made}\n{end}{tail}", "utf-8")
