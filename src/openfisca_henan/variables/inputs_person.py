"""What the registry says of a person. Income is the total of the 12 months before the application or review, divided by 12."""

from datetime import date

from openfisca_core.periods import DateUnit
from openfisca_core.variables import Variable

from openfisca_henan.base import Choice, Count, DisabilityKind, Flag, LabourCapacity, Money, SupportObligor
from openfisca_henan.entities import Person


class birth_date(Variable):
    value_type = date
    entity = Person
    definition_period = DateUnit.ETERNITY
    label = "出生日期"


class wage_income(Money):
    """Wages (工资性收入): net of income tax and social insurance, before work costs."""

    entity = Person
    label = "工资性收入"
    reference = "豫民〔2021〕5号"


class business_income(Money):
    entity = Person
    label = "经营净收入"
    reference = "豫民〔2021〕5号"


class property_income(Money):
    entity = Person
    label = "财产净收入"
    reference = "豫民〔2021〕5号"


class transfer_income(Money):
    """Transfers (转移净收入), without maintenance and without the children's allowances, which the law itself adds."""

    entity = Person
    label = "转移净收入"
    reference = "豫民〔2021〕5号"


class land_income(Money):
    """The part of business income that comes from farmland."""

    entity = Person
    label = "经营净收入中的土地收入"


class maintenance_income(Money):
    """Maintenance that counts (计入的赡养、抚养、扶养费), from all obligors outside the household."""

    entity = Person
    label = "赡养（抚养、扶养）费"
    reference = "豫民〔2021〕5号"


class obligor_household_income(Money):
    entity = Person
    label = "义务人家庭月收入"


class obligor_household_members(Count):
    entity = Person
    default_value = 1
    label = "义务人家庭人口"


class obligor_supported_people(Count):
    entity = Person
    default_value = 1
    label = "义务人应供养人数"


class disregarded_income(Money):
    """Part of the income that the rules leave out (不计入的收入)."""

    entity = Person
    label = "不计入家庭收入的部分"
    reference = "豫民〔2021〕5号"


class disregarded_income_tekun(Money):
    """What the test of tekun leaves out beside it: the basic pension, preferential money, the old-age allowance."""

    entity = Person
    label = "特困认定不计入的部分"
    reference = "民发〔2021〕43号"


class works_away(Flag):
    entity = Person
    label = "外出务工或返岗就业"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.4"


class workplace_urban_dibao_standard(Money):
    entity = Person
    label = "务工地城市低保标准"


class disability_grade(Count):
    entity = Person
    label = "残疾等级"


class disability_kind(Choice):
    entity = Person
    possible_values = DisabilityKind
    default_value = DisabilityKind.none
    label = "残疾类别"


class needs_long_care(Flag):
    entity = Person
    default_value = True
    label = "需要长期照护"


class work_injury_nursing(Flag):
    entity = Person
    label = "领取工伤生活护理费"


class serious_illness(Flag):
    entity = Person
    label = "重病患者"


class labour_capacity(Choice):
    entity = Person
    possible_values = LabourCapacity
    default_value = LabourCapacity.full
    label = "劳动能力"


class support_obligor(Choice):
    entity = Person
    possible_values = SupportObligor
    default_value = SupportObligor.able
    label = "法定赡养、抚养、扶养义务人"


class self_care_failures(Count):
    entity = Person
    label = "生活自理能力未达标指标数"
    reference = "豫民〔2021〕7号"


class in_institution(Flag):
    entity = Person
    label = "在机构供养或养育"


class in_school(Flag):
    entity = Person
    label = "在校就读"


class orphan(Flag):
    entity = Person
    label = "孤儿"


class de_facto_unsupported_child(Flag):
    entity = Person
    label = "事实无人抚养儿童"


class child_with_hiv(Flag):
    entity = Person
    label = "艾滋病病毒感染儿童"


class chooses_child_allowance(Flag):
    entity = Person
    default_value = True
    label = "选择领取儿童基本生活费"


class was_on_tekun(Flag):
    entity = Person
    label = "上月为特困人员"


class dibao_band(Count):
    entity = Person
    label = "审批确定的低保档次"


class special_difficulty(Flag):
    entity = Person
    label = "县级认定的其他特殊困难人员"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.3"


class receives_dibao(Flag):
    entity = Person
    label = "当月享受低保"


class receives_tekun(Flag):
    entity = Person
    label = "当月享受特困供养"


class receives_child_allowance(Flag):
    entity = Person
    label = "当月享受儿童基本生活费"


class confirmed_marginal(Flag):
    entity = Person
    label = "当月为低保边缘家庭成员"
