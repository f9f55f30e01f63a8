"""Amounts of the law that the synthetic county needs, by place: standards, land rule, subsidies. Read from the law package, so that awards fit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doudi.batch.law.settings import system
from openfisca_henan.places import county_index, place_table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Amounts:
    """By village or household: fen a month, and the land rule (threshold in mu per head, infinite where there is none; share of the standard)."""

    standard: Ints
    land_threshold: Floats
    land_share: Floats
    tekun: Ints
    living: Ints
    nursing: Ints
    child: Ints

    def take(self, at: Ints) -> Amounts:
        """The amounts at these positions."""
        return Amounts(*(getattr(self, name)[at] for name in self.__slots__))


def amounts_at(codes: list[str], urban: npt.NDArray[np.bool_], on: np.datetime64) -> Amounts:
    """Amounts of villages (division codes) in the month of `on`. ValueError where the law knows no standard for a place or a date."""
    table = place_table(system().parameters)
    day = f"{on.astype('datetime64[M]')}-01"
    county = county_index(np.array([code[:6] for code in codes]))
    if (county < 0).any():
        raise ValueError("区划代码不属于河南省的县（市、区）")

    def value(name: str) -> Floats:
        return table.at(name, day).values[county]

    def fen(name: str) -> Ints:
        yuan = value(name)
        if np.isnan(yuan).any():
            raise ValueError(f"{day} 没有“{table.leaves[name].label}”的数值，请换一个日期")
        return np.rint(yuan * 100).astype(np.int64)

    def by_residence(name: str) -> Ints:
        return np.where(urban, fen(f"{name}.urban"), fen(f"{name}.rural"))

    standard = by_residence("dibao.standard")
    threshold = value("dibao.land_rule.threshold")
    return Amounts(
        standard=standard,
        land_threshold=np.where(np.isnan(threshold) | urban, np.inf, threshold),
        land_share=np.nan_to_num(value("dibao.land_rule.share"), nan=1.0),
        tekun=np.rint(standard * value("tekun.living_multiple")).astype(np.int64),
        living=fen("disability.living"),
        nursing=fen("disability.nursing"),
        child=by_residence("children.dispersed"),
    )
