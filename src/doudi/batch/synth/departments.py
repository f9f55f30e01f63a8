"""From the departments' true tables to sheets of text: words for codes, certificate and plate numbers, employers, schools, people from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .identifiers import Digits, check_characters, credit_codes, date_digits, digits_of, to_strings
from .names import draw_surnames, full_names
from .records import COMMON_DISEASES, DEATH_REASONS, ROLES, USAGES, VEHICLE_NAMES, Table
from .slips import Told
from .structure import Bools, Days, Ints
from .text import HEADERS, Column, Sheet, mistype, mixed_dates, money_text
from .world import ILLNESSES

ELSEWHERE_SHARE = 0.015
"""Share of rows about people who are not of the county."""
_DISABILITIES = ("", "视力", "听力残疾", "言语", "肢体残疾", "智力", "精神", "多重残疾")
_GRADES = ("", "一级", "二级", "三级", "四级")
_PENSIONS = ("城镇职工", "城乡居民")
_STAGES = ("", "学前", "小学", "初中", "普通高中", "中职", "高等教育")
_STATUS = ("在读", "休学", "辍学")
_TRADES = ("食品", "建筑劳务", "商贸", "物流", "农业发展", "服饰", "机械", "餐饮管理", "电子科技", "家政服务")
_WORDS = ("鑫源", "宏达", "永盛", "恒信", "中原", "豫丰", "金穗", "润泽", "瑞祥", "华誉")
SCHOOLS = ("第一", "第二", "第三", "实验", "中心", "育才", "希望", "新城", "明德")
_RELATIONSHIPS = {
    2: "户主",
    10: "配偶",
    20: "子",
    30: "女",
    28: "女婿",
    38: "儿媳",
    41: "孙子",
    42: "孙女",
    43: "外孙子",
    44: "外孙女",
    51: "父亲",
    52: "母亲",
}


@dataclass(frozen=True, slots=True)
class Register:
    """What every department knows of the people of a block: name, number, birth, household, county; and the counties that rows can mention."""

    name: pa.Array
    number: Digits
    birth: Days
    household_no: Ints
    county: npt.NDArray[np.str_]
    county_name: pa.Array
    counties: npt.NDArray[np.str_]
    first_person: int
    male: Bools
    phone: pa.Array
    village: pa.Array
    head: pa.Array

    def told(self, person: Ints, strangers_birth: Days) -> Told:
        """What these people tell of themselves; of strangers (-1) only the birth date is known."""
        known = person >= 0
        at, null = np.where(known, person, 0), ~known

        def cells(column: pa.Array) -> list[str | None]:
            return pc.if_else(pa.array(null), pa.scalar(None, pa.string()), column.take(pa.array(at))).to_pylist()

        return Told(self.male[at], np.where(known, self.birth[at], strangers_birth), cells(self.phone), cells(self.village), cells(self.head))


Writer = tuple[Callable[[Register, Table, Digits], dict[str, Column]], str, str]
"""What makes a dataset's own columns, and the column whose dates come in mixed shapes, with its header ("" where there is none)."""


def pick(words: tuple[str, ...], at: npt.NDArray[np.generic]) -> pa.Array:
    return pa.array(words).take(pa.array(at.astype(np.int64)))


def county_of(r: Register, t: Table) -> pa.Array:
    return r.county_name.take(pa.array(t["person"]))


def _text(values: Ints) -> pa.Array:
    return pa.array(values).cast(pa.string())


def joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def employers(register: Register, serial: Ints) -> pa.Array:
    return joined(pick(_WORDS, serial % 10), _text(serial // 100 + 1), "号", pick(_TRADES, serial // 10 % 10), "有限公司")


def _disability(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    kinds = np.vstack([t["kind"], t["grade"]]).T
    certificate = to_strings(np.hstack([number, (kinds + ord("0")).astype(np.uint8)]))
    return {"残疾证号": certificate, "残疾类别": pick(_DISABILITIES, t["kind"]), "残疾等级": pick(_GRADES, t["grade"])}


def _medical(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    disease = pc.if_else(
        pa.array(t["serious"]), pick(ILLNESSES, t["disease"] % len(ILLNESSES)), pick(COMMON_DISEASES, t["disease"] % len(COMMON_DISEASES))
    )
    return {"总费用": money_text(t["total"]), "个人负担": money_text(t["own"]), "大病标志": pick(("否", "是"), t["serious"]), "病种": disease}


def _wages(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    place = pa.array(np.where(t["workplace"] >= 0, r.counties[t["workplace"]], r.county[t["person"]]))
    month = to_strings(date_digits(t["month"].astype("datetime64[D]"))[:, :6])
    return {"单位": employers(r, t["employer"]), "月份": month, "应发工资": money_text(t["wage"]), "参保地": place}


def _pensions(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    month = to_strings(date_digits(t["month"].astype("datetime64[D]"))[:, :6])
    return {"养老类别": pick(_PENSIONS, t["kind"]), "月份": month, "金额": money_text(t["amount"])}


def _deaths(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    return {"死亡原因": pick(DEATH_REASONS, t["reason"])}


def _moves(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    here, other = r.county[t["person"]], r.counties[t["other"]]
    codes = list(_RELATIONSHIPS)
    words = pa.array(list(_RELATIONSHIPS.values()))
    relationship = words.take(pa.array(np.argsort(codes)[np.searchsorted(sorted(codes), t["relationship"])]))
    return {
        "户号": _text(r.household_no[t["person"]]),
        "与户主关系": relationship,
        "迁出地": pa.array(np.where(t["inwards"], other, here)),
        "迁入地": pa.array(np.where(t["inwards"], here, other)),
    }


def _serial(r: Register, t: Table) -> Ints:
    """A number per row that no other row of the table has in any block: the person's number and the position among the person's rows."""
    order = np.argsort(t["person"], kind="stable")
    ordered = t["person"][order]
    rank = np.empty(len(ordered), dtype=np.int64)
    rank[order] = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return (r.first_person + t["person"]) * 4 + rank % 4


def _housing(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    year = _text(t["registered_on"].astype("datetime64[Y]").astype(np.int64) + 1970)
    certificate = joined("豫(", year, ")", county_of(r, t), "不动产权第", to_strings(digits_of(_serial(r, t), 8)), "号")
    return {"产权证号": certificate, "建筑面积": _text_float(t["area"]), "用途": pick(USAGES, t["usage"])}


def _text_float(values: npt.NDArray[np.generic]) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _vehicles(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    serial = _serial(r, t)
    letters = np.frombuffer(b"ABCDEFGHJKLMNPQRSTUVWXYZ", dtype=np.uint8)
    # Five places after the letter of the city, two of them letters: 24 x 24 x 1000 plates, then the city's letter changes.
    body = np.hstack([letters[serial // 1000 % 24][:, None], letters[serial // 24_000 % 24][:, None], digits_of(serial % 1000, 3)])
    city = letters[(serial // 576_000) % 24][:, None]
    return {"车牌号": joined("豫", to_strings(city), to_strings(body)), "车辆类型": pick(VEHICLE_NAMES, t["kind"])}


def _companies(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    serial = _serial(r, t)
    region = r.county[t["person"]].astype(np.int64)
    name = joined(county_of(r, t), pick(_WORDS, serial % 10), pick(_TRADES, serial // 10 % 10), _text(serial % 997), "有限公司")
    capital = _text(t["capital"] // 1_000_000)
    return {"企业名称": name, "统一社会信用代码": credit_codes(serial, region), "职务": pick(ROLES, t["role"]), "认缴出资额(万元)": capital}


def _education(r: Register, t: Table, number: Digits) -> dict[str, Column]:
    stage = t["stage"]
    ending = pick(("", "幼儿园", "小学", "初级中学", "高级中学", "职业中专", "学院"), stage)
    first_age = np.array([0, 3, 6, 12, 15, 15, 18])[stage]
    grade = joined(pick(("一", "二", "三", "四", "五", "六"), (t["age"] - first_age).clip(0, 5)), "年级")
    return {
        "学校": joined(county_of(r, t), pick(SCHOOLS, t["school"]), ending),
        "学段": pick(_STAGES, stage),
        "年级": grade,
        "状态": pick(_STATUS, t["status"]),
    }


WRITERS: dict[str, Writer] = {
    "disability": (_disability, "issued_on", "发证日期"),
    "medical": (_medical, "settled_on", "结算日期"),
    "wages": (_wages, "", ""),
    "pensions": (_pensions, "", ""),
    "deaths": (_deaths, "died_on", "死亡日期"),
    "moves": (_moves, "moved_on", "迁移日期"),
    "housing": (_housing, "registered_on", "登记日期"),
    "vehicles": (_vehicles, "registered_on", "登记日期"),
    "companies": (_companies, "registered_on", "成立日期"),
    "education": (_education, "", ""),
}


def _people_from_elsewhere(rng: np.random.Generator, birth: Days) -> tuple[pa.Array, Digits]:
    """Names and valid numbers of other provinces' regions (34, 37, 42), which no one in the registry has."""
    n = len(birth)
    male = rng.random(n) < 0.5
    regions = np.array([341221, 371722, 420683])
    # One sex bit beside a sequence of 500.
    sequence = rng.integers(0, 500, n) * 2 + male
    first17 = np.hstack([digits_of(rng.choice(regions, n), 6), date_digits(birth), digits_of(sequence, 3)])
    number = np.hstack([first17, check_characters(first17)[:, None]])
    years = birth.astype("datetime64[Y]").astype(np.int64) + 1970
    return full_names(rng, draw_surnames(rng, n), male, years, np.zeros(n, dtype=np.int64)), number


def make_sheet(rng: np.random.Generator, dataset: str, writer: Writer, register: Register, table: Table, *, gbk: bool = False) -> Sheet:
    """One dataset's rows of the block as text in the order of the contract's headers, with people from elsewhere and mistakes (`gbk`: `mistype`)."""
    n = len(table["person"])
    extra = rng.choice(n, rng.binomial(n, ELSEWHERE_SHARE), replace=False) if n else np.zeros(0, np.int64)
    rows = np.concatenate([np.arange(n), extra])
    table = {name: column[rows] for name, column in table.items()}
    person: Ints = table["person"].astype(np.int64)
    birth = register.birth[person]
    strangers, stranger_numbers = _people_from_elsewhere(rng, birth[n:])
    number = register.number[person]
    number[n:] = stranger_numbers
    name = pa.concat_arrays([_flat(register.name.take(pa.array(person[:n]))), _flat(strangers)])
    write, date_column, date_header = writer
    columns = {"姓名": name, "身份证号": to_strings(number), **write(register, table, number)}
    if date_column:
        columns[date_header] = mixed_dates(rng, table[date_column].astype("datetime64[D]"))
    owner = np.where(np.arange(len(person)) < n, person, -1)
    years = birth.astype("datetime64[Y]").astype(np.int64) + 1970
    own = {header: _flat(columns[header]) for header in HEADERS[dataset] if header in columns}
    return mistype(rng, dataset, own, owner, number, years, gbk, lambda at: register.told(owner[at], birth[at]))


def _flat(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def broken(sheet: Sheet, people: int) -> Bools:
    """Who has an unusable row in the sheet, by position in the block."""
    flags = np.zeros(people, dtype=bool)
    flags[sheet.person[(sheet.mistake != "") & (sheet.person >= 0)]] = True
    return flags
