"""Price linkage (物价联动机制) and the price subsidy (价格临时补贴), clause 3.3. The month is the month of payment."""

import numpy as np

from openfisca_henan.base import Choice, Count, Flag, Measure, Money, PriceGroup, first_day, place_of, table_of
from openfisca_henan.entities import Household, Person
from openfisca_henan.rules import PRICE_GROUPS, price_amounts, price_linkage

REFERENCE = "发改价格〔2021〕1553号；河南省人民政府办公厅通知（2022-11-23），举措3.3"
#: Position in ``PRICE_GROUPS`` -> number of the group; the last stands for -1, none.
GROUP_NUMBERS = np.array([*(PriceGroup[name].index for name in PRICE_GROUPS), PriceGroup.none.index], dtype=np.int16)


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
    bases = price_amounts(table_of(household), first_day(period)).bases
    return bases[PRICE_GROUPS.index(group), place_of(household, period)]


class price_multiplier(Measure):
    """Times the amount, by index month; 1 without a row."""

    entity = Household
    unit = "multiple"
    label = "价格临时补贴倍数"

    def formula(household, period, parameters):
        return price_amounts(table_of(household), first_day(period)).multiplier[household("county_index", period)]


class price_place(Count):
    """Residence and county as one number, by which amounts are looked up."""

    entity = Household
    label = "城乡和县序号"

    def formula(household, period, parameters):
        return place_of(household, period)


class price_groups(Count):
    """The groups to which a person belongs, as a sum of bits in the order of ``PRICE_GROUPS``."""

    entity = Person
    label = "所属保障类别"

    def formula(person, period, parameters):
        groups = person("on_tekun", period).astype(np.int32)
        for number, name in ((1, "on_child_allowance"), (2, "on_dibao"), (3, "on_marginal")):
            groups |= person(name, period).astype(np.int32) << number
        return groups


def _looked_up(person, period, what):
    """A column of the month's table of amounts, for each person's groups and place."""
    table = getattr(price_amounts(table_of(person), first_day(period)), what)
    return table[person("price_groups", period), person.household("price_place", period)]


class price_subsidy_group(Choice):
    """The group through which a person is covered; of several, the one with the highest base. One person has one subsidy."""

    entity = Person
    possible_values = PriceGroup
    default_value = PriceGroup.none
    label = "价格临时补贴保障类别"
    reference = REFERENCE

    def formula(person, period, parameters):
        return GROUP_NUMBERS[_looked_up(person, period, "group")]


class price_subsidy_base(Money):
    """The standard that the person's amount uses; 0 where not covered."""

    entity = Person
    label = "价格临时补贴基数"
    reference = REFERENCE

    def formula(person, period, parameters):
        return _looked_up(person, period, "base")


class price_subsidy(Money):
    """Price subsidy (价格临时补贴): base times rise, rounded and floored as the place rules, times the multiplier of the index month."""

    entity = Person
    label = "价格临时补贴"
    reference = REFERENCE

    def formula(person, period, parameters):
        if not price_linkage(table_of(person), first_day(period)).started.any():
            return np.zeros(person.count)
        return _looked_up(person, period, "amount")
