"""Price linkage (物价联动机制) and the price subsidy (价格临时补贴), clause 3.3. The month is the month of payment."""

import numpy as np

from openfisca_henan.base import (
    Choice,
    Flag,
    Measure,
    Money,
    PriceGroup,
    by_residence,
    first_day,
    half_up_fen,
    half_up_yuan,
    known,
    local,
    months_back,
    province,
    table_of,
    up_jiao,
)
from openfisca_henan.entities import Household, Person
from openfisca_henan.rules import price_linkage

REFERENCE = "发改价格〔2021〕1553号；河南省人民政府办公厅通知（2022-11-23），举措3.3"
#: In this order, so that of groups with the same base the first is named.
GROUPS = (PriceGroup.tekun, PriceGroup.children, PriceGroup.dibao, PriceGroup.marginal)


class price_linkage_started(Flag):
    """Started (启动): the prefecture's CPI or its food part of the month before reached the condition, or the province started everywhere."""

    entity = Household
    label = "物价联动机制启动"
    reference = REFERENCE

    def formula(household, period, parameters):
        return price_linkage(table_of(household), first_day(period)).started[household("county_index", period)]


class price_linkage_known(Flag):
    """Whether the question can be answered: started, or both indices are there and do not reach."""

    entity = Household
    label = "物价指数已知"
    reference = REFERENCE

    def formula(household, period, parameters):
        linkage = price_linkage(table_of(household), first_day(period))
        answered = linkage.started | ~(np.isnan(linkage.cpi) | np.isnan(linkage.food))
        return answered[household("county_index", period)]


class price_rise(Measure):
    """The rise that the amount uses, in per cent; NaN where linkage has not started or the index is not known yet."""

    entity = Household
    unit = "per cent"
    label = "价格临时补贴所用涨幅"
    reference = REFERENCE

    def formula(household, period, parameters):
        return price_linkage(table_of(household), first_day(period)).rise[household("county_index", period)]


class price_base_dibao(Money):
    entity = Household
    label = "价格临时补贴基数：低保对象"

    def formula(household, period, parameters):
        return _base(household, period, "dibao")


class price_base_tekun(Money):
    entity = Household
    label = "价格临时补贴基数：特困人员"

    def formula(household, period, parameters):
        return _base(household, period, "tekun")


class price_base_children(Money):
    entity = Household
    label = "价格临时补贴基数：孤儿等儿童"

    def formula(household, period, parameters):
        return _base(household, period, "children")


class price_base_marginal(Money):
    entity = Household
    label = "价格临时补贴基数：低保边缘家庭"

    def formula(household, period, parameters):
        return _base(household, period, "marginal")


def _base(household, period, group):
    """The standard that a group's amount uses: by residence, or urban or rural for all; 0 where the group is not covered in this month."""
    if province(household, period, f"price_linkage.covered.{group}") != 1:
        return np.zeros(household.count)
    rule = local(household, period, f"price_linkage.amount.base.{group}")
    standard = known(by_residence(household, period, "dibao.standard"))
    urban, rural = (known(local(household, period, f"dibao.standard.{kind}")) for kind in ("urban", "rural"))
    return np.where(rule == 1, urban, np.where(rule == 2, rural, standard))


class price_subsidy_group(Choice):
    """The group through which a person is covered; of several, the one with the highest base. One person has one subsidy."""

    entity = Person
    possible_values = PriceGroup
    default_value = PriceGroup.none
    label = "价格临时补贴保障类别"
    reference = REFERENCE

    def formula(person, period, parameters):
        belongs = {
            PriceGroup.tekun: person("on_tekun", period),
            PriceGroup.children: person("on_child_allowance", period),
            PriceGroup.dibao: person("on_dibao", period),
            PriceGroup.marginal: person("on_marginal", period),
        }
        best = np.zeros(person.count)
        chosen = np.zeros(person.count, dtype=np.int16)
        for group in GROUPS:
            base = person.household(f"price_base_{group.name}", period) * belongs[group]
            better = base > best
            best[better], chosen[better] = base[better], group.index
        return chosen


class price_subsidy_base(Money):
    """The standard that the person's amount uses; 0 where not covered."""

    entity = Person
    label = "价格临时补贴基数"
    reference = REFERENCE

    def formula(person, period, parameters):
        group = np.asarray(person("price_subsidy_group", period))
        base = np.zeros(person.count)
        for choice in GROUPS:
            base = np.where(group == choice.index, person.household(f"price_base_{choice.name}", period), base)
        return base


class price_subsidy(Money):
    """Price subsidy (价格临时补贴): base times rise, rounded and floored as the place rules, times the multiplier of the index month."""

    entity = Person
    label = "价格临时补贴"
    reference = REFERENCE

    def formula(person, period, parameters):
        household = person.household
        rise = household("price_rise", period)
        base = person("price_subsidy_base", period)
        if not (rise >= 0).any():
            return np.zeros(person.count)
        raw = known(base * rise / 100)
        rounding = household("price_rounding", period)
        amount = np.where(rounding == 1, half_up_yuan(raw), np.where(rounding == 2, up_jiao(raw), half_up_fen(raw)))
        amount = np.maximum(amount, household("price_floor", period)) * household("price_multiplier", period)
        return np.where((base > 0) & (rise >= 0), half_up_fen(amount), 0)


class price_rounding(Measure):
    """Rounding of the amount: 0 fen half up, 1 yuan half up, 2 up to the jiao."""

    entity = Household
    label = "价格临时补贴取整"

    def formula(household, period, parameters):
        return known(local(household, period, "price_linkage.amount.rounding"))


class price_floor(Money):
    entity = Household
    label = "价格临时补贴最低金额"

    def formula(household, period, parameters):
        return known(local(household, period, "price_linkage.amount.floor"))


class price_multiplier(Measure):
    """Times the amount, by index month; 1 without a row."""

    entity = Household
    unit = "multiple"
    label = "价格临时补贴倍数"

    def formula(household, period, parameters):
        return known(local(household, period, "price_linkage.amount.multiplier", on=months_back(period, 1)), 1.0)
