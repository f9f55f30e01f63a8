"""The departments' datasets about situations: where people stay, marriages, illness, work lost, disasters, detention, poverty watch, aid given.

Grounds: 豫政办〔2022〕103号 (monitoring of low-income people, data of departments), 豫民〔2021〕5号 (checking of the economic situation),
民发〔2019〕62号 (parents who cannot care: detention, compulsory treatment, missing), 国务院令第649号.
"""

from __future__ import annotations

from .common import CHECKING, ID_NUMBER, LINKING, MONITORING, NAME, UNSUPPORTED_CHILDREN, spellings
from .contract import Column, Contract

STAY_REASONS = {"work": "务工", "study": "就学", "family": "投靠亲属", "other": "其他"}
MARRIAGE_EVENTS = {"married": "结婚", "divorced": "离婚"}
WORK_STATUS = {"unemployed": "失业", "employed": "已就业"}
INCOME_KINDS = {
    "wages": "工资薪金", "labour": "劳务报酬", "royalties": "稿酬及特许权使用费", "business": "经营所得", "rent": "财产租赁所得",
    "interest": "利息股息红利所得", "sale": "财产转让所得", "chance": "偶然所得",
}  # fmt: skip
ASSET_KINDS = {"deposit": "存款", "wealth": "理财产品", "securities": "证券", "fund": "基金", "insurance": "商业保险"}
WATCH_KINDS = {"unstable": "脱贫不稳定户", "marginal": "边缘易致贫户", "sudden": "突发严重困难户"}
RISKS = {"illness": "因病", "disability": "因残", "study": "因学", "disaster": "因灾", "work": "务工就业不稳", "housing": "住房", "water": "饮水", "other": "其他"}
DISASTERS = {"fire": "火灾", "flood": "洪涝", "wind": "风雹", "quake": "地震", "geological": "地质灾害", "snow": "低温雨雪", "drought": "干旱", "other": "其他"}
HOUSE_DAMAGE = {"none": "未受损", "slight": "一般损坏", "serious": "严重损坏", "collapsed": "倒塌"}
ABSENCES = {"prison": "服刑", "custody": "羁押", "treatment": "强制隔离戒毒", "restricted": "其他限制人身自由", "missing": "失联"}
AID_LEVELS = {"special": "特别困难", "difficult": "困难", "general": "一般困难"}
AID_KINDS = {"living": "生活补助", "grant": "助学金", "waiver": "学费减免", "loan": "助学贷款", "other": "其他资助"}
PROGRAMMES = {
    "dibao": "最低生活保障", "tekun": "特困人员救助供养", "orphan": "孤儿基本生活费", "unsupported_child": "事实无人抚养儿童基本生活补贴",
    "disability_living": "困难残疾人生活补贴", "disability_nursing": "重度残疾人护理补贴",
}  # fmt: skip

STAY_CODES = spellings(STAY_REASONS) | {"打工": "work", "经商": "work", "上学": "study", "随迁": "family"}
MARRIAGE_CODES = spellings(MARRIAGE_EVENTS, "登记") | {"初婚": "married", "再婚": "married", "复婚": "married"}
STATUS_CODES = spellings(WORK_STATUS) | {"失业中": "unemployed", "登记失业": "unemployed", "就业": "employed", "再就业": "employed", "已注销": "employed"}
INCOME_CODES = spellings(INCOME_KINDS, "所得") | {"工资": "wages", "劳务": "labour", "生产经营所得": "business", "租赁": "rent", "稿酬": "royalties"}
ASSET_CODES = spellings(ASSET_KINDS) | {"银行存款": "deposit", "理财": "wealth", "股票": "securities", "保险": "insurance"}
WATCH_CODES = spellings(WATCH_KINDS) | {"脱贫不稳定": "unstable", "边缘户": "marginal", "突发严重困难": "sudden"}
RISK_CODES = spellings(RISKS) | {"疾病": "illness", "残疾": "disability", "就业": "work"}
DISASTER_CODES = spellings(DISASTERS) | {"火险": "fire", "洪水": "flood", "暴雨洪涝": "flood", "冰雹": "wind", "雪灾": "snow"}
DAMAGE_CODES = spellings(HOUSE_DAMAGE) | {"无": "none", "一般": "slight", "严重": "serious", "全倒": "collapsed"}
ABSENCE_CODES = spellings(ABSENCES) | {"在押": "custody", "强戒": "treatment", "强制戒毒": "treatment", "失踪": "missing", "下落不明": "missing"}
LEVEL_CODES = spellings(AID_LEVELS) | {"特困": "special", "特殊困难": "special", "比较困难": "difficult"}
AID_CODES = spellings(AID_KINDS) | {"国家助学金": "grant", "寄宿生生活补助": "living", "免学费": "waiver", "贷款": "loan"}
PROGRAMME_CODES = spellings(PROGRAMMES) | {
    "低保": "dibao", "特困": "tekun", "特困供养": "tekun", "孤儿": "orphan", "事实无人抚养儿童": "unsupported_child", "生活补贴": "disability_living",
    "护理补贴": "disability_nursing",
}  # fmt: skip

