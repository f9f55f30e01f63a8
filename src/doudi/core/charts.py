"""Server-side SVG charts: no script, they print, they keep to the content security policy (classes, no style attributes).

Every chart takes a `title` that says in words what it shows; readers of screens hear it with the values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

Number = int | float | Decimal

# Column and row of each of the 18 city-level divisions in a schematic map (no boundary polygons: architecture, decision 9).
TILES: dict[str, tuple[str, int, int]] = {
    "4105": ("安阳", 3, 0), "4106": ("鹤壁", 3, 1), "4109": ("濮阳", 4, 1), "4190": ("济源", 1, 2), "4108": ("焦作", 2, 2),
    "4107": ("新乡", 3, 2), "4112": ("三门峡", 0, 3), "4103": ("洛阳", 1, 3), "4101": ("郑州", 2, 3), "4102": ("开封", 3, 3),
    "4114": ("商丘", 4, 3), "4104": ("平顶山", 1, 4), "4110": ("许昌", 2, 4), "4111": ("漯河", 3, 4), "4116": ("周口", 4, 4),
    "4113": ("南阳", 1, 5), "4117": ("驻马店", 2, 5), "4115": ("信阳", 3, 5),
}  # fmt: skip


def plain(value: Number) -> str:
    """1234.5 -> `1,234.5`, 12 -> `12`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values that cover low..high."""
    if high <= low:
        high = low + 1
    raw = (high - low) / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    start = math.floor(low / step) * step
    count = math.ceil((high - start) / step - 1e-9)
    return [round(start + step * index, 10) for index in range(count + 1)]


def _svg(width: float, height: float, title: str, values: str, body: str, css: str = "") -> SafeString:
    label = escape(f"{title}：{values}" if values else title)
    return mark_safe(f'<svg class="chart {css}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">{body}</svg>')


def _said(pairs: Sequence[tuple[str, str]], limit: int = 40) -> str:
    return "，".join(f"{name} {value}" for name, value in pairs[:limit])


def bar_chart(
    rows: Sequence[tuple[str, Number]], *, title: str, unit: str = "", limit: Number | None = None, form: Callable[[Number], str] = plain
) -> SafeString:
    """Horizontal bars. `rows`: (label, value >= 0). `limit` draws a mark and colours what is above it."""
    width, row, left, right = 560, 36, 112, 92
    top = max([float(value) for _, value in rows] + ([float(limit)] if limit is not None else []) + [1e-9])
    height = row * len(rows) + 8
    body = []
    for index, (label, value) in enumerate(rows):
        y = index * row + 8
        length = (width - left - right) * float(value) / top
        css = " bad" if limit is not None and value > limit else ""
        body.append(
            f'<text x="{left - 8}" y="{y + 15}" class="end">{escape(label)}</text>'
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="20" rx="2" class="bar{css}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 15}">{form(value)}{escape(unit)}</text>'
        )
    if limit is not None:
        x = left + (width - left - right) * float(limit) / top
        body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{height - 4}" class="lim"/>')
    return _svg(width, height, title, _said([(label, form(value) + unit) for label, value in rows]), "".join(body))


def line_chart(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[Number | None]]], *, title: str, unit: str = "", zero: bool = False
) -> SafeString:
    """Lines over common labels. A None breaks a line. The first series gets an area when it is the only one."""
    width, height, left, bottom = 560, 200, 58, 28
    values = [float(value) for _, line in series for value in line if value is not None]
    marks = ticks(0 if zero else min(values, default=0), max(values, default=1))
    low, high = marks[0], marks[-1]

    def x(index: int) -> float:
        return left + (index * (width - left - 18) / (len(labels) - 1) if len(labels) > 1 else 0)

    def y(value: float) -> float:
        return height - bottom - (value - low) / (high - low) * (height - bottom - 14)

    body = [
        f'<line x1="{left}" x2="{width - 18}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" class="grid"/>'
        f'<text x="{left - 6}" y="{y(mark) + 4:.1f}" class="ax end">{plain(mark)}</text>'
        for mark in marks
    ]
    every = max(1, math.ceil(len(labels) / 12))
    body += [
        f'<text x="{x(index):.1f}" y="{height - 8}" class="ax mid">{escape(label)}</text>' for index, label in enumerate(labels) if index % every == 0
    ]
    for number, (name, line) in enumerate(series, 1):
        pieces: list[list[str]] = [[]]
        for index, value in enumerate(line):
            if value is None:
                pieces.append([])
            else:
                pieces[-1].append(f"{x(index):.1f},{y(float(value)):.1f}")
        for piece in filter(None, pieces):
            if len(piece) == 1:  # a value between gaps: a dash, where a line of one point would not be seen
                across, up = (float(value) for value in piece[0].split(","))
                piece[:] = [f"{across - 4:.1f},{up:.1f}", f"{across + 4:.1f},{up:.1f}"]
            if len(series) == 1 and len(piece) == len(line):
                body.append(
                    f'<polygon points="{x(0):.1f},{height - bottom} {" ".join(piece)} {x(len(line) - 1):.1f},{height - bottom}" class="area"/>'
                )
            body.append(f'<polyline points="{" ".join(piece)}" class="line s{number}"><title>{escape(name)}</title></polyline>')
    said = "；".join(
        f"{name} " + _said([(label, plain(value) + unit) for label, value in zip(labels, line, strict=True) if value is not None])
        for name, line in series
    )
    return _svg(width, height, title, said, "".join(body))


def step_chart(
    steps: Sequence[tuple[date, Number]], *, title: str, until: date, unit: str = "", planned: Sequence[tuple[date, Number]] = ()
) -> SafeString:
    """A dated value over time (a parameter): level until the next date. `planned` values are dashed with their own dot."""
    width, height, left, right, bottom = 480, 190, 62, 18, 26
    known = sorted(steps)
    if not known and not planned:
        return mark_safe("")
    points = [*known, *planned]
    first = min(day for day, _ in points)
    last = max(until, *(day for day, _ in points))
    span = max((last - first).days, 1)
    marks = ticks(min(float(value) for _, value in points) * 0.98, max(float(value) for _, value in points) * 1.02)
    low, high = marks[0], marks[-1]

    def x(day: date) -> float:
        return left + (day - first).days / span * (width - left - right)

    def y(value: Number) -> float:
        return height - bottom - (float(value) - low) / (high - low) * (height - bottom - 16)

    body = [
        f'<line x1="{left}" x2="{width - right}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" class="grid"/>'
        f'<text x="{left - 6}" y="{y(mark) + 4:.1f}" class="ax end">{plain(mark)}</text>'
        for mark in marks
    ]
    years = range(first.year + (first > date(first.year, 1, 1)), last.year + 1)
    every = max(1, math.ceil(len(years) / 8))
    body += [f'<text x="{x(date(year, 1, 1)):.1f}" y="{height - 8}" class="ax mid">{year}</text>' for year in years[::every]]
    if known:
        path = f"M{x(known[0][0]):.1f} {y(known[0][1]):.1f}" + "".join(f"H{x(day):.1f}V{y(value):.1f}" for day, value in known[1:])
        body.append(f'<path d="{path}H{x(last):.1f}" class="line"/>')
        body.append(f'<text x="{width - right - 2}" y="{y(known[-1][1]) + 16:.1f}" class="end">{plain(known[-1][1])}{escape(unit)}</text>')
    for day, value in planned:
        start = f"M{x(day):.1f} {y(known[-1][1]):.1f}V{y(value):.1f}" if known else f"M{x(day):.1f} {y(value):.1f}"
        body.append(
            f'<path d="{start}H{max(x(last), x(day) + 12):.1f}" class="line plan"/><circle cx="{x(day):.1f}" cy="{y(value):.1f}" r="5" class="pt"/>'
        )
        body.append(f'<text x="{x(day) - 8:.1f}" y="{y(value) - 6:.1f}" class="b end">{plain(value)}{escape(unit)}</text>')
    said = _said([(day.isoformat(), plain(value) + unit) for day, value in known])
    if planned:
        said += "；" + _("拟") + " " + _said([(day.isoformat(), plain(value) + unit) for day, value in planned])
    return _svg(width, height, title, said, "".join(body))


def _wide(text: str) -> float:
    """About how wide a text stands at 12 px, bold."""
    return sum(12.2 if ord(letter) > 0x2E7F else 7.0 for letter in text)


def limit_chart(
    blocks: Sequence[tuple[str, Sequence[tuple[str, Number | None, Number | None, Number, str]]]], *, title: str, unit: str = ""
) -> SafeString:
    """Median and 90th percentile against a limit, every row on the one scale of its limit.

    `blocks`: (heading, rows); a row is (label, median, ninety, limit, words for both values); None where nothing was measured.
    What goes beyond the limit is coloured; the longest bars are cut at 1.35 times the limit, and the words tell the value.
    """
    left, wide, right, row, most = 130, 260, 190.0, 24, 1.35
    body, said, y = [], [], 4.0
    x = left + wide / most
    for heading, rows in blocks:
        body.append(f'<text x="{4}" y="{y + 15:g}" class="b">{escape(heading)}</text>')
        y += row
        for label, median, ninety, limit, words in rows:
            allowed = float(limit) or 1.0
            late = ninety is not None and float(ninety) > allowed
            body.append(
                f'<text x="{left - 8}" y="{y + 13:g}" class="end">{escape(label)}</text><rect x="{left}" y="{y + 3:g}" width="{wide}" height="12" class="k0"/>'
            )
            for value, css in ((ninety, "bar warn" if late else "k2"), (median, "bar")):
                if value is not None:
                    length = wide / most * min(most, max(float(value) / allowed, 0.01))
                    body.append(f'<rect x="{left}" y="{y + 3:g}" width="{length:.1f}" height="12" class="{css}"/>')
            body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:g}" y2="{y + 18:g}" class="lim"/>')
            told = _("时限 %(limit)s") % {"limit": plain(limit)} + (_("，超出") if late else "")
            right = max(right, 16 + _wide(f"{words}　{told}"))
            body.append(f'<text x="{left + wide + 8}" y="{y + 13:g}"{" class=" + chr(34) + "b" + chr(34) if late else ""}>{escape(words)}　{escape(told)}</text>')
            said.append((f"{heading} {label}", f"{words} {told}{unit}"))
            y += row
        y += 6
    return _svg(left + wide + right, y, title, _said(said), "".join(body), "way")


def tile_map(values: dict[str, Number], *, title: str, unit: str = "", form: Callable[[Number], str] = plain) -> SafeString:
    """The 18 city-level divisions as tiles in five stepped shades. `values`: city code (4 digits) -> value; missing ones are blank."""
    size, rise = 84, 58
    bounds = ticks(0, max([float(value) for value in values.values()] + [1e-9]), 5)
    body, said = [], []
    for code, (name, column, row) in TILES.items():
        value = values.get(code)
        shade = 0 if value is None else max(1, min(5, sum(float(value) > bound for bound in bounds[:-1])))
        inverse = " inv" if shade >= 4 else ""
        x, y = column * size + 2, row * rise + 2
        text = "—" if value is None else form(value)
        said.append((name, text + unit if value is not None else _("无数据")))
        body.append(
            f'<g><rect x="{x}" y="{y}" width="{size - 4}" height="{rise - 4}" rx="3" class="tile k{shade}"/>'
            f'<text x="{x + size / 2 - 2:g}" y="{y + 23}" class="mid{inverse}">{name}</text>'
            f'<text x="{x + size / 2 - 2:g}" y="{y + 42}" class="mid b{inverse}">{text}</text></g>'
        )
    return _svg(size * 5, rise * 6, title, _said(said), "".join(body), "map")


def state_map(tiles: Sequence[tuple[str, str, str, int, int, str]], *, title: str) -> SafeString:
    """Places as tiles coloured by a state that is also said in words. A tile: (name, words, shade, column, row, address or empty).

    `shade`: red, orange, yellow or k0 (nothing to say). Tiles with an address are links.
    """
    size, rise, body = 84, 58, []
    for name, words, shade, column, row, url in tiles:
        x, y, inverse = column * size + 2, row * rise + 2, " inv" if shade == "red" else ""
        tile = (
            f'<rect x="{x}" y="{y}" width="{size - 4}" height="{rise - 4}" rx="3" class="tile {escape(shade)}"/>'
            f'<text x="{x + size / 2 - 2:g}" y="{y + 23}" class="mid{inverse}">{escape(name)}</text>'
            f'<text x="{x + size / 2 - 2:g}" y="{y + 42}" class="mid b{inverse}">{escape(words)}</text>'
        )
        body.append(f'<a href="{escape(url)}">{tile}</a>' if url else f"<g>{tile}</g>")
    width, height = size * max((each[3] + 1 for each in tiles), default=1), rise * max((each[4] + 1 for each in tiles), default=1)
    label = escape(f"{title}：{_said([(each[0], each[1]) for each in tiles])}")
    # a group, not an image: its links are reached by keyboard
    return mark_safe(f'<svg class="chart map" viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{label}">{"".join(body)}</svg>')
