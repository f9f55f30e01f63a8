"""What contracts share: name and number, spellings of codes, the legal grounds."""

from __future__ import annotations

from .contract import Column

CHECKING = "豫民〔2021〕5号；国务院令第649号《社会救助暂行办法》第五十八条"
MONITORING = "豫政办〔2022〕103号"
DISABILITY = "豫政〔2016〕60号"
UNSUPPORTED_CHILDREN = "民发〔2019〕62号"

NAME = Column("name", "姓名", "name", ("人员姓名", "残疾人姓名", "参保人姓名", "死者姓名", "权利人", "所有人", "学生姓名"), required=True)
ID_NUMBER = Column(
    "id_number",
    "身份证号",
    "id_number",
    ("身份证号码", "公民身份号码", "公民身份证号码", "证件号码", "身份证", "居民身份证号"),
    required=True,
    sensitive="citizen_id",
)


def spellings(labels: dict[str, str], *endings: str) -> dict[str, str]:
    """Code, label, and label with each ending, all pointing to the code."""
    codes = {code: code for code in labels}
    for code, label in labels.items():
        codes |= {label + ending: code for ending in ("", *endings)}
    return codes


SEXES = {"male": "男", "female": "女"}
LINKING = (
    Column("told_sex", "性别", "code", codes=spellings(SEXES, "性") | {"1": "male", "2": "female"}, labels=SEXES),
    Column("told_birth", "出生日期", "date", ("出生年月日", "生日")),
    Column("told_phone", "联系电话", "phone", ("电话", "手机号", "手机号码", "联系方式"), sensitive="phone"),
    Column("told_division", "户籍地", "division", ("户籍地区划", "户籍地代码", "户籍所在地")),
    Column("told_relatives", "户主或监护人", "text", ("户主姓名", "监护人姓名", "家庭成员", "家长姓名")),
)
"""What tells who a person is where the ID number is missing or wrong (疑似同一人核查). For datasets that find people in need; data that check
property and income carry a good number or go back (their rows may not fall on somebody by likeness)."""
