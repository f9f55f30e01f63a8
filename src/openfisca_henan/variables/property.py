"""The property test (家庭财产状况)."""

import numpy as np

from openfisca_henan.base import Flag, Money, below, local, province
from openfisca_henan.entities import Household

REFERENCE = "豫民〔2021〕5号"


def within(count, limit):
    """A number at most the limit; before its first row a limit does not bind."""
    return np.ones(len(count), dtype=bool) if np.isnan(limit) else count <= limit


class financial_assets_limit(Money):
    """So many annual standards for each member. Infinite before the rule."""

    entity = Household
    label = "金融资产上限"
    reference = REFERENCE

    def formula(household, period, parameters):
        multiple = province(household, period, "marginal.financial_assets")
        if np.isnan(multiple):
            return np.inf
        standard = household("local_dibao_standard", period)
        return np.where(np.isnan(standard), np.inf, multiple * 12 * standard * household("members_count", period))


class dwellings_fit(Flag):
    """None or one dwelling, or two with a floor area per head not above last year's local average."""

    entity = Household
    label = "住房符合规定"
    reference = REFERENCE

    def formula(household, period, parameters):
        count = household("dwellings", period)
        free = province(household, period, "marginal.dwellings_without_area_test")
        average = local(household, period, "property.dwelling_area_average")
        small = np.isnan(average) | (np.round(household("dwelling_area_per_head", period), 6) <= np.round(average, 6))
        return within(count, province(household, period, "marginal.dwellings")) & (within(count, free) | small)


class property_eligible(Flag):
    """Property fits, for marginal families; the same limits by default for dibao."""

    entity = Household
    label = "家庭财产符合规定"
    reference = REFERENCE

    def formula(household, period, parameters):
        capital_limit = province(household, period, "marginal.company_capital")
        capital = household("company_capital", period)
        return (
            below(household("financial_assets", period), household("financial_assets_limit", period))
            & (np.isnan(capital_limit) | below(capital, np.float64(capital_limit)))
            & within(household("vehicles", period), province(household, period, "marginal.vehicles"))
            & within(household("non_residential_property", period), province(household, period, "marginal.non_residential_property"))
            & household("dwellings_fit", period)
        )
