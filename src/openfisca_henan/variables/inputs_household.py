"""What the registry says of a household."""

from datetime import date

from openfisca_henan.base import Choice, Count, Flag, Measure, Money, MonthVariable, Residence, TemporaryAssistanceType
from openfisca_henan.entities import Household


class county(MonthVariable):
    """Six-digit code of the county that manages the household; for relief, of the county of the emergency.

    Without ``max_length``: with it OpenFisca keeps bytes, and looking the code up fails.
    """

    value_type = str
    entity = Household
    label = "所属县（市、区）"


class residence(Choice):
    entity = Household
    possible_values = Residence
    default_value = Residence.urban
    label = "城乡"


class awards_known(Flag):
    """True: price and disability subsidies follow the awards of the month only; false: the formulas' own results."""

    entity = Household
    label = "已知当月保障待遇"


class rigid_expenditure(Money):
    """Necessary medical, schooling and rehabilitation costs (刚性支出), own part, a month's share of 12 months."""

    entity = Household
    label = "刚性支出"
    reference = "豫民〔2021〕5号"


class financial_assets(Money):
    entity = Household
    label = "金融资产"


class company_capital(Money):
    entity = Household
    label = "认缴出资额"


class vehicles(Count):
    entity = Household
    label = "机动车辆等"


class dwellings(Count):
    entity = Household
    label = "住房套数"


class non_residential_property(Count):
    entity = Household
    label = "非居住类房屋"


class dwelling_area_per_head(Measure):
    entity = Household
    unit = "m2"
    label = "人均住房面积"


class farmland_per_head(Measure):
    entity = Household
    unit = "mu"
    label = "人均耕地"


class was_on_dibao(Flag):
    entity = Household
    label = "上月享受低保"


class previous_dibao_amount(Money):
    """Amount of the last month in which this household was eligible by income and property."""

    entity = Household
    label = "此前低保金额"


class previous_dibao_members(Count):
    entity = Household
    label = "此前低保人数"


class gradual_exit_months(Count):
    """Months of gradual exit already paid before this one; 0 in the first."""

    entity = Household
    label = "已享受渐退期月数"


class gradual_exit_limit(Count):
    """The limit that the decision fixed; 0: the parameter at the start."""

    entity = Household
    label = "决定的渐退期月数"


class gradual_exit_start(MonthVariable):
    """First month of gradual exit; 1970-01-01 (not given): this month."""

    value_type = date
    entity = Household
    label = "渐退期起始月"


class income_rise_from_work(Flag):
    entity = Household
    label = "因就业收入超过标准"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.5"


class exit_suspended(Flag):
    entity = Household
    label = "当地暂停退出低保"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.6"


class temporary_residents_in_need(Count):
    entity = Household
    label = "临时救助人数"


class temporary_assistance_type(Choice):
    entity = Household
    possible_values = TemporaryAssistanceType
    default_value = TemporaryAssistanceType.emergency
    label = "临时救助类型"
