"""Dibao for a person alone (单人户), clause 2.3: severely disabled, seriously ill, or in special difficulty."""

import numpy as np

from openfisca_henan.base import DisabilityKind, Flag, Money, below, known, local, paid, province, rounded, table_of
from openfisca_henan.entities import Household, Person

REFERENCE = "河南省人民政府办公厅通知（2022-11-23），举措2.3"
NAMES = ("dibao.single_person.amount_share", "dibao.single_person.gap", "dibao.single_person.amount")


class single_person_category(Flag):
    """Grade 1 and 2, grade 3 intellectual or mental, seriously ill, or on the county's list."""

    entity = Person
    label = "可单独纳入的人员类别"
    reference = REFERENCE

    def formula(person, period, parameters):
        grade = person("disability_grade", period)
        kind = np.asarray(person("disability_kind", period))
        fits = grade <= province(person, period, "dibao.single_person.grade.any")
        for name in ("intellectual", "mental"):
            limit = province(person, period, f"dibao.single_person.grade.{name}")
            fits = fits | ((kind == DisabilityKind[name].index) & (grade <= limit))
        return (fits & (grade >= 1)) | person("serious_illness", period) | person("special_difficulty", period)


class single_person_income_limit(Money):
    """The county's multiple times the local standard times members; NaN without a rule."""

    entity = Household
    label = "单人户收入上限"
    reference = REFERENCE

    def formula(household, period, parameters):
        multiple = local(household, period, "dibao.single_person.income_multiple")
        return multiple * household("local_dibao_standard", period) * household("dibao_members", period)


class single_person_window(Flag):
    """The household from which people can enter alone: not on dibao, property fits, income below the county's multiple."""

    entity = Household
    label = "家庭符合单人户收入和财产条件"
    reference = REFERENCE

    def formula(household, period, parameters):
        low = below(household("household_income", period), household("single_person_income_limit", period))
        return ~household("dibao_eligible", period) & household("property_eligible", period) & low


class single_person_dibao_eligible(Flag):
    entity = Person
    label = "低保（单人户）"
    reference = REFERENCE

    def formula(person, period, parameters):
        in_window = person.household("single_person_window", period)
        return in_window & person("single_person_category", period) & person("counts_in_dibao_household", period)


class single_person_rule(Money):
    """Amount of a person alone where the place's rule does not look at the person: a fixed sum or a share of the standard. 0: by gap, or no rule."""

    entity = Household
    label = "单人户标准金额"
    reference = REFERENCE

    def formula(household, period, parameters):
        which, rule = table_of(household).alternatives(NAMES, str(period.start))
        county = household("county_index", period)
        which, value = which[county], rule.values[county]
        share = value * household("local_dibao_standard", period)
        amount = np.where(which == 2, value, np.where(which == 0, share, 0))
        return rounded(known(amount), household("dibao_rounding", period))


class single_person_pays_gap(Flag):
    """The place pays people alone the gap between the standard and their own income."""

    entity = Household
    label = "单人户按补差发放"

    def formula(household, period, parameters):
        which, rule = table_of(household).alternatives(NAMES, str(period.start))
        return ((which == 1) & (rule.values > 0))[household("county_index", period)]


class single_person_dibao_amount(Money):
    """Amount by county: share of the standard, fixed sum, or gap; rounded as the place rounds dibao."""

    entity = Person
    label = "单人户低保金"
    reference = REFERENCE

    def formula(person, period, parameters):
        household = person.household
        eligible = person("single_person_dibao_eligible", period)
        amount = paid(person, eligible, person.simulation.household("single_person_rule", period))
        if person.simulation.household("single_person_pays_gap", period).any():
            own = person("countable_income", period) + person("child_allowance_as_income", period)
            gap = np.maximum(household("local_dibao_standard", period) - own, 0)
            gap = rounded(known(gap), household("dibao_rounding", period))
            amount = np.where(household("single_person_pays_gap", period) & eligible, gap, amount)
        return amount
