"""Extreme poverty support (特困人员救助供养, tekun)."""

import numpy as np

from openfisca_henan.base import Choice, DisabilityKind, Flag, Money, SelfCareLevel, below, first_day, half_up_fen, known, paid, province, table_of
from openfisca_henan.entities import Household, Person
from openfisca_henan.rules import tekun_care, tekun_living

REFERENCE = "民发〔2021〕43号"


class no_labour_capacity(Flag):
    """No labour capacity (无劳动能力): by age, by disability, or as assessed. A minor recipient may stay to 18, longer while in school."""

    entity = Person
    label = "无劳动能力"
    reference = REFERENCE

    def formula(person, period, parameters):
        age, was = person("age", period), person("was_on_tekun", period)
        by_age = (age >= province(person, period, "tekun.age.old")) | (age < province(person, period, "tekun.age.child"))
        stays = was & ((age < province(person, period, "tekun.age.child_recipient")) | person("in_school", period))
        grade, kind = person("disability_grade", period), np.asarray(person("disability_kind", period))
        disabled = np.zeros(len(grade), dtype=bool)
        for name in ("visual", "physical", "intellectual", "mental"):
            limit = province(person, period, f"tekun.disability_grade.{name}")
            disabled |= (kind == DisabilityKind[name].index) & (grade >= 1) & (grade <= limit)
        return by_age | stays | disabled | (np.asarray(person("labour_capacity", period)) == 2)


class tekun_own_income(Money):
    """The person's own countable income, without what the test of tekun leaves out."""

    entity = Person
    label = "特困认定本人收入"
    reference = REFERENCE

    def formula(person, period, parameters):
        return np.maximum(person("countable_income", period) - person("disregarded_income_tekun", period), 0)


class no_source_of_living(Flag):
    """No source of living (无生活来源): own income below the local dibao standard, property fits."""

    entity = Person
    label = "无生活来源"
    reference = REFERENCE

    def formula(person, period, parameters):
        household = person.household
        low = below(person("tekun_own_income", period), household("local_dibao_standard", period))
        return low & household("property_eligible", period)


class no_able_obligor(Flag):
    """No obligor, or none who is able (无法定义务人或其无履行能力)."""

    entity = Person
    label = "无法定义务人或义务人无履行能力"
    reference = REFERENCE

    def formula(person, period, parameters):
        return np.asarray(person("support_obligor", period)) != 2


class tekun_rule_exists(Flag):
    entity = Household
    label = "当地有特困供养标准"

    def formula(household, period, parameters):
        return ~np.isnan(household("tekun_living_standard", period))


class tekun_eligible(Flag):
    """Tekun: no labour capacity, no source of living, no able obligor; not a child who takes the children's allowance."""

    entity = Person
    label = "特困人员"
    reference = REFERENCE

    def formula(person, period, parameters):
        return (
            person("no_labour_capacity", period)
            & person("no_source_of_living", period)
            & person("no_able_obligor", period)
            & ~person("takes_child_allowance", period)
            & person.household("tekun_rule_exists", period)
        )


class self_care_level(Choice):
    """Self-care (生活自理能力): none of six indicators failed, one to three, four and more."""

    entity = Person
    possible_values = SelfCareLevel
    default_value = SelfCareLevel.able
    label = "生活自理能力"
    reference = "豫民〔2021〕7号"

    def formula(person, period, parameters):
        failed = person("self_care_failures", period)
        partly = failed >= province(person, period, "tekun.self_care.partly_unable")
        unable = failed >= province(person, period, "tekun.self_care.unable")
        return partly.astype(np.int16) + unable.astype(np.int16)


class tekun_living_standard(Money):
    """The place's living amount before rounding; NaN without a rule."""

    entity = Household
    label = "特困基本生活标准"
    reference = REFERENCE

    def formula(household, period, parameters):
        urban, rural = tekun_living(table_of(household), first_day(period))
        county, residence = household("county_index", period), np.asarray(household("residence", period))
        return np.where(residence == 0, urban.values[county], rural.values[county])


class tekun_living_amount(Money):
    """Basic living amount (基本生活标准), rounded half up to the fen."""

    entity = Person
    label = "特困基本生活费"
    reference = REFERENCE

    def formula(person, period, parameters):
        return paid(person, person("tekun_eligible", period), person.simulation.household("tekun_living_payable", period))


class tekun_living_payable(Money):
    """The place's living amount, rounded half up to the fen; 0 without a rule."""

    entity = Household
    label = "特困基本生活标准（取到分）"
    reference = REFERENCE

    def formula(household, period, parameters):
        return half_up_fen(known(household("tekun_living_standard", period)))


class tekun_care_amount(Money):
    """Care amount (照料护理标准) by level of self-care, rounded half up to the fen."""

    entity = Person
    label = "特困照料护理费"
    reference = "豫民〔2021〕7号"

    def formula(person, period, parameters):
        levels = tekun_care(table_of(person), first_day(period))
        stacked = half_up_fen(known(np.stack([level.values for level in levels])))
        county = person.simulation.household("county_index", period)
        amount = np.zeros(person.count)
        who = np.flatnonzero(person("tekun_eligible", period))
        level = np.asarray(person("self_care_level", period))[who]
        amount[who] = stacked[level, county[person.household.members_entity_id[who]]]
        return amount