SITUATIONS = (
    Contract(
        "residence_permits", "居住登记与居住证信息", "公安局",
        (
            NAME, ID_NUMBER,
            Column("residence", "居住地", "division", ("居住地区划", "居住地代码", "现住地"), required=True),
            Column("reason", "居住事由", "code", ("来本地事由", "事由"), codes=STAY_CODES, labels=STAY_REASONS),
            Column("registered_on", "登记日期", "date", ("申报日期", "签发日期"), required=True),
            Column("valid_until", "有效期至", "date", ("有效期", "截止日期"), may_be_future=True),
        ),
        key=("id_number",), legal_basis=MONITORING, freshness_days=90,
    ),
    Contract(
        "marriages", "婚姻登记信息", "民政局（婚姻登记处）",
        (
            NAME, ID_NUMBER,
            Column("event", "登记类型", "code", ("业务类型", "婚姻状况"), required=True, codes=MARRIAGE_CODES, labels=MARRIAGE_EVENTS),
            Column("registered_on", "登记日期", "date", ("登记时间", "发证日期"), required=True),
            Column("spouse", "对方身份证号", "person_number", ("配偶身份证号", "对方证件号码"), sensitive="citizen_id"),
        ),
        key=("id_number", "registered_on", "event"), legal_basis=CHECKING, nature="events", freshness_days=90,
    ),
    Contract(
        "serious_illness", "重特大疾病患者信息", "医疗保障局",
        (
            NAME, ID_NUMBER,
            Column("disease", "病种", "text", ("疾病名称", "诊断"), required=True),
            Column("diagnosed_on", "确诊日期", "date", ("诊断日期", "认定日期"), required=True),
            Column("hospital", "确诊医院", "text", ("医疗机构", "医院")),
        ),
        key=("id_number", "disease"), legal_basis=MONITORING, linking=LINKING,
    ),
    Contract(
        "unemployment", "失业登记与失业保险信息", "人力资源和社会保障局",
        (
            NAME, ID_NUMBER,
            Column("registered_on", "失业登记日期", "date", ("登记日期", "失业日期"), required=True),
            Column("status", "状态", "code", ("就业状态", "失业状态"), required=True, codes=STATUS_CODES, labels=WORK_STATUS),
            Column("reason", "失业原因", "text", ("原因",)),
            Column("benefit", "月失业保险金", "amount", ("失业保险金", "失业金"), unit="元", minimum=0),
            Column("benefit_until", "领取截止", "date", ("领取截止日期", "失业金截止日期"), may_be_future=True),
        ),
        key=("id_number", "registered_on"), legal_basis=MONITORING, linking=LINKING,
    ),
    Contract(
        "tax", "个人所得税收入信息", "税务局",
        (
            NAME, ID_NUMBER,
            Column("month", "所属月份", "month", ("税款所属期", "月份"), required=True),
            Column("kind", "所得项目", "code", ("所得类型", "收入类型"), required=True, codes=INCOME_CODES, labels=INCOME_KINDS),
            Column("income", "收入额", "amount", ("收入", "所得额", "应税收入"), required=True, unit="元", minimum=0),
            Column("payer", "扣缴义务人", "text", ("支付单位", "支付方")),
        ),
        key=("id_number", "month", "kind", "payer"), legal_basis=CHECKING, nature="events",
    ),
    Contract(
        "housing_fund", "住房公积金缴存信息", "住房公积金管理中心",
        (
            NAME, ID_NUMBER,
            Column("employer", "单位", "text", ("单位名称", "缴存单位"), required=True),
            Column("month", "缴存月份", "month", ("月份", "汇缴月份"), required=True),
            Column("base", "缴存基数", "amount", ("基数", "缴存工资"), required=True, unit="元", minimum=0),
            Column("balance", "账户余额", "amount", ("余额",), unit="元", minimum=0),
        ),
        key=("id_number", "employer", "month"), legal_basis=CHECKING, nature="events",
    ),
    Contract(
        "bank_assets", "银行存款等金融资产核对结果", "金融机构（经核对中心）",
        (
            NAME, ID_NUMBER,
            Column("authorisation", "授权书编号", "text", ("核对授权书编号", "授权编号"), required=True),
            Column("institution", "机构", "text", ("金融机构", "开户行", "银行"), required=True),
            Column("kind", "资产类别", "code", ("类别", "产品类别"), required=True, codes=ASSET_CODES, labels=ASSET_KINDS),
            Column("checked_on", "查询日期", "date", ("核对日期",), required=True),
            Column("balance", "余额", "amount", ("资产余额", "金额"), required=True, unit="元", minimum=0),
        ),
        key=("id_number", "institution", "kind"), legal_basis=CHECKING, max_bad_share=0.05,
    ),
    Contract(
        "monitoring_list", "防止返贫监测对象信息", "乡村振兴局",
        (
            NAME, ID_NUMBER,
            Column("kind", "监测类别", "code", ("监测对象类别", "户类型"), required=True, codes=WATCH_CODES, labels=WATCH_KINDS),
            Column("risk", "风险类型", "code", ("返贫风险", "致贫原因"), codes=RISK_CODES, labels=RISKS),
            Column("identified_on", "识别日期", "date", ("认定日期", "纳入日期"), required=True),
            Column("removed_on", "风险消除日期", "date", ("消除日期",)),
        ),
        key=("id_number",), legal_basis=MONITORING, linking=LINKING,
    ),
    Contract(
        "disasters", "火灾与自然灾害受灾信息", "应急管理局（消防救援大队）",
        (
            NAME, ID_NUMBER,
            Column("kind", "灾害种类", "code", ("灾种", "灾害类型"), required=True, codes=DISASTER_CODES, labels=DISASTERS),
            Column("happened_on", "发生日期", "date", ("受灾日期", "灾害日期"), required=True),
            Column("damage", "房屋受损", "code", ("房屋受损情况", "住房受损"), required=True, codes=DAMAGE_CODES, labels=HOUSE_DAMAGE),
            Column("loss", "直接经济损失", "amount", ("经济损失", "损失金额"), unit="元", minimum=0),
        ),
        key=("id_number", "happened_on", "kind"), legal_basis=MONITORING, nature="events", freshness_days=30, linking=LINKING,
    ),
    Contract(
        "detention", "服刑、强制隔离戒毒等人员信息", "司法局（公安局共同报送）",
        (
            NAME, ID_NUMBER,
            Column("kind", "类别", "code", ("人员类别", "情形"), required=True, codes=ABSENCE_CODES, labels=ABSENCES),
            Column("from_on", "起始日期", "date", ("开始日期", "收押日期", "入所日期"), required=True),
            Column("until_on", "预计结束日期", "date", ("刑满日期", "解除日期", "结束日期"), may_be_future=True),
        ),
        key=("id_number", "kind", "from_on"), legal_basis=UNSUPPORTED_CHILDREN, freshness_days=30, max_bad_share=0.05, linking=LINKING,
    ),
    Contract(
        "student_aid", "学生资助信息", "教育局",
        (
            NAME, ID_NUMBER,
            Column("school", "学校", "text", ("学校名称", "就读学校"), required=True),
            Column("kind", "资助项目", "code", ("资助类型",), required=True, codes=AID_CODES, labels=AID_KINDS),
            Column("level", "困难等级", "code", ("困难程度", "困难类型"), required=True, codes=LEVEL_CODES, labels=AID_LEVELS),
            Column("month", "发放月份", "month", ("月份", "资助月份"), required=True),
            Column("amount", "资助金额", "amount", ("金额",), required=True, unit="元", minimum=0),
        ),
        key=("id_number", "kind", "month"), legal_basis=MONITORING, nature="events", freshness_days=180, linking=LINKING,
    ),
    Contract(
        "assistance_elsewhere", "外地社会救助享受信息", "省民政厅（省际、市际交换）",
        (
            NAME, ID_NUMBER,
            Column("programme", "救助项目", "code", ("项目", "待遇名称"), required=True, codes=PROGRAMME_CODES, labels=PROGRAMMES),
            Column("division", "保障地", "division", ("保障地区划", "保障地代码"), required=True),
            Column("starts", "起始月份", "month", ("开始月份", "享受起始月"), required=True),
            Column("ends", "停发月份", "month", ("结束月份",)),
            Column("amount", "月金额", "amount", ("月保障金", "金额"), unit="元", minimum=0),
        ),
        key=("id_number", "programme", "division"), legal_basis=MONITORING,
    ),
)  # fmt: skip
