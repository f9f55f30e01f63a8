"""Income of people and households: four classes, work costs, what is disregarded, maintenance, necessary costs."""

import numpy as np

from openfisca_henan.base import Measure, Money, known, local, province, table_of
from openfisca_henan.entities import Household, Person


class work_cost_deduction(Money):
    """Work costs (务工成本扣减), clause 2.4: a share of the urban dibao standard of the place of work, at most the wage."""

    entity = Person
    label = "务工成本扣减"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.4"

    def formula(person, period, parameters):
        rate = province(person, period, "dibao.work_cost_rate")
        if np.isnan(rate):
            return 0.0
        home = table_of(person).province("dibao.standard.urban", str(period.start))
        away = np.flatnonzero(person("works_away", period))
        given = person("workplace_urban_dibao_standard", period)[away]
        standard = np.where(given > 0, given, home)
        deduction = np.zeros(person.count)
        deduction[away] = np.minimum(rate * standard, person("wage_income", period)[away])
        return deduction


class imputed_maintenance(Money):
    """Maintenance that an obligor's household could pay (推定赡养费), for one obligor; the service passes it in ``maintenance_income``."""

    entity = Person
    label = "推定赡养（抚养、扶养）费"
    reference = "洛民〔2022〕1号"

    def formula(person, period, parameters):
        household = person.household
        standard = household("local_dibao_standard", period)
        multiple, share = household("maintenance_exempt_multiple", period), household("maintenance_share", period)
        exempt = multiple * standard * person("obligor_household_members", period)
        excess = np.maximum(person("obligor_household_income", period) - exempt, 0)
        return known(excess * share / np.maximum(person("obligor_supported_people", period), 1))


class maintenance_exempt_multiple(Measure):
    entity = Household
    unit = "multiple"
    label = "赡养费免计倍数"

    def formula(household, period, parameters):
        return local(household, period, "maintenance.exempt_multiple")


class maintenance_share(Measure):
    entity = Household
    unit = "share"
    label = "赡养费超出部分比例"

    def formula(household, period, parameters):
        return local(household, period, "maintenance.share")


class countable_income(Money):
    """Income of a person that counts (可计入收入): four classes and maintenance, less work costs and what is disregarded."""

    entity = Person
    label = "个人计入收入"
    reference = "豫民〔2021〕5号"

    def formula(person, period, parameters):
        income = person("wage_income", period) + person("business_income", period)
        income = income + person("property_income", period) + person("transfer_income", period)
        income = income + person("maintenance_income", period)
        left_out = person("work_cost_deduction", period) + person("disregarded_income", period)
        return np.maximum(income - left_out, 0)


class gross_household_income(Money):
    """Income of the members who count for dibao, before necessary costs. Children's allowances count in full, tekun members not at all."""

    entity = Household
    label = "扣减刚性支出前家庭月收入"
    reference = "豫民〔2021〕5号"

    def formula(household, period, parameters):
        members = household.members
        income = members("countable_income", period) + members("child_allowance_as_income", period)
        return household.sum(income * members("counts_in_dibao_household", period))


class household_income(Money):
    """Income after necessary costs (刚性支出扣减), which are deducted from 2021-08; never below 0."""

    entity = Household
    label = "家庭月收入"
    reference = "豫民〔2021〕5号"

    def formula(household, period, parameters):
        gross = household("gross_household_income", period)
        if not province(household, period, "income.deduct_necessary_costs") > 0:
            return gross
        return np.maximum(gross - household("rigid_expenditure", period), 0)


class dibao_members(Measure):
    """Members who count for dibao: all but tekun members."""

    entity = Household
    unit = "people"
    label = "低保计算人口"

    def formula(household, period, parameters):
        return household.sum(household.members("counts_in_dibao_household", period))


class income_per_capita(Money):
    """Income per head of those who count; for display, never for a threshold."""

    entity = Household
    label = "家庭人均月收入"

    def formula(household, period, parameters):
        return household("household_income", period) / np.maximum(household("dibao_members", period), 1)
