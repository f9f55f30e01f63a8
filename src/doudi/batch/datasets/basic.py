"""The departments' basic datasets: people, health, work, property, schooling.

Which departments share what with civil affairs: 豫民〔2021〕5号 (economic situation, 16 departments), 豫政办〔2022〕103号 (monitoring of
low-income people); death and household data 公安, disability 残联, settlements 医保, wages and pensions 人社 and so on.
"""

from __future__ import annotations

from .common import CHECKING, DISABILITY, ID_NUMBER, LINKING, MONITORING, NAME, spellings
from .contract import Column, Contract
from .relationships import RELATIONSHIPS

DISABILITY_KINDS = {"1": "视力", "2": "听力", "3": "言语", "4": "肢体", "5": "智力", "6": "精神", "7": "多重"}
DISABILITY_GRADES = {"1": "一级", "2": "二级", "3": "三级", "4": "四级"}
PENSION_KINDS = {"urban_worker": "城镇职工", "resident": "城乡居民", "public": "机关事业"}
HOUSE_USAGES = {"dwelling": "住宅", "other": "非住宅"}
VEHICLE_KINDS = {"small": "小型汽车", "large": "大型汽车", "motorcycle": "普通摩托车", "disability": "残疾人专用车", "farm": "农用车"}
COMPANY_ROLES = {"legal_person": "法定代表人", "shareholder": "股东", "director": "董事", "supervisor": "监事", "manager": "经理", "owner": "经营者"}
SCHOOL_STAGES = {"preschool": "学前", "primary": "小学", "junior": "初中", "senior": "高中", "vocational": "中职", "college": "高等教育"}
SCHOOL_STATUS = {"enrolled": "在读", "suspended": "休学", "dropped_out": "辍学", "left": "毕业"}

DISABILITY_KIND_CODES = spellings(DISABILITY_KINDS, "残疾") | {"语言": "3", "语言残疾": "3", "多重残疾": "7"}
DISABILITY_GRADE_CODES = spellings(DISABILITY_GRADES) | {
    "1级": "1", "2级": "2", "3级": "3", "4级": "4", "壹级": "1", "贰级": "2", "叁级": "3", "肆级": "4",
}  # fmt: skip
PENSION_CODES = spellings(PENSION_KINDS, "养老保险", "基本养老保险") | {"职工养老": "urban_worker", "居民养老": "resident", "机关养老": "public"}
HOUSE_CODES = spellings(HOUSE_USAGES) | {
    "成套住宅": "dwelling", "普通住宅": "dwelling", "宅基地": "dwelling", "商业": "other", "商铺": "other", "办公": "other", "车位": "other",
    "工业": "other",
}  # fmt: skip
VEHICLE_CODES = spellings(VEHICLE_KINDS) | {
    "小型轿车": "small", "轿车": "small", "小型普通客车": "small", "小型面包车": "small", "重型货车": "large", "大型货车": "large",
    "摩托车": "motorcycle", "残疾人代步车": "disability", "拖拉机": "farm", "三轮汽车": "farm",
}  # fmt: skip
ROLE_CODES = spellings(COMPANY_ROLES) | {
    "法人": "legal_person", "法人代表": "legal_person", "投资人": "shareholder", "自然人股东": "shareholder", "个体经营者": "owner",
}  # fmt: skip
STAGE_CODES = spellings(SCHOOL_STAGES) | {
    "幼儿园": "preschool", "学前教育": "preschool", "初级中学": "junior", "高级中学": "senior", "普通高中": "senior", "中等职业": "vocational",
    "职高": "vocational", "大学": "college", "本科": "college", "专科": "college",
}  # fmt: skip
STATUS_CODES = spellings(SCHOOL_STATUS) | {"在校": "enrolled", "在籍": "enrolled", "失学": "dropped_out", "退学": "dropped_out"}
RELATIONSHIP_CODES = spellings(RELATIONSHIPS) | {
    "儿子": "20", "女儿": "30", "之子": "20", "之女": "30", "丈夫": "11", "妻子": "12", "父": "51", "母": "52", "户主本人": "02",
}  # fmt: skip

