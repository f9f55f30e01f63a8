"""Base classes of variables, enumerations, and the few arithmetic rules that every formula shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openfisca_core.indexed_enums import Enum
from openfisca_core.periods import DateUnit, Period
from openfisca_core.variables import Variable

from openfisca_henan.arithmetic import BoolArray, FloatArray, below, half_up_fen, half_up_yuan, known, reaches, rounded, up_jiao
from openfisca_henan.limits import set_checked
from openfisca_henan.places import PlaceTable, counties, place_table

IntArray = NDArray[np.int64]


__all__ = [
    "Choice",
    "Count",
    "DisabilityKind",
    "Flag",
    "LabourCapacity",
    "Measure",
    "Money",
    "MonthVariable",
    "PriceGroup",
    "Residence",
    "SelfCareLevel",
    "SupportObligor",
    "TemporaryAssistanceType",
    "below",
    "by_residence",
    "first_day",
    "half_up_fen",
    "half_up_yuan",
    "known",
    "local",
    "months_back",
    "paid",
    "pick",
    "place_of",
    "province",
    "reaches",
    "rounded",
    "table_of",
    "up_jiao",
]


class MonthVariable(Variable):
    """A variable defined by month. OpenFisca reads a class's own attributes only, so defaults are written into each subclass."""

    defaults: dict[str, Any] = {"definition_period": DateUnit.MONTH}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        defaults = cls.__dict__.get("defaults")
        if defaults is None:
            for base in cls.__mro__:
                for name, value in base.__dict__.get("defaults", {}).items():
                    if name not in cls.__dict__:
                        setattr(cls, name, value)


class Measure(MonthVariable):
    """A quantity in float64: OpenFisca's own float32 loses fen above 131,072 yuan."""

    defaults = {"value_type": float, "set_input": set_checked}

    def __init__(self, baseline_variable: Variable | None = None) -> None:
        super().__init__(baseline_variable)
        self.dtype = np.dtype(np.float64)
        self.default_value: float = 0.0


class Money(Measure):
    """Yuan per month, or yuan for stocks."""

    defaults = {"unit": "yuan"}


class Flag(MonthVariable):
    """Yes or no, by month."""

    defaults = {"value_type": bool, "default_value": False}


class Count(MonthVariable):
    """A whole number, by month."""

    defaults = {"value_type": int, "set_input": set_checked}


class Choice(MonthVariable):
    """One of several values, by month."""

    defaults = {"value_type": Enum}


class Residence(Enum):
    urban = "城镇"
    rural = "农村"


class DisabilityKind(Enum):
    none = "无"
    visual = "视力"
    hearing = "听力"
    speech = "言语"
    physical = "肢体"
    intellectual = "智力"
    mental = "精神"
    multiple = "多重"


class LabourCapacity(Enum):
    full = "有劳动能力"
    partial = "部分劳动能力"
    none = "无劳动能力"


class SupportObligor(Enum):
    none = "无法定义务人"
    unable = "法定义务人无履行能力"
    able = "法定义务人有履行能力"


class SelfCareLevel(Enum):
    able = "全自理"
    partly_unable = "部分丧失自理能力"
    unable = "完全丧失自理能力"


class TemporaryAssistanceType(Enum):
    emergency = "急难型"
    expenditure = "支出型"


class PriceGroup(Enum):
    """The group through which a person has the price subsidy; a person has one (一人一份)."""

    none = "不在保障范围"
    dibao = "低保对象"
    tekun = "特困人员"
    children = "孤儿等儿童"
    marginal = "低保边缘家庭"


def paid(person: Any, entitled: BoolArray, amounts: FloatArray) -> FloatArray:
    """Each entitled person's amount, 0 for all others; ``amounts`` stand by household. Looks at the entitled only, who are few."""
    result = np.zeros(len(entitled))
    who = np.flatnonzero(entitled)
    result[who] = amounts[person.household.members_entity_id[who]]
    return result


def table_of(population: Any) -> PlaceTable:
    """The place table of the running simulation: the one laid over it (settings), else that of its tax and benefit system."""
    simulation = population.simulation
    laid_over = simulation.__dict__.get("place_table")
    if laid_over is not None:
        return laid_over
    return place_table(simulation.tax_benefit_system.parameters)


def first_day(period: Period) -> str:
    """The day on which the parameters of a month are read: its first."""
    return str(period.start)


def months_back(period: Period, months: int) -> str:
    """The first day of the month so many months before."""
    return str(period.start.offset(-months, DateUnit.MONTH))


def local(household: Any, period: Period, name: str, on: str | None = None) -> FloatArray:
    """The value of a place-dependent parameter for each household; NaN where its place has no row.

    ``on`` is the day on which it is read, by default the first day of the month.
    """
    table = table_of(household)
    day = on or first_day(period)
    dense = table.at(name, day)
    if household.simulation.trace:
        household.simulation.tracer.record_parameter_access(name, day, dense.values)
    return dense.values[household("county_index", period)]


def province(population: Any, period: Period, name: str, on: str | None = None) -> float:
    """The value of a province-wide parameter, NaN without a row."""
    day = on or first_day(period)
    value = table_of(population).province(name, day)
    if population.simulation.trace:
        population.simulation.tracer.record_parameter_access(name, day, value)
    return value


def by_residence(household: Any, period: Period, name: str, on: str | None = None) -> FloatArray:
    """The value of ``name.urban`` or ``name.rural``, as the household really lives."""
    table = table_of(household)
    day = on or first_day(period)
    stacked = table.stacked((f"{name}.urban", f"{name}.rural"), day)
    if household.simulation.trace:
        household.simulation.tracer.record_parameter_access(name, day, stacked)
    return pick(household, period, stacked)


def place_of(household: Any, period: Period) -> IntArray:
    """Residence and county as one number: an index into (2, counties) arrays laid flat."""
    return np.asarray(household("residence", period)) * len(counties()) + household("county_index", period)


def pick(household: Any, period: Period, stacked: FloatArray) -> FloatArray:
    """For each household its value of a (2, counties) array of urban and rural values."""
    residence = np.asarray(household("residence", period))
    return stacked[residence, household("county_index", period)]
