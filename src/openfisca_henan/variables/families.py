"""Marginal families (低保边缘家庭) and families with rigid expenditure (刚性支出困难家庭), clause 2.2."""

import numpy as np

from openfisca_henan.base import Flag, Money, below, by_residence, local, months_back, province, reaches
from openfisca_henan.entities import Household


class marginal_income_limit(Money):
    """Multiple times the local standard times members; NaN before the rule."""

    entity = Household
    label = "低保边缘线"
    reference = "豫民〔2022〕4号"

    def formula(household, period, parameters):
        multiple = province(household, period, "marginal.income_multiple")
        return multiple * household("local_dibao_standard", period) * household("dibao_members", period)


class marginal_family(Flag):
    """Marginal family (低保边缘家庭): not on dibao, property fits, income below the multiple of the local standard."""

    entity = Household
    label = "低保边缘家庭"
    reference = "豫民〔2022〕4号"

    def formula(household, period, parameters):
        low = below(household("household_income", period), household("marginal_income_limit", period))
        return ~household("dibao_eligible", period) & household("property_eligible", period) & low


class disposable_income_limit(Money):
    """Disposable income per head of the year before, a month, times members; NaN where the figure is not known."""

    entity = Household
    label = "上年度人均可支配收入合计"

    def formula(household, period, parameters):
        figure = by_residence(household, period, "disposable_income", on=months_back(period, 12))
        return figure * household("dibao_members", period)


class rigid_expenditure_threshold(Money):
    """The share of gross income that necessary costs must reach; NaN without a rule."""

    entity = Household
    label = "刚性支出门槛"

    def formula(household, period, parameters):
        return local(household, period, "rigid_expenditure.share") * household("gross_household_income", period)


class rigid_expenditure_family(Flag):
    """Family with rigid expenditure (刚性支出困难家庭): gross income below the disposable income of the year before, costs reach the share."""

    entity = Household
    label = "刚性支出困难家庭"
    reference = "刚性支出困难家庭认定办法（2024-10）"

    def formula(household, period, parameters):
        costs = household("rigid_expenditure", period)
        other = household("dibao_eligible", period) | household("marginal_family", period) | (household("dibao_members", period) == 0)
        return (
            ~other
            & household("property_eligible", period)
            & below(household("gross_household_income", period), household("disposable_income_limit", period))
            & (costs > 0)
            & reaches(costs, household("rigid_expenditure_threshold", period))
        )


class disposable_income_known(Flag):
    entity = Household
    label = "上年度人均可支配收入已知"

    def formula(household, period, parameters):
        return ~np.isnan(household("disposable_income_limit", period))