BASIC = (
    Contract(
        "disability", "残疾人证信息", "残疾人联合会",
        (
            NAME, ID_NUMBER,
            Column("certificate", "残疾证号", "certificate", ("残疾人证号", "残疾证号码", "残疾人证号码"), required=True, sensitive="certificate"),
            Column("kind", "残疾类别", "code", ("残疾类型",), required=True, codes=DISABILITY_KIND_CODES, labels=DISABILITY_KINDS),
            Column("grade", "残疾等级", "code", ("残疾级别",), required=True, codes=DISABILITY_GRADE_CODES, labels=DISABILITY_GRADES),
            Column("issued_on", "发证日期", "date", ("核发日期", "签发日期"), required=True),
            Column("valid_until", "有效期至", "date", ("有效期", "截止日期"), may_be_future=True),
        ),
        key=("id_number",), legal_basis=DISABILITY, max_bad_share=0.2, linking=LINKING,
    ),
    Contract(
        "medical", "医疗费用结算信息", "医疗保障局",
        (
            NAME, ID_NUMBER,
            Column("settled_on", "结算日期", "date", ("结算时间",), required=True),
            Column("total_cost", "总费用", "amount", ("医疗总费用", "费用总额"), required=True, unit="元", minimum=0),
            Column("own_cost", "个人负担", "amount", ("个人负担费用", "个人自付", "自付金额"), required=True, unit="元", minimum=0),
            Column("serious_illness", "大病标志", "flag", ("是否大病", "大病")),
            Column("disease", "病种", "text", ("疾病名称", "诊断")),
        ),
        key=("id_number", "settled_on", "total_cost", "own_cost", "disease"), legal_basis=MONITORING, nature="events", linking=LINKING,
    ),
    Contract(
        "wages", "工资与社会保险缴费信息", "人力资源和社会保障局",
        (
            NAME, ID_NUMBER,
            Column("employer", "单位", "text", ("单位名称", "工作单位", "用人单位"), required=True),
            Column("month", "月份", "month", ("所属月份", "费款所属期", "缴费月份"), required=True),
            Column("wage", "应发工资", "amount", ("工资", "缴费工资", "工资总额"), required=True, unit="元", minimum=0),
            Column("workplace", "参保地", "division", ("参保地区划", "参保地代码")),
        ),
        key=("id_number", "employer", "month"), legal_basis=CHECKING, nature="events",
    ),
    Contract(
        "pensions", "养老金发放信息", "人力资源和社会保障局",
        (
            NAME, ID_NUMBER,
            Column("kind", "养老类别", "code", ("养老保险类别", "险种"), required=True, codes=PENSION_CODES, labels=PENSION_KINDS),
            Column("month", "月份", "month", ("发放月份", "所属月份"), required=True),
            Column("amount", "金额", "amount", ("发放金额", "养老金", "养老金金额"), required=True, unit="元", minimum=0),
        ),
        key=("id_number", "kind", "month"), legal_basis=CHECKING, nature="events",
    ),
    Contract(
        "deaths", "死亡人员信息", "公安局",
        (
            NAME, ID_NUMBER,
            Column("died_on", "死亡日期", "date", ("死亡时间", "注销日期"), required=True),
            Column("reason", "死亡原因", "text", ("注销原因", "原因")),
        ),
        key=("id_number",), legal_basis=MONITORING, linking=LINKING,
    ),
    Contract(
        "moves", "户籍与迁移信息", "公安局",
        (
            NAME, ID_NUMBER,
            Column("household_no", "户号", "text", ("户口号", "户籍号"), required=True),
            Column("relationship", "与户主关系", "code", ("与户主的关系", "户主关系"), required=True, codes=RELATIONSHIP_CODES, labels=RELATIONSHIPS),
            Column("from_division", "迁出地", "division", ("迁出地区划", "迁出地代码")),
            Column("to_division", "迁入地", "division", ("迁入地区划", "迁入地代码")),
            Column("moved_on", "迁移日期", "date", ("迁入日期", "变动日期")),
        ),
        key=("id_number", "moved_on"), legal_basis=MONITORING,
    ),
    Contract(
        "housing", "不动产登记信息", "自然资源和规划局（不动产登记中心）",
        (
            NAME, ID_NUMBER,
            Column("certificate", "产权证号", "text", ("不动产权证号", "房产证号"), required=True),
            Column("floor_area", "面积", "number", ("建筑面积", "房屋面积"), required=True, unit="平方米", minimum=0),
            Column("usage", "用途", "code", ("房屋用途", "规划用途"), required=True, codes=HOUSE_CODES, labels=HOUSE_USAGES),
            Column("registered_on", "登记日期", "date", ("登记时间",), required=True),
        ),
        key=("id_number", "certificate"), legal_basis=CHECKING,
    ),
    Contract(
        "vehicles", "机动车登记信息", "公安局交通管理支队",
        (
            NAME, ID_NUMBER,
            Column("plate", "车牌号", "text", ("号牌号码", "车牌号码"), required=True),
            Column("kind", "车辆类型", "code", ("车型",), required=True, codes=VEHICLE_CODES, labels=VEHICLE_KINDS),
            Column("registered_on", "登记日期", "date", ("初次登记日期", "注册日期"), required=True),
        ),
        key=("id_number", "plate"), legal_basis=CHECKING,
    ),
    Contract(
        "companies", "市场主体登记信息", "市场监督管理局",
        (
            NAME, ID_NUMBER,
            Column("company", "企业名称", "text", ("公司名称", "市场主体名称"), required=True),
            Column("credit_code", "统一社会信用代码", "credit_code", ("信用代码",), required=True),
            Column("role", "职务", "code", ("角色", "任职"), required=True, codes=ROLE_CODES, labels=COMPANY_ROLES),
            Column("capital", "认缴出资额（万元）", "amount", ("认缴出资额", "认缴额", "注册资本"), unit="万元", minimum=0),
            Column("registered_on", "成立日期", "date", ("登记日期", "注册日期"), required=True),
        ),
        key=("id_number", "credit_code", "role"), legal_basis=CHECKING,
    ),
    Contract(
        "education", "学籍信息", "教育局",
        (
            NAME, ID_NUMBER,
            Column("school", "学校", "text", ("学校名称", "就读学校"), required=True),
            Column("stage", "学段", "code", ("教育阶段",), required=True, codes=STAGE_CODES, labels=SCHOOL_STAGES),
            Column("grade", "年级", "text", ()),
            Column("status", "学籍状态", "code", ("就读状态", "在读状态", "状态"), required=True, codes=STATUS_CODES, labels=SCHOOL_STATUS),
        ),
        key=("id_number",), legal_basis=MONITORING, linking=LINKING,
    ),
)  # fmt: skip
