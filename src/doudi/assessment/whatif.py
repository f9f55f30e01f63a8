"""What if (政策测算): a reform, or two months, over the registry of an area or a synthetic population; only sums are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import Array, area_chunks, facts_day, month_after, read_area
from doudi.assessment.models import WhatIf
from doudi.assessment.services import snapshot
from doudi.batch import law
from doudi.batch.engine import named
from doudi.batch.law import households, spread
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Setting
from doudi.core.models.divisions import LEVEL_LENGTH
from doudi.core.scratch import scratch
from doudi.core.settings_overlay import overlay

LEAST, MOST = 1_000, 2_000_000
BLOCK = 100_000  # households of a synthetic population at a time
SEED = 20221123
HOUSEHOLD_SIZE = 2.51  # people of a household of the draw, on average
Progress = Callable[[int, int, str], None]


def composed(*, name: str, changes: Sequence[Mapping[str, Any]]) -> str:
    """YAML of changes that a form asked for: parameter, `value` or `times`, from, area."""
    return yaml.safe_dump({"name": name, "changes": [dict(change) for change in changes]}, allow_unicode=True, sort_keys=False)


def dry_run_reform(setting: Setting) -> str | None:
    """The reform that a proposed setting amounts to; None where it is no parameter of the law (a procedure's)."""
    if setting.parameter.startswith(("procedure.", "prices.")):
        return None
    try:
        value: float | str = float(setting.value)
    except ValueError:
        value = setting.value
    change = {"parameter": setting.parameter, "value": value, "from": setting.starts.isoformat(), "area": setting.area}
    return composed(name=f"{setting.document}", changes=[change]).strip()


def start_dry_run(*, setting_id: int, now: datetime) -> tuple[WhatIf, bool]:
    """The effect of a proposed setting on the registered households of its place, in the first whole month in which it holds (this month where it
    has begun already). Raises ValidationError where there is no such proposal."""
    setting = Setting.objects.filter(pk=setting_id, state=Setting.State.PROPOSED, area=scopes.current().area).first()
    reform = dry_run_reform(setting) if setting else None
    if setting is None or reform is None:
        raise ValidationError(_("没有这一条待确认的参数，或它不影响待遇测算。"))
    starts = setting.starts if setting.starts.day == 1 else month_after(setting.starts)
    month = max(starts, timezone.localdate(now).replace(day=1))
    return start_what_if(name=_("影响试算"), source=WhatIf.Source.REGISTRY, month=month, reform=reform, now=now)


def start_what_if(
    *, name: str, source: str, month: date, now: datetime, reform: str = "", month_after: date | None = None, size: int = 0
) -> tuple[WhatIf, bool]:
    """The question, and whether it is new: the same one asked again on the same day is the run that is there. It runs as a task.

    Raises ValidationError by field: a reform that cannot stand (each change with its reason), no question at all, a size out of range.
    """
    scope = duties.require("assessment.whatif")
    if source not in WhatIf.Source.values:
        raise ValidationError({"source": _("请选择人口来源。")})
    if not name.strip():
        raise ValidationError({"name": _("请填写测算名称。")})
    if bool(reform.strip()) == (month_after is not None):
        raise ValidationError(_("请填写改革方案，或选择要比较的另一个月份（二选一）。"))
    if source == WhatIf.Source.SYNTHETIC and not LEAST <= size <= MOST:
        raise ValidationError({"size": _("模拟人口应在 %(least)s 至 %(most)s 人之间。") % {"least": f"{LEAST:,}", "most": f"{MOST:,}"}})
    if month_after == month:
        raise ValidationError({"month_after": _("两个月份相同，没有可比较的。")})
    base = _base(month, month_after)
    if reform.strip():
        try:
            law.read_reform(reform, base)
        except law.SettingsError as error:
            raise ValidationError({"reform": error.problems}) from None
    frozen = snapshot(base, now=now)
    size = size if source == WhatIf.Source.SYNTHETIC else 0
    asked = "|".join(map(str, (scope.area, source, size, month, month_after, reform.strip(), law.law_version(), base.hash, timezone.localdate(now))))
    values = {
        "name": name.strip()[:100], "source": source, "size": size, "month": month, "month_after": month_after, "reform": reform.strip(),
        "law_version": law.law_version(), "settings": frozen, "made_by": scope.account_id or None, "made_at": now,
    }  # fmt: skip
    digest = sha256(asked.encode()).hexdigest()
    known = WhatIf.objects.filter(area=scope.area, digest=digest).first()
    if known is not None:
        return known, False
    try:
        with transaction.atomic():
            return WhatIf.objects.create(area=scope.area, digest=digest, **values), True
    except IntegrityError:  # asked at the same moment by another hand
        return WhatIf.objects.get(area=scope.area, digest=digest), False


def _base(month: date, month_after: date | None) -> law.Settings:
    return overlay(max(month, month_after or month))


def run_what_if(*, what_if_id: int, now: datetime, progress: Progress | None = None) -> WhatIf:
    """Compute a question chunk by chunk, households whole, memory bounded; on a Spark cluster where `DOUDI_BATCH_ENGINE` says so, with the same sums to
    the fen. Safe to run again: the result is written once, at the end."""
    scope = duties.require("assessment.whatif")
    asked = WhatIf.objects.get(pk=what_if_id, area=scope.area)
    if asked.result is not None:
        return asked
    base = _base(asked.month, asked.month_after)
    after = law.read_reform(asked.reform, base).settings if asked.reform else base
    other = f"{asked.month_after:%Y-%m}" if asked.month_after else ""
    work = spread.Sums(f"{asked.month:%Y-%m}", base, after=after, month_after=other)
    tell = progress or (lambda done, total, step: None)
    chunks = _told(_drawn(asked) if asked.source == WhatIf.Source.SYNTHETIC else _registered(asked, base, now), tell)
    found = _on_cluster(chunks, work) if named() == "spark" else sum((spread.compare_standing(*chunk, work) for chunk in chunks), spread.Summed())
    asked.result, asked.finished_at = _summed(found), timezone.now()
    asked.save(update_fields=["result", "finished_at"])
    scopes.check_constraints()
    return asked


def _summed(told: spread.Summed) -> dict[str, Any]:
    found = told.comparison
    return {
        "population": {"households": sum(found.changed), "people": told.people, "left_out": told.left_out},
        "households": list(found.households),
        "people": list(found.people),
        "winners": found.winners,
        "losers": found.losers,
        "unchanged": found.unchanged,
        "gain": found.moved[0] / 100,
        "loss": found.moved[1] / 100,
        "bands": [list(band) for band in found.bands()],
        "differences": [asdict(difference) for difference in found.ordered()],
    }


# Persons, households, each person's household, each household's place (None: counties alone).
Inputs = tuple[dict[str, Array], dict[str, Array], Array, Array | None]


def _told(chunks: Iterator[tuple[Inputs, int, int]], tell: Progress) -> Iterator[Inputs]:
    for inputs, done, total in chunks:
        yield inputs
        tell(done, total, _("测算"))


def _on_cluster(chunks: Iterator[Inputs], work: spread.Sums) -> spread.Summed:
    """The same sums by a Spark cluster, from files of households that are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="whatif-") as folder:
        rows = (households.rows(persons, homes, of, places=places) for persons, homes, of, places in chunks if len(of))
        spread.write(rows, Path(folder) / "households")
        return spread.sums(Path(folder) / "households", work.month, work.settings, work.after, work.month_after)


def _registered(asked: WhatIf, base: law.Settings, now: datetime) -> Iterator[tuple[Inputs, int, int]]:
    """Chunks of the registry with the households done and in all."""
    deeper = next((length for length in sorted(LEVEL_LENGTH.values()) if length > len(asked.area)), len(asked.area))
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from registry_household where area >= %s and area < %s", [asked.area, asked.area + ":"])
        (total,) = cursor.fetchone()
    done, as_of = 0, facts_day(asked.month, timezone.localdate(now))
    for low, high in area_chunks(asked.area, asked.area + ":"):
        facts = read_area(low=low, high=high, month=asked.month, as_of=as_of, settings=base)
        done += len(facts.household_ids)
        places = np.array([area[:deeper] for area in facts.areas.tolist()])
        yield (facts.persons, facts.households, facts.person_household, places), min(done, total), total


def _drawn(asked: WhatIf) -> Iterator[tuple[Inputs, int, int]]:
    from doudi.batch.synth.population import draw  # the generator is loaded where somebody asks for drawn people alone

    wanted = max(1, round(asked.size / HOUSEHOLD_SIZE))
    for number, start in enumerate(range(0, wanted, BLOCK)):
        count = min(BLOCK, wanted - start)
        persons, homes, of, _head = draw(count, SEED + number, asked.area)
        yield (persons, homes, of, None), start + count, wanted
