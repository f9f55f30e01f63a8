"""How benefits combine: which exclude each other, which count as income for which. One variable for each rule."""

from openfisca_henan.base import Flag, Money
from openfisca_henan.entities import Household, Person

PERSON_BENEFITS = (
    "single_person_dibao_amount",
    "tekun_living_amount",
    "tekun_care_amount",
    "orphan_allowance",
    "unsupported_child_allowance",
    "disability_living_subsidy",
    "disability_nursing_subsidy",
    "price_subsidy",
)


class takes_child_allowance(Flag):
    """A minor who could be tekun has the children's allowance instead, by choice (not both)."""

    entity = Person
    label = "选择儿童基本生活费而不纳入特困"

    def formula(person, period, parameters):
        return person("child_allowance_group", period) & person("chooses_child_allowance", period)


class counts_in_dibao_household(Flag):
    """Tekun members count neither among the members nor with their income."""

    entity = Person
    label = "计入低保家庭人口和收入"
    reference = "民发〔2021〕43号"

    def formula(person, period, parameters):
        return ~person("tekun_eligible", period)


class child_allowance_as_income(Money):
    """Children's allowances count in full as income for dibao; disability subsidies do not."""

    entity = Person
    label = "计入家庭收入的儿童基本生活费"

    def formula(person, period, parameters):
        return person("orphan_allowance", period) + person("unsupported_child_allowance", period)


def _awarded(person, period, received, own):
    """The month's award where awards are known, the formula's own result where not."""
    known = person.simulation.household("awards_known", period)
    if not known.any():
        return own
    known = person.household("awards_known", period)
    return (known & person(received, period)) | (~known & own)


class on_tekun(Flag):
    """On tekun: the month's award where awards are known, else the formula."""

    entity = Person
    label = "特困人员（当月）"

    def formula(person, period, parameters):
        return _awarded(person, period, "receives_tekun", person("tekun_eligible", period))


class on_dibao(Flag):
    """On dibao, with the household or alone."""

    entity = Person
    label = "低保对象（当月）"

    def formula(person, period, parameters):
        with_household = person.household("dibao_eligible", period) & person("counts_in_dibao_household", period)
        return _awarded(person, period, "receives_dibao", with_household | person("single_person_dibao_eligible", period))


class on_child_allowance(Flag):
    entity = Person
    label = "领取儿童基本生活费（当月）"

    def formula(person, period, parameters):
        return _awarded(person, period, "receives_child_allowance", person("child_allowance_as_income", period) > 0)


class on_marginal(Flag):
    entity = Person
    label = "低保边缘家庭成员（当月）"

    def formula(person, period, parameters):
        own = person.household("marginal_family", period) & person("counts_in_dibao_household", period)
        return _awarded(person, period, "confirmed_marginal", own)


class excluded_from_living_subsidy(Flag):
    """Tekun people get no disability subsidy; orphans no living subsidy."""

    entity = Person
    label = "不得享受困难残疾人生活补贴"
    reference = "豫政〔2016〕60号"

    def formula(person, period, parameters):
        return person("on_tekun", period) | (person("orphan", period) & person("on_child_allowance", period))


class excluded_from_nursing_subsidy(Flag):
    """Tekun people get no disability subsidy; work-injury nursing pay excludes nursing."""

    entity = Person
    label = "不得享受重度残疾人护理补贴"
    reference = "豫政〔2016〕60号"

    def formula(person, period, parameters):
        return person("on_tekun", period) | person("work_injury_nursing", period)


class benefits_total(Money):
    """What the household and its members receive in the month, without temporary assistance."""

    entity = Household
    label = "本月待遇合计"

    def formula(household, period, parameters):
        members = household.members
        of_persons = sum(members(name, period) for name in PERSON_BENEFITS)
        return household("dibao_amount", period) + household.sum(of_persons)
