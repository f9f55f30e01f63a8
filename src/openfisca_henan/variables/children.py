"""Allowances for orphans, de facto unsupported children and children with HIV: the same amounts for all three."""

import numpy as np

from openfisca_henan.base import Flag, Money, by_residence, half_up_fen, known, local, province
from openfisca_henan.entities import Household, Person


class child_allowance_group(Flag):
    """Orphan, de facto unsupported or with HIV, under 18 or still in school, where the allowance exists."""

    entity = Person
    label = "孤儿、事实无人抚养儿童或感染儿童"

    def formula(person, period, parameters):
        group = person("orphan", period) | person("de_facto_unsupported_child", period) | person("child_with_hiv", period)
        young = (person("age", period) < province(person, period, "children.age")) | person("in_school", period)
        # Tested with the amount rather than the rule: where the place pays nothing there is nothing to choose.
        return group & young & (person("child_allowance_standard", period) > 0)


class child_allowance_standard(Money):
    """The place's amount, in an institution (机构养育) or dispersed (社会散居); 0 before the rule."""

    entity = Person
    label = "儿童基本生活费标准"

    def formula(person, period, parameters):
        amount = person.household("child_allowance_dispersed", period).copy()
        inside = np.flatnonzero(person("in_institution", period))
        institution = person.simulation.household("child_allowance_institution", period)
        amount[inside] = institution[person.household.members_entity_id[inside]]
        return amount


class child_allowance_dispersed(Money):
    entity = Household
    label = "社会散居儿童基本生活费标准"

    def formula(household, period, parameters):
        return half_up_fen(known(by_residence(household, period, "children.dispersed")))


class child_allowance_institution(Money):
    entity = Household
    label = "机构养育儿童基本生活费标准"

    def formula(household, period, parameters):
        return half_up_fen(known(local(household, period, "children.institution")))


class orphan_allowance(Money):
    """Orphans' basic living allowance (孤儿基本生活费)."""

    entity = Person
    label = "孤儿基本生活费"
    reference = "河南省财政厅 2022-06-08"

    def formula(person, period, parameters):
        entitled = person("child_allowance_group", period) & person("orphan", period) & ~person("tekun_eligible", period)
        return np.where(entitled, person("child_allowance_standard", period), 0)


class unsupported_child_allowance(Money):
    """Allowance of de facto unsupported children (事实无人抚养儿童); a child with HIV who is no orphan stands here."""

    entity = Person
    label = "事实无人抚养儿童基本生活补贴"
    reference = "河南省财政厅 2022-06-08"

    def formula(person, period, parameters):
        entitled = person("child_allowance_group", period) & ~person("orphan", period) & ~person("tekun_eligible", period)
        return np.where(entitled, person("child_allowance_standard", period), 0)
