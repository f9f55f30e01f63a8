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
