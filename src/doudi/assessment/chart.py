"""Benefits against income (收入变化时的待遇): the household's own facts at other incomes, one vectorised run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from doudi.assessment.freeze import thaw
from doudi.batch import law
from doudi.core.charts import plain, ticks
from openfisca_henan.limits import MOST_MONEY

INCOMES = ("wage_income", "business_income", "property_income", "transfer_income", "land_income", "maintenance_income")
POINTS = 240
JUMP = 8.0  # yuan: more than a step of the grid can take away by the gap alone is a cliff


@dataclass(frozen=True)
class Curve:
    """Incomes and benefits of the household, yuan a month, rising; `cliffs`: (income from which on, benefits then, benefits just before)."""

    incomes: list[float]
    benefits: list[float]
    cliffs: list[tuple[float, float, float]]


def curve(facts: dict[str, Any], month: str, settings: law.Settings, results: dict[str, Any]) -> Curve | None:
    """All incomes in proportion; of a household in which none counts (one on tekun may have its own), a transfer to the first member who is not on tekun.

    None where there is no standard to compare with.
    """
    household = results["household"]
    limit, now = household.get("dibao_income_limit"), household["household_income"]
    if not limit:
        return None
    persons, households, _index = thaw([facts])
    size = len(facts["person_ids"])
    top = max(limit * 1.8, now * 1.15)
    own = any(persons[name].any() for name in INCOMES if name in persons and name != "land_income")
    counts = own and household["gross_household_income"] >= 1
    factors = np.linspace(0, top / household["gross_household_income"] if counts else top, POINTS)
    many = {name: np.tile(column, POINTS) for name, column in persons.items()}
    if counts:
        each = np.repeat(factors, size)
        for name in (*INCOMES, "disregarded_income", "disregarded_income_tekun"):
            if name in many:
                many[name] = np.minimum(many[name] * each, MOST_MONEY)
    else:
        whose = int(np.argmin(persons["receives_tekun"])) if "receives_tekun" in persons else 0
        many["transfer_income"] = np.where(np.tile(np.arange(size), POINTS) == whose, np.repeat(factors, size), 0.0)
    found = law.run(
        many, {name: np.tile(column, POINTS) for name, column in households.items()}, np.repeat(np.arange(POINTS), size), None, month,
        ["household_income", "benefits_total"], settings,
    )  # fmt: skip
    order = np.argsort(found["household_income"], kind="stable")
    incomes, benefits = found["household_income"][order], found["benefits_total"][order]
    keep = np.concatenate([[True], np.diff(incomes) > 1e-9])
    incomes, benefits = incomes[keep], benefits[keep]
    step = np.diff(benefits) + np.diff(incomes)  # the gap alone falls yuan by yuan with income: what is beyond that is a cliff
    at = np.flatnonzero((step < -JUMP) | (np.diff(benefits) > JUMP))
    return Curve(incomes.tolist(), benefits.tolist(), [(float(incomes[i + 1]), float(benefits[i + 1]), float(benefits[i])) for i in at])


def picture(found: Curve, *, income: float, total: float, limit: float, marginal: float | None) -> SafeString:
    """The curve as SVG with the household's own point, the standard and 1.5 times it."""
    width, height, left, bottom, right, head = 400, 274, 46, 38, 24, 26
    xs, ys = ticks(0, max(found.incomes[-1], income)), ticks(0, max([*found.benefits, total, 1]))

    def x(value: float) -> float:
        return left + value / xs[-1] * (width - left - right)

    def y(value: float) -> float:
        return height - bottom - value / ys[-1] * (height - bottom - head)

    body = [
        f'<line x1="{left}" x2="{width - right}" y1="{y(m):.1f}" y2="{y(m):.1f}" class="grid"/><text x="{left - 6}" y="{y(m) + 4:.1f}" class="ax end">{plain(m)}</text>'
        for m in ys
    ]
    body += [f'<text x="{x(m):.1f}" y="{height - 22}" class="ax mid">{plain(m)}</text>' for m in xs]
    for value, label in ((limit, _("标准")), (marginal, _("1.5 倍"))):
        if value and value <= xs[-1]:
            body.append(f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{head}" y2="{height - bottom}" class="ref"/>')
            body.append(f'<text x="{x(value):.1f}" y="18" class="ax mid">{escape(label)} {plain(round(value, 2))}</text>')
    cuts = {cliff[0] for cliff in found.cliffs}
    piece: list[str] = []
    pieces = [piece]
    for at, value in zip(found.incomes, found.benefits, strict=True):
        if at in cuts:
            piece = []
            pieces.append(piece)
        piece.append(f"{x(at):.1f},{y(value):.1f}")
    body += [f'<polyline class="line" points="{" ".join(points)}"/>' for points in pieces if points]
    own = max(left + 60, min(x(income), width - 70))
    body.append(f'<circle cx="{x(income):.1f}" cy="{y(total):.1f}" r="6" class="pt"/>')
    # outside the f-string: only so is the text collected
    own_label, axes = _("本户"), _("横轴：家庭月收入（元）　纵轴：本月待遇合计（元）")
    body.append(f'<text x="{own:.1f}" y="{max(y(total) - 12, 40):.1f}" class="b mid">{escape(own_label)} {plain(total)}</text>')
    body.append(f'<text x="{(width + left) / 2:.0f}" y="{height - 4}" class="ax mid">{escape(axes)}</text>')
    label = _("家庭月收入变化时本月待遇合计的变化。本户收入 %(income)s 元，待遇 %(total)s 元。") % {
        "income": plain(round(income, 2)),
        "total": plain(total),
    }
    label += "".join(
        _("收入达到 %(at)s 元时，待遇由 %(before)s 元变为 %(after)s 元。")
        % {"at": plain(round(a)), "before": plain(round(b, 2)), "after": plain(round(c, 2))}
        for a, c, b in found.cliffs[:6]
    )
    return mark_safe(f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{"".join(body)}</svg>')


def next_fall(found: Curve, income: float) -> tuple[float, float, float] | None:
    """The nearest income above this one at which benefits fall: (income, benefits then, benefits before)."""
    return next(((at, after, before) for at, after, before in found.cliffs if at > income and after < before), None)


def pair_bars(rows: list[tuple[str, float, float]], *, title: str) -> SafeString:
    """Two bars for each label: before (light) and after, yuan a month."""
    width, row, left, right = 560, 46, 190, 110
    top = max([value for _label, *values in rows for value in values] + [1e-9])
    body, said = [], []
    for index, (label, before, after) in enumerate(rows):
        y = index * row + 6
        body.append(f'<text x="{left - 8}" y="{y + 22}" class="end">{escape(label)}</text>')
        for shift, value, css in ((0, before, "bar was"), (18, after, "bar")):
            length = (width - left - right) * value / top
            body.append(f'<rect x="{left}" y="{y + shift}" width="{length:.1f}" height="15" rx="2" class="{css}"/>')
            body.append(f'<text x="{left + length + 6:.1f}" y="{y + shift + 12}" class="ax">{plain(round(value, 2))}</text>')
        said.append(f"{label} {plain(round(before, 2))} → {plain(round(after, 2))}")
    return _chart(width, row * len(rows) + 10, title, said, body)


def change_bars(rows: list[tuple[str, int]], *, title: str) -> SafeString:
    """Households by band of change."""
    width, row, left, right = 560, 30, 190, 80
    top = max([count for _label, count in rows] + [1])
    body, said = [], []
    for index, (label, count) in enumerate(rows):
        y, length = index * row + 6, (width - left - right) * count / top
        css = "bar bad" if index < len(rows) // 2 else "bar"
        body.append(f'<text x="{left - 8}" y="{y + 14}" class="end">{escape(label)}</text>')
        body.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="18" rx="2" class="{css}"/>')
        body.append(f'<text x="{left + length + 6:.1f}" y="{y + 14}">{count:,}</text>')
        said.append(f"{label} {count:,}")
    return _chart(width, row * len(rows) + 10, title, said, body)


def _chart(width: int, height: int, title: str, said: list[str], body: list[str]) -> SafeString:
    label = escape(f"{title}：{'，'.join(said)}")
    return mark_safe(f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(body)}</svg>')
