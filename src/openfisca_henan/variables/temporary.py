"""Temporary assistance (临时救助): ceilings of one grant, clauses 3.1, 3.2, 3.4. Beside anything else, whatever the household registration."""

import numpy as np

from openfisca_henan.base import Measure, Money, half_up_fen, known, local, table_of
from openfisca_henan.entities import Household

REFERENCE = "国发〔2014〕47号；豫政〔2015〕32号"


def _ceiling(household, period, name):
    """A multiple, by type, of the monthly urban standard for each person in need; at most the place's flat cap."""
    table, day = table_of(household), str(period.start)
    multiples = table.stacked((f"{name}.emergency", f"{name}.expenditure"), day)
    kind = np.asarray(household("temporary_assistance_type", period))
    multiple = multiples[kind, household("county_index", period)]
    standard = local(household, period, "dibao.standard.urban")
    ceiling = known(multiple * standard * household("temporary_residents_in_need", period))
    return half_up_fen(np.fmin(ceiling, local(household, period, "temporary.flat_cap")))


class temporary_assistance_ceiling(Money):
    """Ceiling of one grant (临时救助上限); above it a recorded case meeting decides (一事一议)."""

    entity = Household
    label = "临时救助上限"
    reference = REFERENCE

    def formula(household, period, parameters):
        return _ceiling(household, period, "temporary.multiple")


class temporary_assistance_township_ceiling(Money):
    """Up to this the township decides by itself (乡镇审批上限), and may help first."""

    entity = Household
    label = "乡镇审批上限"
    reference = REFERENCE

    def formula(household, period, parameters):
        return _ceiling(household, period, "temporary.township_multiple")


class temporary_assistance_times(Measure):
    """Grants within a year, at most; NaN where no rule limits them."""

    entity = Household
    unit = "times"
    label = "每年临时救助次数上限"
    reference = REFERENCE

    def formula(household, period, parameters):
        return local(household, period, "temporary.times_per_year")
