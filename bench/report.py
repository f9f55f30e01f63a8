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
        rate = number(last["size"] / last["seconds"]) if whole else ""
        peak = f"{last['peak_mb']:,} MB" if last["peak_mb"] else ""
        lines.append(
            f"| {row['name']} | {last['size']:,} {row['unit']} | {seconds(last['seconds'])} | {rate} | {row['baseline']} | {last['ratio']:.2f}{goal} | {grown} | {peak} |"
        )
    return "\n".join(lines)


def all_points(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        told = ", ".join(f"{number(point['size'])}: {seconds(point['seconds'])} (ratio {point['ratio']:.2f})" for point in row["points"])
        lines.append(f"- **{row['name']}** ({row['unit']}): {told}")
    return "\n".join(lines)


BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write_page(results: dict[str, Any], page: Path) -> None:
    """Put the results between the page's two marks and the charts into `pictures/` beside it; the words around them stay. Raises ValueError without marks."""
    rows, machine = results["costs"], results["machine"]
    pictures = page.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    form = results["form"]
    (pictures / f"bench-{form}-growth.svg").write_text(growth_chart(rows), "utf-8")
    (pictures / f"bench-{form}-ratio.svg").write_text(ratio_chart(rows), "utf-8")
    command = {"small": "make bench", "province": "make bench-province", "short": "make bench-short"}[form]
    made = (
        f"Measured by `{command}` on {results['at'][:10]}: {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['processor']}, Python {machine['python']}. "
        "Time is that of the largest size; growth is the fitted exponent over all sizes (1: twice the size takes twice the time; 0: the size does not matter).\n\n"
        f"{table(rows)}\n\n![Cost over size](pictures/bench-{form}-growth.svg)\n\n![Ratio to the baseline](pictures/bench-{form}-ratio.svg)\n\n{all_points(rows)}"
    )
    text = page.read_text("utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks {BEGIN} and {END}")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", "utf-8")
