"""The two disability subsidies (残疾人两项补贴), clause 4.5: at least 60 yuan each, from 2022-12-01 at least 75."""

from openfisca_henan.base import Flag, Money, half_up_fen, known, local, paid, province
from openfisca_henan.entities import Household, Person

REFERENCE = "豫政〔2016〕60号"


class disability_living_standard(Money):
    entity = Household
    label = "困难残疾人生活补贴标准"

    def formula(household, period, parameters):
        return half_up_fen(known(local(household, period, "disability.living")))


class disability_nursing_standard(Money):
    entity = Household
    label = "重度残疾人护理补贴标准"

    def formula(household, period, parameters):
        return half_up_fen(known(local(household, period, "disability.nursing")))


class living_subsidy_covers_marginal(Flag):
    """Whether the county has widened the living subsidy to marginal families."""

    entity = Household
    label = "困难残疾人生活补贴扩大到低保边缘家庭"

    def formula(household, period, parameters):
        return known(local(household, period, "disability.living_marginal")) > 0


class disability_living_subsidy(Money):
    """Living subsidy (困难残疾人生活补贴) of disabled people on dibao, with the household or alone; in counties that widened it of marginal families too."""

    entity = Person
    label = "困难残疾人生活补贴"
    reference = REFERENCE

    def formula(person, period, parameters):
        wider = person.household("living_subsidy_covers_marginal", period) & person("on_marginal", period)
        poor = person("on_dibao", period) | wider
        entitled = (person("disability_grade", period) >= 1) & poor & ~person("excluded_from_living_subsidy", period)
        return paid(person, entitled, person.simulation.household("disability_living_standard", period))


class disability_nursing_subsidy(Money):
    """Nursing subsidy (重度残疾人护理补贴) of people of grade 1 and 2 who need care for long."""

    entity = Person
    label = "重度残疾人护理补贴"
    reference = REFERENCE

    def formula(person, period, parameters):
        grade = person("disability_grade", period)
        severe = (grade >= 1) & (grade <= province(person, period, "disability.nursing_grade"))
        entitled = severe & person("needs_long_care", period) & ~person("excluded_from_nursing_subsidy", period)
        return paid(person, entitled, person.simulation.household("disability_nursing_standard", period))
